/** Tumbling and sliding windows against the naive model: late records, lateness, times before the epoch. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  count,
  max,
  sliding,
  sum,
  tumbling,
  values,
  fromArray,
  type TimeWindow,
  type WindowAssigner,
  type WindowOptions,
} from '../../src/index.js'
import { FakeOperatorContext } from '../support/fake-operator-context.js'
import { declare, operatorOf } from '../support/graphs.js'
import { arbitrarySteps, modelOf, outcomesOf, type Outcome, type Reading, type Result } from './window-model.js'

interface Declared {
  readonly what: 'aggregate' | 'values' | 'reduce' | 'process'
  readonly assigner: WindowAssigner<'lossy'>
  readonly options: WindowOptions
}

function make({ what, assigner, options }: Declared, context: FakeOperatorContext) {
  const graph = declare((job) => {
    const windows = job
      .source('readings', fromArray<Reading>([]))
      .withTimestamps(() => 0)
      .keyBy((reading) => reading.key)
      .window(assigner, options)
    if (what === 'aggregate') {
      windows.aggregate('windows', { n: count(), total: sum((reading) => reading.value), largest: max((reading) => reading.value) })
    } else if (what === 'values') windows.aggregate('windows', { all: values((reading) => reading.value) })
    else if (what === 'reduce') windows.reduce('windows', (left, right) => ({ key: left.key, value: left.value + right.value }))
    else windows.process('windows', (records, { key, window }) => [{ key, window, all: records.map(({ value }) => value) }])
  })
  return operatorOf(graph, 'windows', context)
}

interface Seen {
  readonly key: string
  readonly window: TimeWindow
  readonly all?: readonly number[]
  readonly n?: number
  readonly total?: number
  readonly largest?: number
}

const listed = ({ key, window, all = [] }: Seen): Result => ({ key, ...window, values: all })
const aggregated = ({ key, window, n = 0, total = 0, largest = 0 }: Seen): Result => ({ key, ...window, values: [n, total, largest] })

/** What the aggregates of `make` come to over the values of the model. */
function aggregates(outcomes: readonly Outcome[]): readonly Outcome[] {
  return outcomes.map(({ results, late }) => ({
    late,
    results: results.map((result) => ({
      ...result,
      values: [result.values.length, result.values.reduce((left, right) => left + right, 0), Math.max(...result.values)],
    })),
  }))
}

const arbitraryWindows = fc
  .record({
    slide: fc.integer({ min: 1, max: 12 }),
    more: fc.integer({ min: 0, max: 30 }),
    tumbles: fc.boolean(),
    part: fc.double({ min: 0, max: 0.99, noNaN: true }),
    latenessMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 })),
  })
  .map(({ slide, more, tumbles, part, latenessMs }) => {
    const size = tumbles ? slide : slide + more
    const offset = Math.floor(part * slide)
    const assigner = tumbles ? tumbling(size, { offset }) : sliding(size, slide, { offset })
    const windowsOf = (timestamp: number): { start: number; end: number }[] => {
      const windows: { start: number; end: number }[] = []
      for (let start = timestamp - size + 1; start <= timestamp; start++) {
        if ((((start - offset) % slide) + slide) % slide === 0) windows.push({ start, end: start + size })
      }
      return windows
    }
    return { assigner, windowsOf, latenessMs, options: latenessMs === 0 ? {} : { allowedLateness: latenessMs } }
  })

test('aggregates equal those of the naive model at every step', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryWindows, arbitrarySteps, async ({ assigner, windowsOf, latenessMs, options }, steps) => {
      const context = new FakeOperatorContext()
      const operator = make({ what: 'aggregate', assigner, options }, context)
      const outcomes = await outcomesOf(steps, context, operator, aggregated)
      expect(outcomes).toEqual(aggregates(modelOf(steps, windowsOf, latenessMs)))
    }),
    { numRuns: 500 },
  )
})

test.each(['values', 'process'] as const)('%s sees the records of a window in the order of their arrival', async (what) => {
  await fc.assert(
    fc.asyncProperty(arbitraryWindows, arbitrarySteps, async ({ assigner, windowsOf, latenessMs, options }, steps) => {
      const context = new FakeOperatorContext()
      const operator = make({ what, assigner, options }, context)
      expect(await outcomesOf(steps, context, operator, listed)).toEqual(modelOf(steps, windowsOf, latenessMs))
    }),
    { numRuns: 200 },
  )
})

test('a reduction gives one record per key and window', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryWindows, arbitrarySteps, async ({ assigner, windowsOf, latenessMs, options }, steps) => {
      const context = new FakeOperatorContext()
      const operator = make({ what: 'reduce', assigner, options }, context)
      const expected = modelOf(steps, windowsOf, latenessMs).flatMap(({ results }) =>
        results.map(({ key, end, values: all }) => ({ key, value: all.reduce((left, right) => left + right), end })),
      )
      for (const step of steps) {
        if ('record' in step) operator.process(step.record, step.timestamp, 0)
        else if (step.watermark > context.watermark) context.advanceWatermark(step.watermark)
      }
      await context.end()
      const reduced = context.emitted.flatMap(({ value, timestamp, port }) =>
        port === 0 ? [{ ...(value as Reading), end: timestamp + 1 }] : [],
      )
      const text = (each: readonly unknown[]): readonly string[] => each.map((one) => JSON.stringify(one)).toSorted()
      expect(text(reduced)).toEqual(text(expected))
    }),
    { numRuns: 200 },
  )
})

test('keys of every kind are found again in the panes of a window', async () => {
  const keys = [0, -7, 1.5, 'a', '', null, true, 12n, ['a', 1], { b: 1, a: 2 }, new Date(5)] as const
  const context = new FakeOperatorContext()
  const graph = declare((job) => {
    job
      .source('readings', fromArray<{ key: (typeof keys)[number] }>([]))
      .withTimestamps(() => 0)
      .keyBy((reading) => reading.key as string)
      .window(sliding(20, 5), { allowedLateness: 5 })
      .aggregate('windows', { n: count() })
  })
  const operator = operatorOf(graph, 'windows', context)
  for (const timestamp of [1, 6, 11]) for (const key of keys) operator.process({ key }, timestamp, 0)
  context.advanceWatermark(19)
  const counts = (): readonly unknown[] =>
    context.take().flatMap((result) => {
      const { key, window, n } = result as Seen & { readonly n: number }
      return window.end === 20 ? [[key, n]] : []
    })
  expect(counts()).toEqual(keys.map((key) => [key, 3]))
  for (const key of keys) operator.process({ key }, 2, 0)
  expect(counts()).toEqual(keys.map((key) => [key, 4]))
  await context.end()
})

test('panes of sliding windows are given up as the watermark passes, and keys with them', () => {
  const context = new FakeOperatorContext()
  const operator = make({ what: 'aggregate', assigner: sliding(100, 10), options: {} }, context)
  let largest = 0
  for (let time = 0; time < 10_000; time++) {
    operator.process({ key: `k${time}`, value: 1 }, time, 0)
    if (time % 10 === 9) context.advanceWatermark(time)
    largest = Math.max(largest, context.state.get('panes')?.size ?? 0)
  }
  expect(largest).toBeLessThanOrEqual(110)
  // Ten windows have each record, but for those that have not fired yet.
  expect(context.take()).toHaveLength(10 * 10_000 - 10 * (1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9))
})
