/** Sessions against the naive model: merged in whatever order records come, fired again by late ones. */
import fc from 'fast-check'
import { KeyTable } from '@sluice/engine'
import { expect, test, vi } from 'vitest'
import { aggregator, count, fromArray, max, session, sum, type TimeWindow, values, type WindowOptions } from '../../src/index.js'
import { FakeOperatorContext } from '../support/fake-operator-context.js'
import { declare, operatorOf } from '../support/graphs.js'
import { arbitrarySteps, type Outcome, outcomesOf, type Reading, type Result, type Step } from './window-model.js'

interface ModelSession {
  start: number
  last: number
  values: readonly (readonly [arrived: number, value: number])[]
  fired: boolean
}

function modelOf(steps: readonly Step[], gap: number, lateness: number): readonly Outcome[] {
  let watermark = Number.NEGATIVE_INFINITY
  const sessions = new Map<string, ModelSession[]>()
  const result = (key: string, { start, last, values: all }: ModelSession): Result => ({
    key,
    start,
    end: last + gap,
    values: all.toSorted(([left], [right]) => left - right).map(([, value]) => value),
  })
  const byEnd = (results: readonly Result[]): readonly Result[] =>
    results.toSorted((left, right) => left.end - right.end || left.start - right.start || (left.key < right.key ? -1 : 1))
  return [...steps, { watermark: Number.POSITIVE_INFINITY }].map((step, arrived): Outcome => {
    const results: Result[] = []
    if ('watermark' in step) {
      watermark = Math.max(watermark, step.watermark)
      for (const [key, list] of sessions) {
        for (const each of list) {
          if (each.fired || each.last + gap - 1 > watermark) continue
          each.fired = true
          results.push(result(key, each))
        }
      }
      return { results: byEnd(results), late: 0 }
    }
    const { record, timestamp } = step
    const kept = (sessions.get(record.key) ?? []).filter(({ last }) => last + gap - 1 + lateness > watermark)
    const joined = kept.filter(({ start, last }) => start - gap < timestamp && timestamp < last + gap)
    sessions.set(record.key, kept)
    if (joined.length === 0 && timestamp + gap - 1 + lateness <= watermark) return { results, late: 1 }
    const merged: ModelSession = {
      start: Math.min(timestamp, ...joined.map(({ start }) => start)),
      last: Math.max(timestamp, ...joined.map(({ last }) => last)),
      values: [...joined.flatMap((each) => each.values), [arrived, record.value]],
      fired: false,
    }
    if (merged.last + gap - 1 <= watermark) {
      merged.fired = true
      results.push(result(record.key, merged))
    }
    sessions.set(record.key, [...kept.filter((each) => !joined.includes(each)), merged])
    return { results: byEnd(results), late: 0 }
  })
}

function make(context: FakeOperatorContext, what: 'aggregate' | 'values' | 'process', gap: number, options?: WindowOptions) {
  const graph = declare((job) => {
    const readings = job.source('readings', fromArray<Reading>([])).withTimestamps(() => 0)
    const windows = readings.keyBy((reading) => reading.key).window(session(gap), options)
    if (what === 'aggregate') {
      windows.aggregate('windows', { n: count(), total: sum((reading) => reading.value), largest: max((reading) => reading.value) })
    } else if (what === 'values') windows.aggregate('windows', { all: values((reading) => reading.value) })
    else windows.process('windows', (records, { key, window }) => [{ key, window, all: records.map(({ value }) => value) }])
  })
  return operatorOf(graph, 'windows', context)
}

const gaps = fc.integer({ min: 1, max: 20 })
const latenesses = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60 }))

interface Seen {
  readonly key: string
  readonly window: TimeWindow
  readonly all?: readonly number[]
  readonly n?: number
  readonly total?: number
  readonly largest?: number
}

