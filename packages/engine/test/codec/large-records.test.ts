/** Long lists: what arrives is exact, and how often an element is read does not grow with the length. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findDifference } from './find-difference.js'
import { roundTrip } from './round-trip.js'

/** Times that a list may be read while its shape is learnt, and afterwards. */
const READS_TO_LEARN_MAX = 20
const READS_MAX = 5

/** A list that counts how often its elements are read and its keys are listed. */
function countingList(items: readonly unknown[]): { readonly list: unknown[]; readonly counts: { reads: number; listings: number } } {
  const counts = { reads: 0, listings: 0 }
  const list = new Proxy([...items], {
    get: (target, name) => {
      if (typeof name === 'string' && name !== 'length') counts.reads++
      return Reflect.get(target, name) as unknown
    },
    ownKeys: (target) => {
      counts.listings++
      return Reflect.ownKeys(target)
    },
  })
  return { list, counts }
}

const contents: [string, (index: number) => unknown][] = [
  ['integers', (index) => index],
  ['numbers', (index) => index / 3],
  ['numbers and text', (index) => (index % 2 === 0 ? index : `${index}`)],
  ['text', (index) => `text ${index}`],
  ['objects', (index) => ({ sku: `sku ${index}`, count: index })],
]

describe.each([true, false])('work (generate: %s)', (generate) => {
  test.each(contents)('a list of %s is read a few times, however long it is, and its keys are never listed', (_name, item) => {
    for (const length of [2_000, 20_000]) {
      const codec = roundTrip({ generate })
      const { list, counts } = countingList(Array.from({ length }, (_, index) => item(index)))
      codec.encoder.encodeLarge({ id: 'a', list })
      expect(counts.reads).toBeLessThanOrEqual(READS_TO_LEARN_MAX * length)
      counts.reads = 0
      codec.encoder.encodeLarge({ id: 'b', list })
      expect(counts.reads).toBeGreaterThanOrEqual(length)
      expect(counts.reads).toBeLessThanOrEqual(READS_MAX * length)
      expect(counts.listings).toBe(0)
    }
  })

  test('what is larger than the memory at hand is not read to find that out', () => {
    const codec = roundTrip({ generate })
    const { list, counts } = countingList(Array.from({ length: 100_000 }, (_, index) => index))
    codec.encoder.encodeLarge({ list })
    const frame = Buffer.alloc(1000)
    counts.reads = 0
    expect(codec.encoder.encode({ list }, new DataView(frame.buffer, frame.byteOffset, 1000), frame, 0, 1000)).toBeLessThan(0)
    expect(counts.reads).toBeLessThanOrEqual(1000)
  })

  test('objects of a list keep a shape beyond those that are looked at, and what differs behind them arrives', () => {
    const objects = Array.from({ length: 25_000 }, (_, index): Record<string, unknown> => ({ wordy: index, talkative: index - 9 }))
    const alike = roundTrip({ generate })
    expect(alike.encoder.sizeOf({ objects })).toBeLessThan(9 * objects.length)
    const mixed = [...objects, { other: 1 }, 'text', null]
    const received = roundTrip({ generate }).pass([{ objects: mixed }, { objects }]) as [{ objects: unknown[] }, { objects: unknown[] }]
    expect(received[0].objects).toEqual(mixed)
    expect(received[1].objects).toEqual(objects)
  })
})

test('lists around the length where keys are no longer listed arrive with their holes and properties', () => {
  const list = fc
    .record({
      length: fc.integer({ min: 124, max: 134 }),
      item: fc.constantFrom<(index: number) => unknown>(...contents.map(([, item]) => item), () => undefined),
      hole: fc.option(fc.nat(134)),
      property: fc.option(fc.constantFrom('name', 'more items ]', '-1', '01')),
    })
    .map(({ length, item, hole, property }) => {
      const made: unknown[] = Array.from({ length }, (_, index) => item(index))
      if (hole !== null) Reflect.deleteProperty(made, hole)
      return property === null ? made : Object.assign(made, { [property]: '[ ... 130 more items ]' })
    })
  fc.assert(
    fc.property(list, fc.boolean(), fc.integer({ min: 1, max: 2000 }), (value, generate, stagingBytes) => {
      for (const received of roundTrip({ generate, stagingBytes }).pass([value, { value }]))
        expect(findDifference(received, structuredClone(Array.isArray(received) ? value : { value }))).toBeUndefined()
    }),
    { numRuns: 200 },
  )
})

test('an array of four billion holes takes what its elements take', () => {
  const sparse: unknown[] = [1, 2, 3]
  sparse[2 ** 32 - 2] = 'last'
  const codec = roundTrip({ stagingBytes: 64 })
  expect(codec.encoder.sizeOf({ sparse })).toBeLessThan(100)
  const [received] = codec.pass([{ sparse }]) as [{ sparse: unknown[] }]
  expect(Object.entries(received.sparse)).toEqual(Object.entries(sparse))
})

test('a name beside the elements of a long list is part of the path to what cannot be sent', () => {
  const list = Object.assign(
    Array.from({ length: 1000 }, () => 1),
    { note: Symbol('s') },
  )
  expect(() => roundTrip().pass([{ list }])).toThrow(/^record\.list\.note is a symbol/)
  const late = Array.from({ length: 1000 }, (_, index) => (index === 999 ? [Symbol('s')] : index))
  expect(() => roundTrip().pass([{ late }])).toThrow(/^record\.late\[999\]\[0\] is a symbol/)
})
