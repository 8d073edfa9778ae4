/** An encoder and a decoder joined by small staging buffers, as a channel joins them. */
import { Buffer } from 'node:buffer'
import {
  createRecordDecoder,
  createRecordEncoder,
  MISFIT,
  NO_ROOM,
  type RecordDecoder,
  type RecordEncoder,
  type RecordEncoderOptions,
} from '../../src/codec/index.js'

export interface RoundTrip {
  readonly encoder: RecordEncoder
  readonly decoder: RecordDecoder
  readonly definitions: Uint8Array[]
  /** Encodes all, then decodes all: what a consumer on the other side would get. */
  pass(values: readonly unknown[]): unknown[]
}

export interface RoundTripOptions extends Partial<RecordEncoderOptions> {
  readonly stagingBytes?: number
  readonly generateDecoder?: boolean
}

type Entry = { readonly kind: 'definition' | 'batch' | 'large'; readonly bytes: Uint8Array; readonly count: number }

export function roundTrip(options: RoundTripOptions = {}): RoundTrip {
  const staging = Buffer.from(new SharedArrayBuffer(options.stagingBytes ?? 4096))
  const view = new DataView(staging.buffer, staging.byteOffset, staging.length)
  const definitions: Uint8Array[] = []
  let entries: Entry[] = []
  let at = 0
  let count = 0
  const flush = (): void => {
    if (count > 0) entries.push({ kind: 'batch', bytes: Uint8Array.from(staging.subarray(0, at)), count })
    at = 0
    count = 0
  }
  const onDefine = (bytes: Uint8Array): void => {
    flush()
    definitions.push(bytes)
    entries.push({ kind: 'definition', bytes: Uint8Array.from(bytes), count: 0 })
  }
  const encoder = createRecordEncoder({ ...options, onDefine })
  const decoder = createRecordDecoder({ generate: options.generateDecoder ?? options.generate })
  const put = (value: unknown): void => {
    let isPrepared = false
    for (;;) {
      const end = encoder.encode(value, view, staging, at, staging.length)
      if (end === MISFIT) {
        if (isPrepared) throw new Error('encode misfits after prepare')
        encoder.prepare(value)
        isPrepared = true
      } else if (end !== NO_ROOM) {
        if (end > staging.length || end <= at) throw new Error('encode went beyond its limit')
        at = end
        count++
        return
      } else if (at > 0) flush()
      else {
        const bytes = Uint8Array.from(encoder.encodeLarge(value))
        flush()
        entries.push({ kind: 'large', bytes, count: 1 })
        return
      }
    }
  }
  return {
    encoder,
    decoder,
    definitions,
    pass(values) {
      for (const value of values) put(value)
      flush()
      const received: unknown[] = []
      for (const entry of entries) {
        if (entry.kind === 'definition') decoder.define(entry.bytes)
        else received.push(...decodeAll(decoder, entry.bytes, entry.count))
      }
      entries = []
      return received
    },
  }
}

function decodeAll(decoder: RecordDecoder, encoded: Uint8Array, count: number): unknown[] {
  // Bytes behind the records, as in a ring, must not matter; bytes of the next record must not be read.
  const bytes = Buffer.from(new SharedArrayBuffer(encoded.length + 16))
  bytes.fill(0xff)
  bytes.set(encoded)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const cursor = { at: 0 }
  const values: unknown[] = []
  for (let left = count; left > 0; left--) values.push(decoder.decode(view, bytes, cursor))
  if (cursor.at !== encoded.length) throw new Error(`decoded ${cursor.at} of ${encoded.length} bytes`)
  return values
}
