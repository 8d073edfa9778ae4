/** Types of keyed state: what handles take and give, and what only exists behind keyBy or where there are timestamps. */
import { expectTypeOf, test } from 'vitest'
import {
  aggregatingState,
  type CheckpointOptions,
  count,
  defineJob,
  type JobOptions,
  type KeyedStream,
  listState,
  mapState,
  mean,
  type ProcessedStream,
  reducingState,
  sideOutput,
  type StatefulContext,
  type Stream,
  type Timer,
  type Timers,
  valueState,
} from '../../src/index.js'

interface Order {
  readonly id: number
  readonly name: string
}
interface Payment {
  readonly name: string
  readonly paid: number
}

declare const orders: Stream<Order, 'no timestamps'>
declare const keyed: KeyedStream<string, Order, never>
declare const untimed: KeyedStream<string, Order, 'no timestamps'>
declare const payments: KeyedStream<string, Payment, never>
declare const limits: Stream<{ readonly name: string; readonly limit: number }, never>

test('handles have the types of their declarations', () => {
  keyed.process('p', {
    state: {
      value: valueState<number>(),
      withDefault: valueState<number>({ default: 0, ttl: '1h' }),
      inferred: valueState({ default: 'none' }),
      list: listState<Order>({ ttl: { after: '1d', time: 'event', refresh: 'readAndWrite' } }),
      map: mapState<string, number>(),
      reduced: reducingState<number>((left, right) => left + right),
      counted: aggregatingState(count()),
      averaged: aggregatingState(mean((order: Order) => order.id)),
    },
    onRecord(order, { state, key, timestamp, watermark }) {
      expectTypeOf(state.value.get()).toEqualTypeOf<number | undefined>()
      expectTypeOf(state.withDefault.get()).toEqualTypeOf<number>()
      expectTypeOf(state.inferred.get()).toEqualTypeOf<string>()
      expectTypeOf(state.list.values()).toEqualTypeOf<readonly Order[]>()
      expectTypeOf(state.map.get('a')).toEqualTypeOf<number | undefined>()
      expectTypeOf([...state.map.entries()]).toEqualTypeOf<(readonly [string, number])[]>()
      expectTypeOf(state.reduced.get()).toEqualTypeOf<number | undefined>()
      expectTypeOf(state.counted.get()).toEqualTypeOf<number | undefined>()
      expectTypeOf(state.averaged.add).toEqualTypeOf<(value: Order) => void>()
      expectTypeOf(key).toEqualTypeOf<string>()
      expectTypeOf([timestamp, watermark]).toEqualTypeOf<(number | undefined)[]>()
      state.list.add(order)
      // @ts-expect-error -- a number
      state.value.set('1')
      // @ts-expect-error -- keys are text
      state.map.set(1, 1)
      // @ts-expect-error -- an order
      state.averaged.add(1)
      // @ts-expect-error -- not declared
      state.other.get()
      // @ts-expect-error -- a copy, not to be written
      state.list.values().push(order)
    },
  })
  expectTypeOf(valueState({ default: 'none' })).toEqualTypeOf(valueState<string>({ default: '' }))
  // @ts-expect-error -- a ttl is a duration
  valueState<number>({ ttl: '10 parsecs' })
  // @ts-expect-error -- the default is a value
  valueState<number>({ default: 'none' })
  // @ts-expect-error -- state is declared
  keyed.process('p', { state: { value: 1 }, onRecord() {} })
})

test('what handlers give flows on', () => {
  const rejected = sideOutput<string>('rejected')
  const processed = keyed.process('p', {
    state: { n: valueState<number>({ default: 0 }) },
    onRecord: (order, { state }) => [{ id: order.id, n: state.n.get() }],
    *onTimer(timer, { key }) {
      expectTypeOf(timer).toEqualTypeOf<Timer>()
      if (timer.kind === 'eventTime') yield key
      else yield rejected('late')
    },
    *onEnd() {
      yield true
    },
  })
  expectTypeOf(processed).toEqualTypeOf<ProcessedStream<{ id: number; n: number } | string | boolean, never>>()
  expectTypeOf(keyed.process('p', { state: {}, onRecord() {} })).toEqualTypeOf<ProcessedStream<never, never>>()
  // @ts-expect-error -- handlers are synchronous
  keyed.process('p', { state: {}, onRecord: async (order) => [order] })
})

test('state needs a key', () => {
  // @ts-expect-error -- no key, no state
  orders.process('p', { state: { n: valueState<number>() }, onRecord: () => [] })
  expectTypeOf(orders).not.toHaveProperty('coProcess')
  // @ts-expect-error -- a context without state declared has none
  keyed.process('p', (_order, context) => [context.state])
  keyed.process('p', {
    state: { n: valueState<number>() },
    onStart(context) {
      // @ts-expect-error -- there is no key at the start
      context.state.n.get()
    },
    onRecord() {},
    onEnd(context) {
      // @ts-expect-error -- nor at the end
      context.timers.eventTime.set(1)
    },
  })
})

