/**
 * Version 1 of what slices of rings hold in checkpoints: frames, definitions and encoded records as they were written once. What was written by a
 * released version must be read for ever: the file is never written anew; a change that breaks it needs a new version beside it.
 */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { ChannelSlice } from '../../src/channel/channel-slice.js'
import { decodeSlices } from '../../src/channel/decode-slice.js'
import { RingHarness } from './ring-harness.js'

interface StoredSlice {
  readonly side: ChannelSlice['side']
  readonly definitions: readonly string[]
  readonly frames: string
}

const golden = JSON.parse(readFileSync(new URL('./golden-slices-1.json', import.meta.url), 'utf8')) as readonly StoredSlice[]

const records: readonly unknown[] = [
  { id: 1, price: 0.5, name: 'é', ok: true },
  { id: 2 ** 40, price: -0, name: '日本 \ud83d\ude00', ok: false },
  { id: -1, price: Number.NaN, name: null, ok: undefined },
  ['a', [1, 2, { deep: [true] }], undefined, null],
  'text',
  7,
  12345678901234567890n,
  { at: new Date(1_700_000_000_000), map: new Map<unknown, unknown>([['k', new Set([1, 'two'])]]), pattern: /a+/giu },
  { bytes: Uint8Array.of(1, 2, 3), floats: Float64Array.of(0.1, -0), buffer: Uint8Array.of(9).buffer },
  { large: 'x'.repeat(2500), id: 3 },
  { id: 4, price: 1e300, name: 'last', ok: true },
]

function storedOf(frames: string, definitions: readonly string[], side: ChannelSlice['side']): ChannelSlice {
  const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'))
  const content = { kind: 'frames' as const, definitions: definitions.map(bytes), frames: bytes(frames) }
  return { edge: 'e', fromIndex: 0, toIndex: 0, side, timed: true, content, watermark: Number.NaN, idle: false, ended: undefined }
}

it.each([true, false])('slices of channel format 1 can be read, generated %s', (generate) => {
  const slices = golden.map(({ side, definitions, frames }) => storedOf(frames, definitions, side))
  const { values, times } = decodeSlices(slices, generate)
  expect(values).toEqual(records)
  expect(Object.is((values[1] as { price: number }).price, -0)).toBe(true)
  expect([...times]).toEqual(records.map((_, index) => index + 0.5))
})

it('they are what is written today, as long as nobody says that the format has changed', () => {
  const ring = new RingHarness({ windowBytes: 1024, timed: true })
  records.forEach((record, index) => ring.emit(record, index + 0.5))
  const producer = ring.output.sendBarrier(1, true) as ChannelSlice
  ring.input.next()
  ring.input.beginCapture(1)
  const [consumer] = ring.input.takeCapture() as readonly ChannelSlice[]
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
  const written = [consumer, producer].map((slice) => {
    if (slice?.content.kind !== 'frames') throw new Error('a ring gives frames')
    const { definitions, frames } = slice.content
    return { side: slice.side, definitions: definitions.map(base64), frames: base64(frames) }
  })
  expect(written).toEqual(golden)
})
