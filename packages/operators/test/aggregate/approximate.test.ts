import { serialize } from 'node:v8'
import { KeyTable } from '@sluice/engine'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Aggregator } from '../../src/aggregate/aggregator.js'
import { EXACT_MAX } from '../../src/aggregate/quantile-sketch.js'
import { compileAggregators } from '../../src/aggregate/compile-aggregators.js'
import { approxDistinct, quantiles } from '../../src/aggregate/approximate.js'

interface Parts {
  create(): unknown
  add(sketch: unknown, value: unknown): unknown
  merge(left: unknown, right: unknown): unknown
  result(sketch: unknown): unknown
}

const partsOf = (made: Aggregator<never, unknown>): Parts => made
const same = <V>(value: V): V => value
const invalid = (code: string) => expect.objectContaining({ code })

function sketchOf(made: Aggregator<never, unknown>, values: Iterable<unknown>): unknown {
  const { create, add } = partsOf(made)
  let sketch = create()
  for (const value of values) sketch = add(sketch, value)
  return sketch
}

const read = (made: Aggregator<never, unknown>, sketch: unknown): unknown => partsOf(made).result(sketch)

function* upTo<V>(count: number, make: (index: number) => V): Iterable<V> {
  for (let index = 0; index < count; index++) yield make(index)
}

/** Values of the kinds that ids are made of; a salt makes another set of each. */
const kinds: Readonly<Record<string, (index: number, salt: number) => unknown>> = {
  'whole numbers in a row': (index, salt) => index + salt * 10_000_000,
  fractions: (index, salt) => (index + salt * 10_000_000) / 1_000,
  text: (index, salt) => `user-${salt}-${index}`,
  tuples: (index, salt) => [salt, index],
}

test.each(Object.keys(kinds))('approxDistinct of %s is within its error at any number of them', (kind) => {
  const make = kinds[kind] as (index: number, salt: number) => unknown
  for (const [error, standardError] of [
    [0.02, 1.04 / 64],
    [0.1, 1.04 / Math.sqrt(128)],
  ] as const) {
    const made = approxDistinct(same, { error }) as Aggregator<never, unknown>
    for (const count of [1, 10, 100, 1_000, 10_000]) {
      const rounds = count <= 1_000 ? 24 : 8
      let squares = 0
      for (let salt = 0; salt < rounds; salt++) {
        const estimate = read(
          made,
          sketchOf(
            made,
            upTo(count, (index) => make(index, salt)),
          ),
        ) as number
        const off = estimate / count - 1
        // Hashes are fixed, so this does not depend on luck; five standard errors are one in two million.
        expect([count, Math.abs(off) < 5 * standardError]).toEqual([count, true])
        squares += off * off
      }
      // The root mean square of some rounds is near the standard error, or below where few values are counted almost exactly.
      expect([count, Math.sqrt(squares / rounds) < 1.6 * standardError]).toEqual([count, true])
    }
  }
})

test('approxDistinct of a million is within three standard errors', () => {
  const made = approxDistinct(same) as Aggregator<never, unknown>
  const estimate = read(made, sketchOf(made, upTo(1_000_000, same))) as number
  expect(Math.abs(estimate / 1_000_000 - 1)).toBeLessThan(3 * (1.04 / 128))
})

test('few values are counted exactly, however often they come, and equality is that of keys', () => {
  const made = approxDistinct(same) as Aggregator<never, unknown>
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.integer(), fc.string(), fc.constantFrom(null, true, 5n)), { maxLength: 300 }), (values) => {
      expect(read(made, sketchOf(made, [...values, ...values]))).toBe(new Set(values).size)
    }),
    // Two of 300 values share one of 2^25 places once in 750 times.
    { seed: 1 },
  )
  expect(read(made, sketchOf(made, [0, -0, [1, 2], [1, 2], new Date(3), new Date(3), '3', 3]))).toBe(5)
  for (const bad of [undefined, Number.NaN]) expect(() => sketchOf(made, [bad])).toThrow(invalid('SLUICE_KEY_INVALID'))
})

test('distinct sketches depend on the values alone: merged or not, in any order', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0.26, 0.1, 0.02),
      fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 12 }),
      fc.integer(),
      (error, cuts, salt) => {
        const made = approxDistinct(same, { error }) as Aggregator<never, unknown>
        const parts = cuts.map((count, part) => Array.from({ length: count }, (_, index) => salt + ((index * (part + 1)) % 3_500)))
        const whole = sketchOf(made, parts.flat())
        const sketches = parts.map((part) => sketchOf(made, part))
        const before = structuredClone(sketches)
        const merge = (list: readonly unknown[]) => list.reduce((left, right) => partsOf(made).merge(left, right), partsOf(made).create())
        const registers = (sketch: unknown) => (Array.isArray(sketch) ? new Set(sketch.slice(1)) : sketch)
        expect(registers(merge(sketches))).toEqual(registers(whole))
        expect(registers(merge(sketches.toReversed()))).toEqual(registers(whole))
        expect(registers(sketchOf(made, parts.flat().toReversed()))).toEqual(registers(whole))
        expect(sketches).toEqual(before)
      },
    ),
    { numRuns: 30 },
  )
})

/** The exact answer to what `quantiles` estimates. */
function exact(values: readonly number[], shares: readonly number[]): readonly number[] {
  const sorted = values.toSorted((left, right) => left - right)
  return shares.map((share) => sorted[Math.floor(share * (sorted.length - 1))] as number)
}

