/**
 * From the slices of one channel back to records. They come from storage, so everything is validated; the slices of a channel share a decoder and
 * the record that one of them leaves unfinished.
 */
import { Buffer } from 'node:buffer'
import { createRecordDecoder, type RecordDecoder } from '../codec/index.js'
import { SluiceError } from '../errors/sluice-error.js'
import type { ChannelSlice, SliceFrames } from './channel-slice.js'
import {
  alignFrame,
  DEFINITION_BYTES_MAX,
  FRAGMENT_INNER_SHIFT,
  FRAME_HEADER_BYTES,
  FRAME_KIND_MASK,
  FRAME_MAGIC,
  FrameKind,
} from './frame.js'

export interface DecodedSlices {
  readonly values: readonly unknown[]
  /** By value; NaN where the edge is untimed. */
  readonly times: Float64Array
}

/**
 * Decodes the slices of one channel, in the order in which they were written: consumer part, producer part. `generate`: whether code may be
 * generated. Fails with `SLUICE_CHECKPOINT_CORRUPT`, naming the edge.
 */
export function decodeSlices(slices: readonly ChannelSlice[], generate: boolean): DecodedSlices {
  const reader = new SliceReader(generate)
  for (const slice of slices) reader.read(slice)
  return reader.finish()
}

class SliceReader {
  readonly #values: unknown[] = []
  readonly #times: number[] = []
  readonly #decoder: RecordDecoder
  #edge = ''
  /** The record or definition whose fragments are being put together. */
  #assembly: Buffer | undefined
  #assembled = 0

  constructor(generate: boolean) {
    this.#decoder = createRecordDecoder({ generate })
  }

  read(slice: ChannelSlice): void {
    const { edge, content, timed } = slice
    this.#edge = edge
    if (content.kind === 'frames') {
      try {
        this.#frames(content, timed)
      } catch (error) {
        if (error instanceof SluiceError && error.code === 'SLUICE_CHECKPOINT_CORRUPT') throw error
        this.#corrupt('a record that cannot be decoded', error)
      }
      return
    }
    if (timed && content.times.length !== content.values.length)
      this.#corrupt(`${content.times.length} timestamps of ${content.values.length} records`)
    content.values.forEach((value, index) => {
      this.#values.push(value)
      this.#times.push(timed ? (content.times[index] as number) : Number.NaN)
    })
  }

  finish(): DecodedSlices {
    if (this.#assembly !== undefined) this.#corrupt(`${this.#assembled} of the ${this.#assembly.length} bytes of a record`)
    return { values: this.#values, times: Float64Array.from(this.#times) }
  }

  #frames({ definitions, frames }: SliceFrames, timed: boolean): void {
    for (const definition of definitions) this.#decoder.define(definition)
    const bytes = Buffer.from(frames.buffer, frames.byteOffset, frames.byteLength)
    for (let at = 0; at < bytes.length; ) {
      if (at + FRAME_HEADER_BYTES > bytes.length) this.#corrupt(`a header cut short at ${at}`)
      const length = bytes.readInt32LE(at)
      const tagged = bytes.readInt32LE(at + 4)
      const count = bytes.readInt32LE(at + 8)
      const detail = bytes.readInt32LE(at + 12)
      const kind = tagged & FRAME_KIND_MASK
      if ((tagged & ~FRAME_KIND_MASK) !== FRAME_MAGIC || length < FRAME_HEADER_BYTES || at + length > bytes.length)
        this.#corrupt(`a frame header at ${at}: kind ${kind}, ${length} bytes of ${bytes.length}`)
      const payload = at + FRAME_HEADER_BYTES
      if (kind === FrameKind.fragment) this.#fragment(bytes, payload, at + length, count, detail, timed)
      else if (this.#assembly !== undefined) this.#corrupt('a frame between the fragments of a record')
      else if (kind === FrameKind.records) this.#records(bytes, payload, at + length, count, detail, timed)
      else if (kind === FrameKind.shape) {
        if (detail <= 0 || payload + detail > at + length) this.#corrupt(`a definition of ${detail} bytes in ${length}`)
        this.#decoder.define(bytes.subarray(payload, payload + detail))
      } else this.#corrupt(`a frame of kind ${kind}`)
      at += alignFrame(length)
    }
  }

  #records(bytes: Buffer, payload: number, end: number, count: number, detail: number, timed: boolean): void {
    const from = payload + (timed ? count * 8 : 0)
    // A record takes a byte at least.
    if (count <= 0 || detail < count || from + detail > end) this.#corrupt(`a frame of ${count} records with ${detail} bytes`)
    this.#decode(bytes.subarray(from, from + detail), count)
    for (let k = 0; k < count; k++) this.#times.push(timed ? bytes.readDoubleLE(payload + k * 8) : Number.NaN)
  }

  #fragment(bytes: Buffer, payload: number, end: number, count: number, total: number, timed: boolean): void {
    const inner = count >> FRAGMENT_INNER_SHIFT
    if (total <= 0 || (inner === FrameKind.shape && total > DEFINITION_BYTES_MAX)) this.#corrupt(`a record of ${total} bytes in fragments`)
    if (this.#assembly === undefined) {
      this.#assembly = Buffer.alloc(total)
      this.#assembled = 0
    }
    const assembly = this.#assembly
    if (assembly.length !== total) this.#corrupt(`fragments of ${assembly.length} and of ${total} bytes`)
    const from = payload + 8
    // The last one may have been filled up to a multiple of 16.
    const to = Math.min(end, from + total - this.#assembled)
    if (to <= from) this.#corrupt('a fragment of no bytes')
    bytes.copy(assembly, this.#assembled, from, to)
    this.#assembled += to - from
    if (((count & 1) === 1) !== (this.#assembled === total)) this.#corrupt(`fragments of ${this.#assembled} of ${total} bytes`)
    if (this.#assembled < total) return
    this.#assembly = undefined
    if (inner === FrameKind.shape) this.#decoder.define(assembly)
    else {
      this.#decode(assembly, 1)
      this.#times.push(timed ? bytes.readDoubleLE(payload) : Number.NaN)
    }
  }

  #decode(bytes: Buffer, count: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const cursor = { at: 0 }
    for (let k = 0; k < count; k++) this.#values.push(this.#decoder.decode(view, bytes, cursor))
    if (cursor.at !== bytes.length) this.#corrupt(`records that end at ${cursor.at} of ${bytes.length}`)
  }

  #corrupt(what: string, cause?: unknown): never {
    throw new SluiceError('SLUICE_CHECKPOINT_CORRUPT', `Records of edge ${this.#edge} in the checkpoint: ${what}.`, {
      edge: this.#edge,
      ...(cause === undefined ? {} : { cause }),
    })
  }
}
