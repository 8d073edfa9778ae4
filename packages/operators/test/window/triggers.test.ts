/** When windows of a key give results: by count, early, by the clock, and as a user says. */
import { expect, test, vi } from 'vitest'
import {
  count,
  countTrigger,
  countWindow,
  defineTrigger,
  earlyTrigger,
  eventTimeTrigger,
  fromArray,
  globalWindow,
  processingTimeTrigger,
  session,
  sliding,
  sum,
  type TimeWindow,
  type TriggerContext,
  tumbling,
  type WindowAssigner,
  type WindowOptions,
} from '../../src/index.js'
import { FakeOperatorContext } from '../support/fake-operator-context.js'
import { declare, operatorOf } from '../support/graphs.js'
import type { Reading } from './window-model.js'

interface Total {
  readonly key: string
  readonly window: TimeWindow
  readonly n: number
  readonly total: number
}

function windowed(context: FakeOperatorContext, assigner: WindowAssigner<'lossy'>, options: WindowOptions = {}) {
  const graph = declare((job) => {
    job
      .source('readings', fromArray<Reading>([]))
      .withTimestamps(() => 0)
      .keyBy((reading) => reading.key)
      .window(assigner, options)
      .aggregate('windows', { n: count(), total: sum((reading) => reading.value) })
  })
  const operator = operatorOf(graph, 'windows', context)
  return (timestamp: number, value = 1, key = 'a'): void => operator.process({ key, value }, timestamp, 0)
}

const take = (context: FakeOperatorContext): readonly unknown[] =>
  context.emitted.splice(0).map(({ value, timestamp, port }) => {
    if (port === 1) return ['late', timestamp]
    const { key, window, n, total } = value as Total
    return [key, window.start, n, total, timestamp]
  })

test('a count window has its records; what is left goes out at the end', async () => {
  const context = new FakeOperatorContext()
  const add = windowed(context, countWindow(2))
  add(5, 1)
  add(3, 2)
  add(9, 7, 'b')
  add(4, 3)
  expect(take(context)).toEqual([['a', Number.NEGATIVE_INFINITY, 2, 3, 5]])
  await context.end()
  expect(take(context).toSorted((left, right) => (String(left) < String(right) ? -1 : 1))).toEqual([
    ['a', Number.NEGATIVE_INFINITY, 1, 3, 4],
    ['b', Number.NEGATIVE_INFINITY, 1, 7, 9],
  ])
})

test('a count trigger fires a global window for every n records, of all or of those since', async () => {
  for (const [purge, totals] of [
    [false, [3, 10]],
    [true, [3, 7]],
  ] as const) {
    const context = new FakeOperatorContext()
    const add = windowed(context, globalWindow(), { trigger: countTrigger(2, { purge }) })
    for (const value of [1, 2, 3, 4, 5]) add(value, value)
    expect(take(context)).toEqual(
      totals.map((total, index) => ['a', Number.NEGATIVE_INFINITY, purge ? 2 : 2 * index + 2, total, 2 * index + 2]),
    )
    await context.end()
    expect(take(context)).toEqual([['a', Number.NEGATIVE_INFINITY, purge ? 1 : 5, purge ? 5 : 15, 5]])
  }
})

test('a count trigger of a time window fires with what came since when the window ends, and not when nothing did', () => {
  const context = new FakeOperatorContext()
  const add = windowed(context, tumbling(10), { trigger: countTrigger(2) })
  for (const timestamp of [1, 2, 3, 11, 12]) add(timestamp)
  expect(take(context)).toEqual([
    ['a', 0, 2, 2, 9],
    ['a', 10, 2, 2, 19],
  ])
  context.advanceWatermark(30)
  expect(take(context)).toEqual([['a', 0, 3, 3, 9]])
  add(3)
  expect(take(context)).toEqual([['late', 3]])
})

test('an early trigger gives results while the window is open and has changed, then the final one', () => {
  const context = new FakeOperatorContext()
  const add = windowed(context, tumbling(1_000), { trigger: earlyTrigger('5s') })
  add(1)
  context.advance(3_000)
  add(2)
  add(3, 1, 'b')
  expect(take(context)).toEqual([])
  context.advance(2_000)
  expect(take(context)).toEqual([
    ['a', 0, 2, 2, 999],
    ['b', 0, 1, 1, 999],
  ])
  expect(context.deadlineMs).toBeUndefined()
  context.advance(60_000)
  add(4)
  context.advanceWatermark(999)
  expect(take(context)).toEqual([['a', 0, 3, 3, 999]])
  context.advance(60_000)
  expect(take(context)).toEqual([])
})