test('timers of event time need timestamps, those of processing time do not', () => {
  expectTypeOf<StatefulContext<string, Record<never, never>>['timers']['eventTime']>().toEqualTypeOf<Timers>()
  expectTypeOf<StatefulContext<string, Record<never, never>, 'no timestamps'>['timers']['eventTime']>().not.toExtend<Timers>()
  untimed.process('p', {
    state: {},
    onRecord(_order, { timers, now }) {
      timers.processingTime.set(now() + 1)
      // @ts-expect-error -- no timestamps
      timers.eventTime.set(1)
    },
    onTimer() {},
  })
  keyed.process('p', {
    state: {},
    onRecord(_order, { timers }) {
      timers.eventTime.set(1)
      // @ts-expect-error -- ms since the epoch
      timers.eventTime.set(new Date())
    },
    onTimer() {},
  })
})

test('coProcess: two types of records, one key, one state', () => {
  const balances = keyed.coProcess('c', payments, {
    state: { balance: valueState<number>({ default: 0 }) },
    onLeft(order, { state }) {
      expectTypeOf(order).toEqualTypeOf<Order>()
      state.balance.set(state.balance.get() - order.id)
    },
    onRight(payment, { state, key, timers }) {
      expectTypeOf(payment).toEqualTypeOf<Payment>()
      timers.eventTime.set(1)
      return [{ key, balance: state.balance.get() }]
    },
  })
  expectTypeOf(balances).toEqualTypeOf<ProcessedStream<{ key: string; balance: number }, never>>()
  const numbered = payments as unknown as KeyedStream<number, Payment, never>
  const narrow = payments as unknown as KeyedStream<'ann' | 'bob', Payment, never>
  keyed.coProcess('c', narrow, { state: {}, onLeft: (_order, { key }) => void expectTypeOf(key).toEqualTypeOf<string>(), onRight() {} })
  narrow.coProcess('c', keyed, { state: {}, onLeft: (_payment, { key }) => void expectTypeOf(key).toEqualTypeOf<string>(), onRight() {} })
  // @ts-expect-error -- keys of different types never meet
  keyed.coProcess('c', numbered, { state: {}, onLeft() {}, onRight() {} })
  untimed.coProcess('c', payments, {
    state: {},
    onLeft(_order, { timers }) {
      // @ts-expect-error -- one side has no timestamps
      timers.eventTime.set(1)
    },
    onRight() {},
  })
})

test('broadcast state is written where the broadcast stream is handled, and nowhere else', () => {
  const checked = orders.connectBroadcast('b', limits, {
    broadcast: { limits: mapState<string, number>() },
    onRecord(order, { broadcast }) {
      expectTypeOf(broadcast.limits.get(order.name)).toEqualTypeOf<number | undefined>()
      // @ts-expect-error -- read only
      broadcast.limits.set(order.name, 1)
      // @ts-expect-error -- read only
      broadcast.limits.clear()
      return [order.id]
    },
    onBroadcast(rule, { broadcast }) {
      broadcast.limits.set(rule.name, rule.limit)
      // @ts-expect-error -- a number
      broadcast.limits.set(rule.name, rule.name)
    },
  })
  expectTypeOf(checked).toEqualTypeOf<ProcessedStream<number, 'no timestamps'>>()
  const totals = keyed.connectBroadcast('b', limits, {
    state: { total: valueState<number>({ default: 0 }) },
    broadcast: { limits: mapState<string, number>() },
    onRecord(order, { state, broadcast, timers }) {
      state.total.set(state.total.get() + (broadcast.limits.get(order.name) ?? 0))
      timers.eventTime.set(1)
    },
    onBroadcast(rule, context) {
      context.broadcast.limits.set(rule.name, rule.limit)
      // @ts-expect-error -- there is no key
      context.state.total.get()
    },
    onTimer(_timer, { broadcast, key }) {
      // @ts-expect-error -- read only
      broadcast.limits.delete(key)
      return [{ key, size: broadcast.limits.size }]
    },
  })
  expectTypeOf(totals).toEqualTypeOf<ProcessedStream<{ key: string; size: number }, never>>()
  const untimedLimits = limits as unknown as Stream<{ readonly name: string; readonly limit: number }, 'no timestamps'>
  const broadcast = { limits: mapState<string, number>() }
  const silent = keyed.connectBroadcast('b', untimedLimits, { state: {}, broadcast, onRecord: (order) => [order.id], onBroadcast() {} })
  expectTypeOf(silent).toEqualTypeOf<ProcessedStream<number, never>>()
  const told = keyed.connectBroadcast('b', untimedLimits, {
    state: {},
    broadcast,
    onRecord: (order) => [order.id],
    onBroadcast: (rule) => [rule.limit],
  })
  expectTypeOf(told).toEqualTypeOf<ProcessedStream<number, 'no timestamps'>>()
  orders.connectBroadcast('b', limits, {
    // @ts-expect-error -- broadcast state is maps
    broadcast: { limit: valueState<number>() },
    onRecord() {},
    onBroadcast() {},
  })
})

test('checkpoints have an interval and a folder', () => {
  expectTypeOf<JobOptions['checkpoint']>().toEqualTypeOf<CheckpointOptions | undefined>()
  defineJob({ name: 'j', checkpoint: { interval: '2s', directory: 'checkpoints' } }, () => undefined)
  // @ts-expect-error -- where to
  defineJob({ name: 'j', checkpoint: { interval: '2s' } }, () => undefined)
  // @ts-expect-error -- no duration
  defineJob({ name: 'j', checkpoint: { interval: '10 parsecs', directory: 'checkpoints' } }, () => undefined)
})