test.each(['values', 'process'] as const)('%s of sessions equals the naive model at every step', async (what) => {
  await fc.assert(
    fc.asyncProperty(gaps, latenesses, arbitrarySteps, async (gap, lateness, steps) => {
      const context = new FakeOperatorContext()
      const operator = make(context, what, gap, { allowedLateness: lateness })
      const outcomes = await outcomesOf(steps, context, operator, ({ key, window, all = [] }: Seen) => ({ key, ...window, values: all }))
      expect(outcomes).toEqual(modelOf(steps, gap, lateness))
    }),
    { numRuns: 600 },
  )
})

test.each(['values', 'process'] as const)('%s: a session that a late record extended is found by the one in front of it', async (what) => {
  const steps = [
    { record: { key: 'b', value: 0 }, timestamp: -38 },
    { record: { key: 'b', value: 1 }, timestamp: -65 },
    { watermark: -46 },
    { record: { key: 'b', value: 2 }, timestamp: -46 },
    { record: { key: 'b', value: 3 }, timestamp: -58 },
  ]
  const context = new FakeOperatorContext()
  const operator = make(context, what, 19, { allowedLateness: 2 })
  const outcomes = await outcomesOf(steps, context, operator, ({ key, window, all = [] }: Seen) => ({ key, ...window, values: all }))
  expect(outcomes).toEqual(modelOf(steps, 19, 2))
})

test('aggregates of sessions are merged as they are joined', async () => {
  await fc.assert(
    fc.asyncProperty(gaps, latenesses, arbitrarySteps, async (gap, lateness, steps) => {
      const context = new FakeOperatorContext()
      const operator = make(context, 'aggregate', gap, { allowedLateness: lateness })
      const outcomes = await outcomesOf(steps, context, operator, ({ key, window, n = 0, total = 0, largest = 0 }: Seen) => ({
        key,
        ...window,
        values: [n, total, largest],
      }))
      const expected = modelOf(steps, gap, lateness).map(({ results, late }) => ({
        late,
        results: results.map((each) => ({
          ...each,
          values: [each.values.length, each.values.reduce((left, right) => left + right), Math.max(...each.values)],
        })),
      }))
      expect(outcomes).toEqual(expected)
    }),
    { numRuns: 400 },
  )
})

test('records that are a gap apart are in two sessions, one millisecond less in one', async () => {
  const context = new FakeOperatorContext()
  const operator = make(context, 'aggregate', 10)
  for (const timestamp of [29, 0, 19, 10]) operator.process({ key: 'a', value: 1 }, timestamp, 0)
  context.advanceWatermark(9)
  await context.end()
  expect(context.emitted.map(({ value, timestamp }) => [(value as Seen).window, (value as Seen).n, timestamp])).toEqual([
    [{ start: 0, end: 10 }, 1, 9],
    [{ start: 10, end: 29 }, 2, 28],
    [{ start: 29, end: 39 }, 1, 38],
  ])
})

test('the result does not depend on the order in which records arrive', async () => {
  const records = fc.array(fc.record({ key: fc.constantFrom('a', 'b'), value: fc.nat(9), at: fc.integer({ min: -100, max: 100 }) }), {
    maxLength: 40,
  })
  await fc.assert(
    fc.asyncProperty(
      gaps,
      records.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
      async (gap, orders) => {
        const outputs: unknown[] = []
        for (const order of orders) {
          const context = new FakeOperatorContext()
          const operator = make(context, 'aggregate', gap)
          for (const { key, value, at } of order) operator.process({ key, value }, at, 0)
          await context.end()
          outputs.push(
            context
              .take()
              .map((each) => JSON.stringify(each))
              .toSorted(),
          )
        }
        expect(outputs[0]).toEqual(outputs[1])
      },
    ),
  )
})

