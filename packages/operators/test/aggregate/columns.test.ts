/** Aggregators over the rows of tables: what windows, panes and sessions do with them. */
import { KeyTable } from '@sluice/engine'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Aggregators } from '../../src/aggregate/aggregator.js'
import { compileAggregators } from '../../src/aggregate/compile-aggregators.js'
import { distinct, first, last, values } from '../../src/aggregate/collecting.js'
import type { Comparable } from '../../src/aggregate/comparable.js'
import { count, max, mean, min, sum } from '../../src/aggregate/numeric.js'
import { aggregator } from '../../src/aggregate/user-aggregator.js'

interface Reading {
  readonly key: unknown
  readonly value: number
}

const value = (reading: Reading): number => reading.value
const keyOf = (record: never): unknown => (record as Reading).key

const all = {
  count: count(),
  sum: sum(value),
  mean: mean(value),
  min: min(value),
  max: max(value),
  first: first(value),
  last: last(value),
  values: values(value),
  distinct: distinct(value),
  // Steals what it is given: merging must not notice.
  thief: aggregator({
    create: () => ({ list: [] as number[] }),
    add: (held, reading: Reading) => {
      held.list.push(reading.value)
      return held
    },
    merge: (left, right) => {
      right.list.unshift(...left.list)
      return right
    },
    result: ({ list }) => list.join(),
  }),
} satisfies Aggregators<Reading>

const compile = (aggregators: Aggregators<never>, generate: boolean) => compileAggregators(keyOf, aggregators, generate)
const key = fc.constantFrom<unknown>(1, 2, -0.5, 'a', 'b', '__proto__', null, true)
/** Whole numbers beside special ones, so that sums are exact. */
const number = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -1_000, max: 1_000 }) },
  fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
)
const reading = fc.record({ key, value: number })

/** NaN cannot be told apart as a value of `distinct`. */
function without(records: readonly Reading[]): Aggregators<never> {
  const { distinct: _distinct, ...others } = all
  return records.some((record) => Number.isNaN(record.value)) ? others : all
}

test.each([true, false])('merged rows are the rows of all records, and what was merged can be used on (generated: %s)', (generate) => {
  fc.assert(
    fc.property(fc.array(fc.array(reading, { maxLength: 10 }), { maxLength: 5 }), (parts) => {
      const compiled = compile(without(parts.flat()), generate)
      const whole = new KeyTable(compiled.columns)
      for (const record of parts.flat()) compiled.update(whole, record)
      const tables = parts.map((records) => {
        const table = new KeyTable(compiled.columns)
        for (const record of records) compiled.update(table, record)
        return table
      })
      const results = (table: KeyTable) => {
        const found = new Map<unknown, unknown>()
        for (let slot = 0; slot < table.end; slot++) if (table.has(slot)) found.set(table.keyAt(slot), compiled.result(table, slot))
        return found
      }
      const before = tables.map(results)
      for (let round = 0; round < 2; round++) {
        const merged = new KeyTable(compiled.columns)
        for (const table of tables) {
          for (let slot = 0; slot < table.end; slot++) {
            const into = merged.slotOf(table.keyAt(slot))
            if (merged.created) compiled.reset(merged, into)
            compiled.merge(merged, into, table, slot)
          }
        }
        expect(results(merged)).toEqual(results(whole))
        // Goes on with the merged rows: nothing of it may be seen in the parts.
        for (const record of parts.flat()) compiled.update(merged, record)
        expect(tables.map(results)).toEqual(before)
      }
    }),
  )
})

test('min and max of any mix of types are the same interpreted, generated and merged', () => {
  const comparable: fc.Arbitrary<Comparable> = fc.oneof(
    fc.integer(),
    fc.bigInt({ min: -50n, max: 50n }),
    fc.constantFrom(Number.NaN, 7.5),
    fc.constantFrom(new Date(5), new Date(-5)),
  )
  fc.assert(
    fc.property(fc.array(comparable, { minLength: 1, maxLength: 12 }), fc.nat(), (list, at) => {
      const naive = (better: (left: Comparable, right: Comparable) => boolean): Comparable =>
        list.reduce((held, item) => (better(item, held) || item !== item ? item : held))
      const wanted = { key: 1, low: naive((left, right) => left < right), high: naive((left, right) => left > right) }
      const cut = at % (list.length + 1)
      for (const generate of [true, false]) {
        const compiled = compileAggregators(
          () => 1,
          { low: min((item: Comparable) => item), high: max((item: Comparable) => item) },
          generate,
        )
        const tables = [list, list.slice(0, cut), list.slice(cut)].map((part) => {
          const table = new KeyTable(compiled.columns)
          compiled.reset(table, table.slotOf(1))
          for (const item of part) compiled.update(table, item)
          return table
        })
        const [whole, left, right] = tables as [KeyTable, KeyTable, KeyTable]
        compiled.merge(left, 0, right, 0)
        const numeric = (result: unknown) =>
          Object.fromEntries(Object.entries(result as object).map(([name, item]) => [name, Number(item)]))
        expect(numeric(compiled.result(whole, 0))).toEqual(numeric(wanted))
        expect(numeric(compiled.result(left, 0))).toEqual(numeric(wanted))
      }
    }),
  )
})

test('a slot that is used again begins anew', () => {
  for (const generate of [true, false]) {
    const compiled = compile(all, generate)
    const [used, fresh] = [new KeyTable(compiled.columns), new KeyTable(compiled.columns)]
    for (const value of [9, -9]) compiled.update(used, { key: 'x', value })
    used.remove(0)
    for (const table of [used, fresh]) compiled.update(table, { key: 'y', value: 1 })
    expect(compiled.result(used, 0)).toEqual(compiled.result(fresh, 0))
  }
})

test('a window stands behind the key', () => {
  for (const generate of [true, false]) {
    const compiled = compileAggregators(() => 'k', { count: count() }, generate)
    const table = new KeyTable(compiled.columns)
    const result = compiled.result(table, compiled.update(table, 1), { start: 0, end: 10 })
    expect(Object.entries(result as object)).toEqual([
      ['key', 'k'],
      ['window', { start: 0, end: 10 }],
      ['count', 1],
    ])
  }
})

test('numbers take columns alone, and a thousand numeric rows no values', () => {
  const numeric = { count: count(), sum: sum(value), mean: mean(value), low: min(value) } as unknown as Aggregators<never>
  const compiled = compile(numeric, true)
  expect(compiled.columns).toEqual(['number', 'number', 'number', 'number', 'number', 'number', 'number', 'value'])
  const table = new KeyTable(compiled.columns)
  for (let index = 0; index < 1_000; index++) compiled.update(table, { key: index, value: index })
  expect(table.columns.filter(({ kind }) => kind === 'value').map(({ values }) => values.length)).toEqual([0])
})

test('what depends on the order of records says so', () => {
  const mergeable = (aggregators: object) => compile(aggregators as Aggregators<never>, true).mergeable
  expect(mergeable({ count: count(), distinct: distinct(value), low: min(value) })).toBe(true)
  for (const ordered of [first(value), last(value), values(value)]) expect(mergeable({ count: count(), ordered })).toBe(false)
})
