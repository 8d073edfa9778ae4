/** Windows: what they take, what they give. */
import { expectTypeOf, test } from 'vitest'
import {
  type Caveat,
  count,
  countTrigger,
  countWindow,
  globalWindow,
  type KeyedStream,
  last,
  mean,
  session,
  sliding,
  type Stream,
  type TimeWindow,
  tumbling,
  type WindowAssigner,
} from '../../src/index.js'

interface Order {
  readonly id: number
  readonly amount: number
}

declare const timed: KeyedStream<string, Order, never>
declare const lossy: KeyedStream<string, Order, 'lossy'>
declare const untimed: KeyedStream<string, Order, 'no timestamps'>
declare const orders: Stream<Order, never>

test('windows of event time refuse streams without timestamps, all others take any', () => {
  expectTypeOf(tumbling('1h')).toEqualTypeOf<WindowAssigner<'lossy'>>()
  expectTypeOf(tumbling('1h', { time: 'processing' })).toEqualTypeOf<WindowAssigner<Caveat>>()
  for (const assigner of [
    tumbling('1h', { offset: '5m' }),
    tumbling('1d', { timeZone: 'Europe/Berlin' }),
    sliding('1h', '5m'),
    session('5m'),
  ]) {
    timed.window(assigner)
    lossy.window(assigner)
    // @ts-expect-error no timestamps
    untimed.window(assigner)
  }
  for (const assigner of [
    tumbling('1h', { time: 'processing' }),
    sliding('1h', '5m', { time: 'processing' }),
    session('5m', { time: 'processing' }),
    countWindow(3),
    globalWindow(),
  ]) {
    timed.window(assigner)
    untimed.window(assigner, { trigger: countTrigger(3) })
  }
})

test('durations are checked in the editor', () => {
  expectTypeOf(tumbling).parameter(0).not.toEqualTypeOf<string>()
  // @ts-expect-error no duration
  tumbling('10 parsecs')
  // @ts-expect-error no duration
  sliding('1h', 'often')
  // @ts-expect-error no duration
  timed.window(tumbling('1h'), { allowedLateness: 'a while' })
  // @ts-expect-error no time
  tumbling('1h', { time: 'wall' })
})

test('results have key, window and aggregates; late records are of the stream', () => {
  const hourly = timed.window(tumbling('1h')).aggregate('hourly', { n: count(), mean: mean((order) => order.amount), latest: last() })
  expectTypeOf(hourly.map((result) => result)).toEqualTypeOf<
    Stream<{ readonly key: string; readonly window: TimeWindow; readonly n: number; readonly mean: number; readonly latest: Order }, never>
  >()
  expectTypeOf(hourly.late).toEqualTypeOf<Stream<Order, never>>()
  expectTypeOf(
    timed.window(session('1h')).reduce('largest', (left, right) => (left.amount > right.amount ? left : right)).late,
  ).toEqualTypeOf<Stream<Order, never>>()
  const all = orders.windowAll(tumbling('1h')).process('all', (records, context) => {
    expectTypeOf(records).toEqualTypeOf<readonly Order[]>()
    expectTypeOf(context.key).toEqualTypeOf<null>()
    expectTypeOf(context.window).toEqualTypeOf<TimeWindow>()
    return [records.length]
  })
  expectTypeOf(all.map((length) => length)).toEqualTypeOf<Stream<number, never>>()
  expectTypeOf(untimed.window(countWindow(2)).aggregate('two', { n: count() }).late).toEqualTypeOf<Stream<Order, 'no timestamps'>>()
})