test('late records within the allowed lateness fire a window with an early trigger at once', () => {
  const context = new FakeOperatorContext()
  const add = windowed(context, sliding(20, 10), { trigger: earlyTrigger('5s'), allowedLateness: 10 })
  add(15)
  context.advanceWatermark(35)
  expect(take(context)).toEqual([
    ['a', 0, 1, 1, 19],
    ['a', 10, 1, 1, 29],
  ])
  add(16)
  expect(take(context)).toEqual([['a', 10, 2, 2, 29]])
  context.advanceWatermark(39)
  add(16)
  expect(take(context)).toEqual([['late', 16]])
  expect(context.late).toBe(1)
})

test.each(['default', 'trigger'] as const)('windows of processing time follow the clock alone (%s)', async (how) => {
  const context = new FakeOperatorContext()
  context.timeMs = 1_000
  const options = how === 'default' ? {} : { trigger: processingTimeTrigger() }
  const add = windowed(context, tumbling('1s', { time: 'processing' }), options)
  add(77_777)
  context.advanceWatermark(99_999)
  context.advance(999)
  expect(take(context)).toEqual([])
  add(3)
  context.advance(1)
  expect(take(context)).toEqual([['a', 1_000, 2, 2, 1_999]])
  add(1)
  await context.end()
  expect(take(context)).toEqual([['a', 2_000, 1, 1, 2_999]])
})

test('sliding windows and sessions of processing time', async () => {
  const context = new FakeOperatorContext()
  const add = windowed(context, sliding('2s', '1s', { time: 'processing' }))
  add(0)
  context.advance(1_000)
  add(0)
  context.advance(1_000)
  context.advance(1_000)
  expect(take(context)).toEqual([
    ['a', 0, 1, 1, 1_999],
    ['a', 1_000, 2, 2, 2_999],
    ['a', 2_000, 1, 1, 3_999],
  ])
  const other = new FakeOperatorContext()
  const visit = windowed(other, session('1s', { time: 'processing' }))
  visit(0)
  other.advance(999)
  visit(0)
  other.advance(1_000)
  expect(take(other)).toEqual([['a', 1_000, 2, 2, 2_998]])
  expect(other.deadlineMs).toBeUndefined()
  visit(0)
  await other.end()
  expect(take(other)).toEqual([['a', 2_999, 1, 1, 3_998]])
})

test('a clock that is set back stands still', () => {
  const context = new FakeOperatorContext()
  const add = windowed(context, tumbling('1s', { time: 'processing' }))
  context.timeMs = 5_500
  add(0)
  context.timeMs = 3_000
  add(0)
  context.timeMs = 5_000
  context.advance(1_000)
  expect(take(context)).toEqual([['a', 5_000, 2, 2, 5_999]])
})

test('an event-time trigger fires a global window at the end of the input', async () => {
  const context = new FakeOperatorContext()
  const add = windowed(context, globalWindow(), { trigger: eventTimeTrigger() })
  add(5)
  add(3)
  context.advanceWatermark(1_000)
  expect(take(context)).toEqual([])
  await context.end()
  // With the time of the latest record it would come late to whatever follows.
  expect(take(context)).toEqual([['a', Number.NEGATIVE_INFINITY, 2, 2, 1_001]])
})

