import { KeyTable } from '@sluice/engine'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Aggregators } from '../../src/aggregate/aggregator.js'
import { compileAggregators } from '../../src/aggregate/compile-aggregators.js'
import { type Aggregator, aggregator, count, distinct, first, last, max, mean, min, sum, values } from '../../src/index.js'

interface Reading {
  readonly key: string
  readonly value: number
}

interface Parts {
  create(): unknown
  add(accumulator: unknown, value: unknown): unknown
  merge(left: unknown, right: unknown): unknown
  result(accumulator: unknown): unknown
  select?(record: unknown): unknown
}

function feed(made: Aggregator<never, unknown>, records: readonly unknown[]): unknown {
  const parts = made as unknown as Parts
  return records.reduce<unknown>(
    (left, record) => parts.add(left, parts.select === undefined ? record : parts.select(record)),
    parts.create(),
  )
}

const result = (made: Aggregator<never, unknown>, accumulator: unknown): unknown => (made as unknown as Parts).result(accumulator)
const value = (reading: Reading): number => reading.value

const all = {
  count: count(),
  sum: sum(value),
  mean: mean(value),
  min: min(value),
  max: max(value),
  first: first(value),
  last: last(value),
  firstRecord: first<Reading>(),
  values: values(value),
  distinct: distinct(value),
  range: aggregator({
    create: () => [Infinity, -Infinity] as const,
    add: ([low, high], reading: Reading) => [Math.min(low, reading.value), Math.max(high, reading.value)] as const,
    merge: (left, right) => [Math.min(left[0], right[0]), Math.max(left[1], right[1])] as const,
    result: ([low, high]) => high - low,
  }),
} satisfies Aggregators<Reading>

const reading = fc.record({ key: fc.constantFrom('a', 'b', '', '__proto__'), value: fc.integer({ min: -1_000, max: 1_000 }) })
const expected: Readonly<Record<keyof typeof all, (numbers: readonly number[], records: readonly Reading[]) => unknown>> = {
  count: (numbers) => numbers.length,
  sum: (numbers) => numbers.reduce((left, right) => left + right, 0),
  mean: (numbers) => numbers.reduce((left, right) => left + right, 0) / numbers.length,
  min: (numbers) => Math.min(...numbers),
  max: (numbers) => Math.max(...numbers),
  first: (numbers) => numbers[0],
  last: (numbers) => numbers.at(-1),
  firstRecord: (_numbers, records) => records[0],
  values: (numbers) => numbers,
  distinct: (numbers) => new Set(numbers.map((number) => number + 0)).size,
  range: (numbers) => Math.max(...numbers) - Math.min(...numbers),
}

test.each(Object.keys(all) as (keyof typeof all)[])('%s gives what it says, also from two merged parts', (name) => {
  const made = all[name] as Aggregator<never, unknown>
  fc.assert(
    fc.property(fc.array(reading, { minLength: 1, maxLength: 30 }), fc.nat(), (records, at) => {
      const wanted = expected[name](records.map(value), records)
      expect(result(made, feed(made, records))).toEqual(wanted)
      const cut = at % (records.length + 1)
      const merged = (made as unknown as Parts).merge(feed(made, records.slice(0, cut)), feed(made, records.slice(cut)))
      expect(result(made, merged)).toEqual(wanted)
    }),
  )
})

test('accumulators are plain data: a copy goes on like the original', () => {
  const records = [1, 5, 3].map((number) => ({ key: 'a', value: number }))
  for (const [name, made] of Object.entries(all) as [keyof typeof all, Aggregator<never, unknown>][]) {
    const parts = made as unknown as Parts
    const copy = structuredClone(feed(made, records.slice(0, 2)))
    const record = records[2]
    const finished = parts.add(copy, parts.select === undefined ? record : parts.select(record))
    expect([name, result(made, finished)]).toEqual([name, expected[name](records.map(value), records)])
  }
})