test('a late record joins what has fired before it to a session that has fired over several panes behind it', () => {
  const context = new FakeOperatorContext()
  const operator = make(context, 'aggregate', 10, { allowedLateness: 100 })
  const add = (timestamp: number): void => operator.process({ key: 'a', value: 1 }, timestamp, 0)
  const take = (): readonly unknown[] =>
    context.emitted.splice(0).map(({ value }) => [(value as Seen).window.start, (value as Seen).window.end, (value as Seen).n])
  for (const timestamp of [1, 18, 25, 34, 43]) add(timestamp)
  context.advanceWatermark(60)
  expect(take()).toEqual([
    [1, 11, 1],
    [18, 53, 4],
  ])
  add(9)
  expect(take()).toEqual([[1, 53, 6]])
  add(60)
  expect(take()).toEqual([])
  add(52)
  context.advanceWatermark(70)
  expect(take()).toEqual([[1, 70, 8]])
})

test('timestamps between milliseconds', () => {
  const context = new FakeOperatorContext()
  const operator = make(context, 'aggregate', 10)
  operator.process({ key: 'a', value: 1 }, 0, 0)
  context.advanceWatermark(9)
  operator.process({ key: 'b', value: 1 }, 9.5, 0)
  operator.process({ key: 'b', value: 1 }, 9.25, 0)
  context.advanceWatermark(30)
  expect(context.take().map((value) => [(value as Seen).window, (value as Seen).n])).toEqual([
    [{ start: 0, end: 10 }, 1],
    [{ start: 9.25, end: 19.5 }, 2],
  ])
})

test('a long session costs what its records cost: the later part is added to the earlier one, which is never walked again', async () => {
  const context = new FakeOperatorContext()
  let moved = 0
  const ids = aggregator({
    create: (): number[] => [],
    add: (list, { value }: Reading) => list.concat(value),
    merge(left, right) {
      moved += right.length
      return left.concat(right)
    },
    result: (list) => list.slice(),
  })
  const graph = declare((job) => {
    const readings = job.source('readings', fromArray<Reading>([])).withTimestamps(() => 0)
    readings
      .keyBy((reading) => reading.key)
      .window(session(10))
      .aggregate('windows', { ids })
  })
  const operator = operatorOf(graph, 'windows', context)
  for (let value = 0; value < 200; value++) {
    operator.process({ key: 'a', value }, 5 * value, 0)
    context.advanceWatermark(5 * value - 20)
  }
  await context.end()
  expect(context.take()).toEqual([{ key: 'a', window: { start: 0, end: 1_005 }, ids: Array.from({ length: 200 }, (_, index) => index) }])
  expect(moved).toBeLessThanOrEqual(200)
})

test('a late record before a session that late records have made longer joins it, wherever its row lies', () => {
  const context = new FakeOperatorContext()
  const operator = make(context, 'aggregate', 13)
  context.advanceWatermark(-21)
  for (const timestamp of [-13, -21, -27]) operator.process({ key: 'b', value: 1 }, timestamp, 0)
  context.advanceWatermark(0)
  expect(context.take().map((value) => [(value as Seen).window, (value as Seen).n])).toEqual([[{ start: -27, end: 0 }, 3]])
})

test('sessions that a late record made longer leave in the order of their ends', async () => {
  const context = new FakeOperatorContext()
  const operator = make(context, 'aggregate', 9)
  operator.process({ key: 'c', value: 1 }, -40, 0)
  operator.process({ key: 'a', value: 1 }, -41, 0)
  context.advanceWatermark(-37)
  operator.process({ key: 'a', value: 1 }, -37, 0)
  await context.end()
  expect(context.emitted.map(({ timestamp }) => timestamp)).toEqual([-32, -29])
})

test('a late record looks for its session no farther than sessions reach', () => {
  const context = new FakeOperatorContext()
  const operator = make(context, 'aggregate', 10, { allowedLateness: 100_000 })
  for (let pane = 0; pane < 1_000; pane++) operator.process({ key: `k${pane % 7}`, value: 1 }, 10 * pane, 0)
  context.advanceWatermark(20_000)
  context.take()
  const find = vi.spyOn(KeyTable.prototype, 'find')
  operator.process({ key: 'late', value: 1 }, 5, 0)
  const found = find.mock.calls.length
  find.mockRestore()
  expect(found).toBeLessThan(10)
  expect(context.take()).toHaveLength(1)
})
