/**
 * Writes the frames of a slice: those of a ring as they are, and those that are made anew from what is left of a record or of a batch. Unlike
 * in a ring a frame has its exact length in the header and may be of any size; each begins at a multiple of 16. What is read of control frames
 * is the newest watermark and the end.
 */
import { Buffer } from 'node:buffer'
import type { ChannelIdentity, ChannelSlice } from './channel-slice.js'
import {
  alignFrame,
  type EndReasonCode,
  FRAGMENT_INNER_SHIFT,
  FRAME_HEADER_BYTES,
  FRAME_MAGIC,
  FrameKind,
  type FrameKindCode,
} from './frame.js'

const BYTES_AT_FIRST = 4096

export class SliceWriter {
  /** The newest one; NaN: none. */
  watermark: number = Number.NaN
  idle = false
  ended: EndReasonCode | undefined
  #bytes: Buffer = Buffer.alloc(0)
  #length = 0

  get bytes(): number {
    return this.#length
  }

  mark(watermark: number, idle: boolean): void {
    this.watermark = watermark
    this.idle = idle
  }

  end(reason: number): void {
    this.ended = reason as EndReasonCode
  }

  /** `count` encoded records with their timestamps from `timesAt` on; undefined: the edge is untimed. */
  records(count: number, times: Float64Array | undefined, timesAt: number, source: Uint8Array, from: number, to: number): void {
    const timesBytes = times === undefined ? 0 : count * 8
    let at = this.#header(FrameKind.records, timesBytes + to - from, count, to - from)
    if (times !== undefined) for (let k = 0; k < count; k++) at = this.#bytes.writeDoubleLE(times[timesAt + k] as number, at)
    this.#bytes.set(source.subarray(from, to), at)
  }

  /** Bytes `from` to `to` of a record or a definition of `source.length` bytes. */
  fragment(inner: FrameKindCode, timestamp: number, source: Uint8Array, from: number, to: number): void {
    const last = to === source.length ? 1 : 0
    const at = this.#header(FrameKind.fragment, 8 + to - from, (inner << FRAGMENT_INNER_SHIFT) | last, source.length)
    this.#bytes.writeDoubleLE(timestamp, at)
    this.#bytes.set(source.subarray(from, to), at + 8)
  }

  shape(definition: Uint8Array): void {
    const at = this.#header(FrameKind.shape, definition.length, 1, definition.length)
    this.#bytes.set(definition, at)
  }

  /** A whole frame of a ring with its header: records, fragment or shape. */
  frame(source: Uint8Array, from: number, length: number): void {
    const at = this.#take(length)
    this.#bytes.set(source.subarray(from, from + length), at)
  }

  /** undefined where nothing was written. */
  finish(
    channel: ChannelIdentity,
    side: ChannelSlice['side'],
    timed: boolean,
    definitions: readonly Uint8Array[],
  ): ChannelSlice | undefined {
    const { watermark, idle, ended } = this
    if (this.#length === 0 && Number.isNaN(watermark) && ended === undefined) return undefined
    const frames = Uint8Array.from(this.#bytes.subarray(0, this.#length))
    const { edge, fromIndex, toIndex } = channel
    return { edge, fromIndex, toIndex, side, timed, content: { kind: 'frames', definitions, frames }, watermark, idle, ended }
  }

  /** Answers where the payload begins. */
  #header(kind: FrameKindCode, payloadBytes: number, count: number, detail: number): number {
    const at = this.#take(FRAME_HEADER_BYTES + payloadBytes)
    const bytes = this.#bytes
    bytes.writeInt32LE(FRAME_HEADER_BYTES + payloadBytes, at)
    bytes.writeInt32LE(FRAME_MAGIC | kind, at + 4)
    bytes.writeInt32LE(count, at + 8)
    return bytes.writeInt32LE(detail, at + 12)
  }

  #take(length: number): number {
    const at = this.#length
    const end = at + alignFrame(length)
    if (end > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(BYTES_AT_FIRST, end, 2 * this.#bytes.length))
      this.#bytes.copy(grown, 0, 0, at)
      this.#bytes = grown
    }
    this.#length = end
    return at
  }
}