test('a trigger of a user sees key, window, count and time, and decides', async () => {
  const context = new FakeOperatorContext()
  const seen: unknown[] = []
  const show = ({ key, window, count: n, timestamp, watermark }: TriggerContext): void =>
    void seen.push([key, window, n, timestamp, watermark])
  const trigger = defineTrigger({
    onRecord(record, view) {
      show(view)
      if (view.count === 1) view.timers.eventTime.set(view.window.end - 1)
      return (record as Reading).value < 0 ? 'purge' : view.count === 3 ? 'fireAndPurge' : 'continue'
    },
    onEventTime(time, view) {
      expect(time).toBe(view.window.end - 1)
      show(view)
      return 'fire'
    },
  })
  const add = windowed(context, tumbling(10), { trigger })
  add(1, 5)
  add(2, -1)
  add(3, 7)
  add(4, 7)
  add(5, 7)
  add(6, 2)
  add(12, 1, 'b')
  expect(take(context)).toEqual([['a', 0, 3, 21, 9]])
  context.advanceWatermark(9)
  expect(take(context)).toEqual([['a', 0, 1, 2, 9]])
  const window = { start: 0, end: 10 }
  const none = Number.NEGATIVE_INFINITY
  expect(seen).toEqual([
    ['a', window, 1, 1, none],
    ['a', window, 2, 2, none],
    ['a', window, 1, 3, none],
    ['a', window, 2, 4, none],
    ['a', window, 3, 5, none],
    ['a', window, 1, 6, none],
    ['b', { start: 10, end: 20 }, 1, 12, none],
    ['a', window, 1, Number.NaN, 9],
  ])
  await context.end()
  expect(take(context)).toEqual([['b', 10, 1, 1, 19]])
})

test('timers of a trigger: once per time, cancellable, at once where the time has passed, by the clock', async () => {
  const context = new FakeOperatorContext()
  const onEventTime = vi.fn(() => 'continue' as const)
  const onProcessingTime = vi.fn((_time: number, view: TriggerContext) => {
    view.timers.processingTime.set(view.now() + 1_000)
    return 'fire' as const
  })
  const trigger = defineTrigger({
    onRecord(record, { timers, now }) {
      const { value } = record as Reading
      timers.eventTime.set(value)
      timers.eventTime.set(value)
      timers.eventTime.set(500)
      timers.eventTime.cancel(500)
      timers.processingTime.set(now() + 1_000)
      return 'continue'
    },
    onEventTime,
    onProcessingTime,
  })
  const add = windowed(context, globalWindow(), { trigger })
  context.advanceWatermark(100)
  add(110, 200)
  expect(onEventTime).not.toHaveBeenCalled()
  add(110, 50)
  expect(onEventTime.mock.calls.map(([time]: unknown[]) => time)).toEqual([50])
  context.advanceWatermark(1_000)
  expect(onEventTime.mock.calls.map(([time]: unknown[]) => time)).toEqual([50, 200])
  context.advance(1_000)
  context.advance(1_000)
  expect(take(context).map((result) => (result as unknown[])[2])).toEqual([2, 2])
  // What a timer sets at the end of the input would never come to an end.
  await context.end()
  expect(onProcessingTime).toHaveBeenCalledTimes(3)
})

test('a timer that is no time is a coded error', () => {
  const context = new FakeOperatorContext()
  const trigger = defineTrigger({
    onRecord(_record, { timers, window }) {
      timers.eventTime.set(window.end)
      return 'continue'
    },
  })
  const add = windowed(context, globalWindow(), { trigger })
  expect(() => add(1)).toThrow(
    expect.objectContaining({ code: 'SLUICE_TIMER_INVALID', message: expect.stringContaining('operator') as string }),
  )
})

test('windows of a user’s trigger that were emptied give their rows back where nothing else ends them', () => {
  const context = new FakeOperatorContext()
  const trigger = defineTrigger({ onRecord: (_record, view) => (view.count === 2 ? 'fireAndPurge' : 'continue') })
  const add = windowed(context, globalWindow(), { trigger })
  for (let key = 0; key < 100; key++) for (const value of [1, 2]) add(1, value, `k${key}`)
  expect(take(context)).toHaveLength(100)
  expect(context.state.get('windows')?.size).toBe(0)
})

test('a late window of another key does not make a count trigger fire what has fired', async () => {
  const context = new FakeOperatorContext()
  const add = windowed(context, tumbling(10), { trigger: countTrigger(2), allowedLateness: 100 })
  add(15)
  context.advanceWatermark(30)
  expect(take(context)).toEqual([['a', 10, 1, 1, 19]])
  add(16)
  add(5, 1, 'b')
  context.advanceWatermark(31)
  expect(take(context)).toEqual([])
  await context.end()
  expect(take(context)).toEqual([
    ['b', 0, 1, 1, 9],
    ['a', 10, 2, 2, 19],
  ])
})
