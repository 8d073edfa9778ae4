/**
 * Encoding and decoding of records in one thread, in batches of 256 that are written behind each other. Sluice's codec is taken as it is inside a
 * channel; it is not public. tinybench warms up and samples; the figure is its median.
 */
import { Buffer } from 'node:buffer'
import { isDeepStrictEqual } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { Bench } from 'tinybench'
import type * as engineCodec from '../../packages/engine/src/codec/index.js'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { CODEC_BATCH, type CodecKind, codecRecords } from '../records/codec-records.js'

export const codecNames = ['sluice', 'msgpackrRecords', 'msgpackr', 'v8', 'json'] as const
export type CodecName = (typeof codecNames)[number]
export type Direction = 'encode' | 'decode'

interface BatchCodec {
  readonly encode: () => void
  /** Decodes what `encode` wrote. */
  readonly decode: () => unknown[]
}

type EngineCodec = typeof engineCodec

async function sluiceCodec(records: readonly unknown[]): Promise<BatchCodec> {
  const url = new URL('./dist/codec/index.js', import.meta.resolve('@sluice/engine/package.json'))
  const { createRecordDecoder, createRecordEncoder, MISFIT, NO_ROOM } = (await import(url.href)) as EngineCodec
  const decoder = createRecordDecoder()
  const encoder = createRecordEncoder({ onDefine: (definition) => decoder.define(definition) })
  const bytes = Buffer.from(new SharedArrayBuffer(1 << 18))
  const view = new DataView(bytes.buffer)
  const limit = bytes.length
  const cursor = { at: 0 }
  return {
    encode: () => {
      let at = 0
      for (let index = 0; index < records.length; index++) {
        let end = encoder.encode(records[index], view, bytes, at, limit)
        while (end === MISFIT) {
          encoder.prepare(records[index])
          end = encoder.encode(records[index], view, bytes, at, limit)
        }
        if (end === NO_ROOM) throw new Error('the batch is too small')
        at = end
      }
    },
    decode: () => {
      const out: unknown[] = []
      cursor.at = 0
      for (let index = 0; index < records.length; index++) out.push(decoder.decode(view, bytes, cursor))
      return out
    },
  }
}

async function msgpackrCodec(records: readonly unknown[], structures: boolean): Promise<BatchCodec> {
  const { Packr } = await import('msgpackr')
  const packr = structures ? new Packr({ structures: [] }) : new Packr({ useRecords: false })
  return eachRecord(
    records,
    (record) => packr.pack(record),
    (bytes) => packr.unpack(bytes),
  )
}

function eachRecord(records: readonly unknown[], encode: (record: unknown) => Buffer, decode: (bytes: Buffer) => unknown): BatchCodec {
  const encoded: Buffer[] = records.map(() => Buffer.alloc(0))
  return {
    encode: () => {
      for (let index = 0; index < records.length; index++) encoded[index] = encode(records[index])
    },
    decode: () => {
      const out: unknown[] = []
      for (let index = 0; index < records.length; index++) out.push(decode(encoded[index] as Buffer))
      return out
    },
  }
}

async function codecOf(name: CodecName, records: readonly unknown[]): Promise<BatchCodec> {
  switch (name) {
    case 'sluice':
      return sluiceCodec(records)
    case 'msgpackrRecords':
      return msgpackrCodec(records, true)
    case 'msgpackr':
      return msgpackrCodec(records, false)
    case 'v8':
      return eachRecord(records, serialize, deserialize)
    case 'json':
      return eachRecord(
        records,
        (record) => Buffer.from(JSON.stringify(record)),
        (bytes) => JSON.parse(bytes.toString()) as unknown,
      )
  }
}

export async function measureCodec(
  name: CodecName,
  kind: CodecKind,
  direction: Direction,
  { quick }: MeasureOptions,
): Promise<Measurement> {
  const records = codecRecords(kind)
  const codec = await codecOf(name, records)
  codec.encode()
  if (!isDeepStrictEqual(codec.decode(), records)) throw new Error(`${name} does not give ${kind} back as it was`)
  const bench = new Bench({ time: quick ? 50 : 600, warmupTime: quick ? 30 : 300 })
  bench.add(direction, direction === 'encode' ? codec.encode : () => void codec.decode())
  const [task] = await bench.run()
  const result = task?.result
  if (result === undefined || !('latency' in result)) throw new Error(`${name} was not measured: ${String(result?.state)}`)
  return { value: (result.latency.p50 * 1e6) / CODEC_BATCH }
}
