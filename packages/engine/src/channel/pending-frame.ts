/**
 * What waits for credit on the producing side of a ring: a sealed frame, or a large record or definition that leaves in fragments; and control
 * between them.
 */
import { Buffer } from 'node:buffer'
import { FRAGMENT_INNER_SHIFT, FrameKind, type FrameKindCode } from './frame.js'
import type { SliceWriter } from './slice-frames.js'

export interface PendingFrame {
  kind: FrameKindCode
  /** Header words 2 and 3. */
  count: number
  detail: number
  times: Float64Array | undefined
  bytes: Buffer
  length: number
  /** Fragments: bytes already published. */
  sent: number
}

const NO_BYTES = Buffer.alloc(0)

export function watermarkFrame(watermark: number, idle: boolean): PendingFrame {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(watermark)
  return { kind: FrameKind.watermark, count: idle ? 1 : 0, detail: 0, times: undefined, bytes, length: bytes.length, sent: 0 }
}

export function controlFrame(kind: FrameKindCode, count: number, detail: number): PendingFrame {
  return { kind, count, detail, times: undefined, bytes: NO_BYTES, length: 0, sent: 0 }
}

/** Copies what is left of a frame. */
export function writePending(frame: PendingFrame, writer: SliceWriter): void {
  const { kind, count, times, bytes, length, sent } = frame
  if (kind === FrameKind.records) writer.records(count, times, 0, bytes, 0, length)
  else if (kind === FrameKind.fragment)
    writer.fragment((count >> FRAGMENT_INNER_SHIFT) as FrameKindCode, times?.[0] ?? Number.NaN, bytes, sent, length)
  else if (kind === FrameKind.shape) writer.shape(bytes)
  else if (kind === FrameKind.watermark) writer.mark(bytes.readDoubleLE(), count === 1)
  else if (kind === FrameKind.end) writer.end(count)
}