const shares = [0, 0.01, 0.25, 0.5, 0.9, 0.99, 1]
const magnitude = fc.double({ min: 1e-9, max: 1e18, noNaN: true })
const quantity = fc.oneof(
  fc.integer({ min: -1_000, max: 1_000 }),
  magnitude,
  magnitude.map((value) => -value),
  fc.constantFrom(0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
)

function expectWithin(estimates: readonly number[], wanted: readonly number[], error: number): void {
  for (const [index, value] of wanted.entries()) {
    const estimate = estimates[index] as number
    const good = estimate === value || Math.abs(estimate - value) <= error * Math.abs(value) * (1 + 1e-9)
    expect({ value, estimate, good }).toEqual({ value, estimate, good: true })
  }
}

test('quantiles are within their relative error, also from merged parts', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0.001, 0.01, 0.1),
      fc.array(fc.array(quantity, { minLength: 1, maxLength: 120, size: 'max' }), { minLength: 1, maxLength: 4 }),
      (error, parts) => {
        const made = quantiles(same<number>, shares, { error }) as Aggregator<never, unknown>
        const wanted = exact(parts.flat(), shares)
        const sketches = parts.map((part) => sketchOf(made, part))
        const before = serialize(sketches)
        const whole = read(made, sketchOf(made, parts.flat())) as readonly number[]
        expectWithin(whole, wanted, error)
        expect([whole[0], whole.at(-1)].map((value) => (value as number) + 0)).toEqual(
          [wanted[0], wanted.at(-1)].map((value) => (value as number) + 0),
        )
        if (parts.flat().length <= EXACT_MAX) expect(whole.map((value) => value + 0)).toEqual(wanted.map((value) => value + 0))
        for (const order of [sketches, sketches.toReversed()]) {
          const merged = order.reduce((left, right) => partsOf(made).merge(left, right), partsOf(made).create())
          expect((read(made, merged) as readonly number[]).map((value) => value + 0)).toEqual(whole.map((value) => value + 0))
        }
        expect(serialize(sketches).equals(before)).toBe(true)
      },
    ),
    { numRuns: 60 },
  )
})

test('quantiles of many values of several distributions', () => {
  const made = quantiles(same<number>, shares) as Aggregator<never, unknown>
  const distributions: readonly ((index: number) => number)[] = [
    (index) => (index * 7_919) % 100_003,
    (index) => Math.exp(((index * 7_919) % 100_003) / 10_000),
    (index) => ((index * 7_919) % 100_003) - 50_000,
    () => 5,
  ]
  for (const make of distributions) {
    const values = Array.from(upTo(50_000, make))
    expectWithin(read(made, sketchOf(made, values)) as readonly number[], exact(values, shares), 0.01)
  }
})

test('magnitudes beyond the range are taken for its lowest, and large ones stay within the error', () => {
  const made = quantiles(same<number>, [0, 0.5, 0.9, 0.2]) as Aggregator<never, unknown>
  const values = [...upTo(50, () => 1e-300), ...upTo(100, (index) => 1e200 * (index + 1))]
  for (const list of [values, values.toReversed()]) {
    const [lowest, median, high, taken] = read(made, sketchOf(made, list)) as [number, number, number, number]
    expectWithin([taken], [1e202 / 1e30], 0.03)
    expect(lowest).toBe(1e-300)
    expectWithin([median, high], exact(values, [0.5, 0.9]), 0.01)
  }
  const sketch = sketchOf(made, values) as { positive: { counts: Float64Array } }
  expect(sketch.positive.counts.length).toBeLessThan(3_600)
})

test('one NaN makes all quantiles NaN, among few values and among many', () => {
  const made = quantiles(same<number>, [0, 1]) as Aggregator<never, unknown>
  for (const count of [1, 100]) {
    expect(read(made, sketchOf(made, [...upTo(count, same), Number.NaN]))).toEqual([Number.NaN, Number.NaN])
  }
  expect(read(made, partsOf(made).create())).toEqual([Number.NaN, Number.NaN])
})

test('sketches are plain data: a copy goes on like the original', () => {
  for (const made of [approxDistinct(same, { error: 0.1 }), quantiles(same<number>, [0.5])] as unknown as Aggregator<never, unknown>[]) {
    for (const count of [3, 1_000]) {
      const sketch = sketchOf(made, upTo(count, same))
      const copy = structuredClone(sketch)
      for (const held of [sketch, copy]) partsOf(made).add(held, 1e6)
      expect(copy).toEqual(sketch)
    }
  }
})

test('both run over tables, generated and interpreted', () => {
  const aggregators = { ids: approxDistinct((value: number) => value % 7), spread: quantiles(same<number>, [0, 1]) }
  for (const generate of [true, false]) {
    const compiled = compileAggregators((value: never) => (value as number) % 2, aggregators, generate)
    const table = new KeyTable(compiled.columns)
    for (const value of upTo(20, same)) compiled.update(table, value)
    compiled.merge(table, 0, table, 1)
    expect(compiled.result(table, 0)).toEqual({ key: 0, ids: 7, spread: [0, 19] })
    expect(compiled.result(table, 1)).toEqual({ key: 1, ids: 7, spread: [1, 19] })
    expect(compiled.mergeable).toBe(true)
  }
})

test('options out of range are refused with what they take', () => {
  const refused = invalid('SLUICE_OPTIONS_INVALID')
  for (const error of [0, 1, Number.NaN, '1%' as never]) {
    expect(() => approxDistinct(same, { error })).toThrow(refused)
    expect(() => quantiles(same<number>, [0.5], { error })).toThrow(refused)
  }
  for (const wrong of [[], [1.5], [-0.1], [Number.NaN], 0.5 as never]) expect(() => quantiles(same<number>, wrong)).toThrow(refused)
  expect(() => approxDistinct(undefined as never)).toThrow(refused)
  expect(() => approxDistinct(same, { error: 0 })).toThrow('error of approxDistinct is 0, and takes a number from 0.0021 to 0.26.')
})