test('results are not touched by records that come later', () => {
  const made = values(value) as Aggregator<never, unknown>
  const accumulator = feed(made, [{ key: 'a', value: 1 }])
  const early = result(made, accumulator)
  const parts = made as unknown as Parts
  parts.add(accumulator, 2)
  expect(early).toEqual([1])
})

test('sums do not lose small terms beside large ones, nor the sign of infinity', () => {
  const add = (numbers: readonly number[]): unknown => {
    const made = sum((number: number) => number) as Aggregator<never, unknown>
    return result(made, feed(made, numbers))
  }
  expect(add([1e100, 1, -1e100])).toBe(1)
  expect(add(Array.from({ length: 10 }, () => 0.1))).toBe(1)
  expect(add([1, Number.NEGATIVE_INFINITY, 5])).toBe(Number.NEGATIVE_INFINITY)
  expect(add([1, Number.NaN, 5])).toBeNaN()
  const made = mean((number: number) => number) as Aggregator<never, unknown>
  expect(result(made, feed(made, [1e100, 3, -1e100]))).toBe(1)
})

test('merged sums are as exact as whole ones', () => {
  const made = sum((number: number) => number) as unknown as Aggregator<never, unknown> & Parts
  const merged = made.merge(feed(made, [1e100, 1]), feed(made, [1, -1e100]))
  expect(result(made, merged)).toBe(2)
})

test('min and max order strings, bigints and dates, and one NaN is the answer', () => {
  const extremes = <V extends number | bigint | string | Date>(list: readonly V[]): unknown[] =>
    [min((item: V) => item), max((item: V) => item)].map((made) => result(made as Aggregator<never, unknown>, feed(made as never, list)))
  expect(extremes(['b', 'a', 'c'])).toEqual(['a', 'c'])
  expect(extremes([3n, 1n, 2n])).toEqual([1n, 3n])
  expect(extremes([new Date(2), new Date(1)])).toEqual([new Date(1), new Date(2)])
  expect(extremes([1, Number.NaN, 2])).toEqual([Number.NaN, Number.NaN])
  expect(extremes([-0.5, -3])).toEqual([-3, -0.5])
})

test('generated and interpreted updates are the same', () => {
  const names = fc.uniqueArray(fc.constantFrom<keyof typeof all>(...(Object.keys(all) as (keyof typeof all)[])), { maxLength: 5 })
  fc.assert(
    fc.property(fc.array(reading, { maxLength: 40 }), names, (records, chosen) => {
      const aggregators = Object.fromEntries(chosen.map((name) => [name, all[name]])) as unknown as Aggregators<never>
      const run = (generate: boolean): unknown => {
        const compiled = compileAggregators((record: never) => (record as Reading).key, aggregators, generate)
        const table = new KeyTable(compiled.columns)
        return records.map((record) => compiled.result(table, compiled.update(table, record)))
      }
      expect(run(true)).toEqual(run(false))
    }),
  )
})

test('a name that is code stays a name', () => {
  const names = ["'; throw 1; //", '__proto__', 'constructor', 'a b', '\u2028', '`${x}`']
  const aggregators = Object.fromEntries(names.map((name) => [name, count()]))
  Object.defineProperty(aggregators, '__proto__', { value: count(), enumerable: true })
  for (const generate of [true, false]) {
    const compiled = compileAggregators(() => 'k', aggregators, generate)
    const table = new KeyTable(compiled.columns)
    const made = compiled.result(table, compiled.update(table, 1)) as object
    expect(new Map(Object.entries(made))).toEqual(
      new Map<string, unknown>([['key', 'k'], ...names.map((name): [string, unknown] => [name, 1])]),
    )
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype)
  }
})

test('an aggregator of one self needs all four functions', () => {
  expect(() => aggregator({ create: () => 0, add: (total: number) => total, merge: (left: number) => left } as never)).toThrow(
    expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID', message: 'aggregator needs result, a function' }),
  )
})
