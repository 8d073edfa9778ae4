/**
 * Frames: everything that crosses a channel is one. A header of 16 bytes, then the payload; total length a multiple of 16, so a
 * control frame (header only) fits wherever a frame may start and never needs a pad of its own.
 *
 *   word 0  length in bytes, header included
 *   word 1  MAGIC | kind
 *   word 2  records: number of records; fragment: 1 on the last one; watermark: 1 where the channel is idle; end: an `EndReason`
 *   word 3  records: payload bytes behind the timestamps; fragment: total bytes of the record
 *
 * A records frame of a timed edge has one float64 timestamp per record between header and payload; a fragment has the
 * timestamp of its record there; a watermark frame has the watermark. A barrier is no frame: it is two words of the ring's header.
 */
export const FRAME_HEADER_BYTES = 16
export const FRAME_ALIGN_BYTES = 16
/** Room that only the end of stream may use. */
export const CONTROL_RESERVE_BYTES = 64

/** High half of word 1: tells a frame header from anything else. */
export const FRAME_MAGIC = 0x51ce0000
export const FRAME_KIND_MASK = 0xffff

export const FrameKind = {
  records: 1,
  fragment: 2,
  shape: 3,
  watermark: 4,
  /** Of local queues alone. */
  barrier: 5,
  latencyMark: 6,
  end: 7,
  pad: 8,
} as const
export type FrameKindCode = (typeof FrameKind)[keyof typeof FrameKind]
export const FRAME_KIND_MAX: number = FrameKind.pad

/** Kind of what fragments make up, in header word 2 above the flag of the last one. */
export const FRAGMENT_INNER_SHIFT = 8

/** Why a channel ended: its source is exhausted (what is open fires) or the job was stopped (nothing fires). */
export const EndReason = { exhausted: 0, stopped: 1 } as const
export type EndReasonCode = (typeof EndReason)[keyof typeof EndReason]

/** Largest shape definition, in bytes: it holds the names that its records do without, and may be larger than any of them. */
export const DEFINITION_BYTES_MAX: number = 1 << 20

/** Most records in one frame. */
export const FRAME_RECORDS_MAX = 512

/** Records that fit into a frame of this size beside their timestamps. */
export function recordsPerFrame(maxFrameBytes: number): number {
  return Math.max(1, Math.min(FRAME_RECORDS_MAX, maxFrameBytes >> 5))
}

export function alignFrame(bytes: number): number {
  return (bytes + FRAME_ALIGN_BYTES - 1) & -FRAME_ALIGN_BYTES
}
