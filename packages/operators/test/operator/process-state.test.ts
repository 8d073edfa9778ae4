/** `process` with state and timers over a context without an engine: what handlers see, when they are called, and what is refused. */
import type { KeyTable } from '@sluice/engine'
import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  aggregatingState,
  count,
  fromArray,
  type KeyedStream,
  listState,
  mapState,
  sideOutput,
  type Stream,
  type Timer,
  valueState,
} from '../../src/index.js'
import type { StatefulContext } from '../../src/operator/keyed-contexts.js'
import { FakeOperatorContext } from '../support/fake-operator-context.js'
import { declare, nodeOf, operatorOf } from '../support/graphs.js'

interface Event {
  readonly id: string
  readonly at: number
  readonly amount: number
}
type Keyed = KeyedStream<string, Event, never>

const event = (id: string, at: number, amount = 1): Event => ({ id, at, amount })

/** An operator named p on a keyed stream with timestamps. */
function start(declaration: (keyed: Keyed, timed: Stream<Event, never>) => void, context: FakeOperatorContext = new FakeOperatorContext()) {
  const graph = declare((job) => {
    const timed = job.source('events', fromArray<Event>([])).withTimestamps((each) => each.at)
    declaration(
      timed.keyBy((each) => each.id),
      timed,
    )
  })
  const operator = operatorOf(graph, 'p', context)
  const send = (...events: readonly Event[]): void => {
    for (const each of events) operator.process(each, each.at, 0)
  }
  return { context, operator, send, graph, table: context.state.get('state') as KeyTable }
}

const code = (name: string): unknown => expect.objectContaining({ code: name })

test('state is kept per key, and defaults stand in where nothing is', () => {
  const { send, context } = start((keyed) =>
    keyed.process('p', {
      state: { total: valueState<number>({ default: 0 }), last: valueState<string>(), ids: listState<number>() },
      onRecord(each, { key, state }) {
        state.total.set(state.total.get() + each.amount)
        state.ids.add(each.at)
        const before = state.last.get()
        state.last.set(`at ${each.at}`)
        return [[key, state.total.get(), before, state.ids.values()]]
      },
    }),
  )
  send(event('a', 1, 2), event('b', 2, 5), event('a', 3, 4))
  expect(context.take()).toEqual([
    ['a', 2, undefined, [1]],
    ['b', 5, undefined, [2]],
    ['a', 6, 'at 1', [1, 3]],
  ])
})

test('timers of event time fire in order with the time of the timer, with the state of their key', () => {
  const { send, context } = start((keyed) =>
    keyed.process('p', {
      state: { amount: valueState<number>() },
      onRecord(each, { state, timers }) {
        state.amount.set(each.amount)
        timers.eventTime.set(each.at + 10)
        timers.eventTime.set(each.at + 10)
      },
      *onTimer(timer, { key, state, timestamp }) {
        yield [timer.kind, timer.time, timestamp, key, state.amount.get()]
        state.amount.clear()
      },
    }),
  )
  send(event('a', 5, 1), event('b', 1, 2), event('c', 9, 3))
  context.advanceWatermark(10)
  expect(context.emitted.splice(0)).toEqual([{ value: ['eventTime', 11, 11, 'b', 2], timestamp: 11, port: 0 }].slice(1))
  context.advanceWatermark(15)
  expect(context.emitted.splice(0)).toEqual([
    { value: ['eventTime', 11, 11, 'b', 2], timestamp: 11, port: 0 },
    { value: ['eventTime', 15, 15, 'a', 1], timestamp: 15, port: 0 },
  ])
  context.advanceWatermark(Number.POSITIVE_INFINITY)
  expect(context.take()).toEqual([['eventTime', 19, 19, 'c', 3]])
})

test('a timer that was cancelled does not fire', () => {
  const { send, context } = start((keyed) =>
    keyed.process('p', {
      state: {},
      onRecord(each, { timers }) {
        if (each.amount > 0) timers.eventTime.set(each.amount)
        else timers.eventTime.cancel(-each.amount)
      },
      onTimer: (timer, { key }) => [`${key}${timer.time}`],
    }),
  )
  send(event('a', 0, 5), event('a', 0, 7), event('b', 0, 5), event('a', 0, -5), event('b', 0, -7))
  context.advanceWatermark(100)
  expect(context.take()).toEqual(['b5', 'a7'])
})

test('timers of processing time fire by the clock, and at the end behind those of event time', async () => {
  const { send, context } = start((keyed) =>
    keyed.process('p', {
      state: {},
      onRecord(each, c) {
        c.timers.processingTime.set(c.now() + each.amount)
        c.timers.eventTime.set(10_000)
      },
      onTimer: (timer, { key }) => [`${key} ${timer.kind} ${timer.time}`],
    }),
  )
  send(event('a', 0, 50), event('b', 0, 20), event('c', 0, 5_000))
  expect(context.deadlineMs).toBe(1_020)
  context.advance(30)
  expect(context.take()).toEqual(['b processingTime 1020'])
  expect(context.deadlineMs).toBe(1_050)
  context.advance(1_000)
  expect(context.take()).toEqual(['a processingTime 1050'])
  await context.end()
  const fired = context.take()
  expect(new Set(fired)).toEqual(new Set(['a eventTime 10000', 'b eventTime 10000', 'c eventTime 10000', 'c processingTime 6000']))
  expect(fired.at(-1)).toBe('c processingTime 6000')
})

test('the end comes: timers that timers set fire too, but those of the clock do not set themselves for ever', async () => {
  const { send, context } = start((keyed) =>
    keyed.process('p', {
      state: {},
      onRecord(_each, { timers, now }) {
        timers.eventTime.set(10)
        timers.processingTime.set(now() + 5)
      },
      onTimer(timer, { timers }) {
        if (timer.kind === 'processingTime') timers.processingTime.set(timer.time + 5)
        else if (timer.time < 30) timers.eventTime.set(timer.time + 10)
        return [timer]
      },
    }),
  )
  send(event('a', 0))
  await context.end()
  expect(context.take()).toEqual([
    { kind: 'eventTime', time: 10 },
    { kind: 'eventTime', time: 20 },
    { kind: 'eventTime', time: 30 },
    { kind: 'processingTime', time: 1_005 },
  ])
})

test('timers of event time that go on for ever are found at the end', () => {
  const { send, context } = start((keyed) =>
    keyed.process('p', {
      state: {},
      onRecord: (_each, { timers }) => timers.eventTime.set(10),
      onTimer: (timer, { timers }) => timers.eventTime.set(timer.time + 10),
    }),
  )
  send(event('a', 0))
  expect(() => context.advanceWatermark(Number.POSITIVE_INFINITY)).toThrow(code('SLUICE_TIMERS_ENDLESS'))
})

test.each(['array', 'generator'])('a timer in the past fires at once, behind what its handler gave: %s', (form) => {
  const { send, context, operator } = start((keyed) =>
    keyed.process('p', {
      state: { seen: listState<string>() },
      onRecord(each, { state, timers, now }) {
        const give = function* (): Generator<string> {
          yield `record ${each.at}`
          timers.eventTime.set(90)
          timers.processingTime.set(now())
          timers.eventTime.set(80)
          timers.eventTime.set(200)
          state.seen.add(`set at ${each.at}`)
          yield 'record done'
        }
        return form === 'generator' ? give() : [...give()]
      },
      onTimer(timer, { state, timers }) {
        const give = function* (): Generator<string> {
          yield `timer ${timer.time} ${state.seen.values()[0]}`
          if (timer.time === 80) timers.eventTime.set(85)
        }
        return form === 'generator' ? give() : [...give()]
      },
    }),
  )
  context.advanceWatermark(100)
  send(event('a', 150))
  expect(context.emitted.splice(0).map(({ value, timestamp }) => [value, timestamp])).toEqual([
    ['record 150', 150],
    ['record done', 150],
    ['timer 80 set at 150', 80],
    ['timer 85 set at 150', 85],
    ['timer 90 set at 150', 90],
    ['timer 1000 set at 150', 1_000],
  ])
  expect(operator.fire?.()).toBe(false)
  context.advanceWatermark(200)
  expect(context.take()).toEqual(['timer 200 set at 150'])
})

test('a key that holds nothing and waits for nothing leaves the table', () => {
  const { send, context, table } = start((keyed) =>
    keyed.process('p', {
      state: { value: valueState<number>(), list: listState<number>(), map: mapState<string, number>(), n: aggregatingState(count()) },
      onRecord(each, { state, timers }) {
        if (each.amount === 0) {
          for (const handle of Object.values(state)) handle.clear()
          return
        }
        if (each.amount === 1) state.value.set(1)
        if (each.amount === 2) state.list.add(1)
        if (each.amount === 3) state.map.set('a', 1)
        if (each.amount === 4) state.n.add(1)
        if (each.amount === 5) timers.eventTime.set(50)
        if (each.amount === 6) timers.eventTime.cancel(50)
        if (each.amount === 7) state.map.delete('a')
      },
      onTimer() {},
    }),
  )
  send(event('read only', 0, 9))
  expect(table.size).toBe(0)
  for (const amount of [1, 2, 3, 4]) {
    send(event(`k${amount}`, 0, amount))
    expect(table.size).toBe(1)
    send(event(`k${amount}`, 0, 0))
    expect(table.size).toBe(0)
  }
  send(event('m', 0, 3), event('m', 0, 7))
  expect(table.size).toBe(0)
  send(event('t', 0, 5))
  expect(table.size).toBe(1)
  send(event('t', 0, 6))
  expect(table.size).toBe(0)
  send(event('t', 0, 5))
  context.advanceWatermark(60)
  expect(table.size).toBe(0)
})

test('what expires leaves the table as records of other keys pass', () => {
  const { send, context, table } = start((keyed) =>
    keyed.process('p', {
      state: {
        value: valueState<number>({ ttl: '10ms' }),
        text: valueState<string>({ ttl: { after: '20ms', time: 'event' } }),
        map: mapState<number, number>({ ttl: '10ms' }),
        list: listState<number>({ ttl: '10ms' }),
        n: aggregatingState(count(), { ttl: '10ms' }),
      },
      onRecord(each, { state }) {
        state.value.set(1)
        state.text.set('x')
        for (let key = 0; key < 100; key++) state.map.set(key, key)
        for (let at = 0; at < 100; at++) state.list.add(at)
        state.n.add(each)
      },
    }),
  )
  for (let key = 0; key < 50; key++) send(event(`k${key}`, 100))
  expect(table.size).toBe(50)
  context.timeMs += 100
  for (let round = 0; round < 50; round++) send(event('other', 100))
  expect(table.size).toBe(51)
  context.advanceWatermark(120)
  for (let round = 0; round < 700; round++) {
    context.timeMs += 100
    send(event('other', 200))
  }
  expect(table.size).toBe(1)
})

test('state of event time is as old as the timer that reads it, however far the watermark went', () => {
  const { send, context } = start((keyed) =>
    keyed.process('p', {
      state: { value: valueState<number>({ ttl: { after: 50, time: 'event' } }) },
      onRecord(each, { state, timers }) {
        state.value.set(each.amount)
        timers.eventTime.set(each.at + 49)
        timers.eventTime.set(each.at + 50)
      },
      onTimer: (timer, { state }) => [[timer.time, state.value.get()]],
    }),
  )
  send(event('a', 100, 7))
  context.advanceWatermark(Number.POSITIVE_INFINITY)
  expect(context.take()).toEqual([
    [149, 7],
    [150, undefined],
  ])
})

test('side outputs, metrics, log and resources work as in process without state', () => {
  const tag = sideOutput<string>('odd')
  const { send, context } = start((keyed) => {
    keyed
      .process('p', {
        state: {},
        onStart(c) {
          c.log.info('started')
        },
        *onRecord(each, c) {
          c.metrics.count('records')
          if (each.amount % 2 === 1) yield tag(each.id)
          else yield [c.watermark, c.subtask.index, c.operator]
        },
        *onEnd(c) {
          yield [c.job]
        },
      })
      .sideOutput(tag)
  })
  send(event('a', 1, 1), event('b', 1, 2))
  expect(context.emitted.map(({ value, port }) => [value, port])).toEqual([
    ['a', 'odd'],
    [[Number.NEGATIVE_INFINITY, 0, 'operator'], 0],
  ])
  expect(context.counts.get('records')).toBe(2)
})

/** Handlers that misuse state are written against this. */
type AnyContext = StatefulContext<string, Record<string, never>> & { readonly state: Record<string, never> }

test('state and timers need a key: not at the start, not at the end, not when the handler has ended', async () => {
  const kept: { set(value: number): void; get(): unknown }[] = []
  const timers: { set(time: number): void }[] = []
  const { send, operator, context } = start((keyed) =>
    keyed.process('p', {
      state: { value: valueState<number>() },
      onStart(c) {
        const { state } = c as unknown as { state: { value: { get(): unknown } } }
        expect(() => state.value.get()).toThrow(code('SLUICE_STATE_NO_KEY'))
      },
      onRecord(_each, c) {
        kept.push(c.state.value)
        timers.push(c.timers.eventTime)
      },
      onTimer() {},
      onEnd(c) {
        const { state } = c as unknown as AnyContext
        expect(() => (state['value'] as unknown as { get(): unknown }).get()).toThrow(code('SLUICE_STATE_NO_KEY'))
        return []
      },
    }),
  )
  await operator.open?.()
  send(event('a', 1))
  expect(() => kept[0]?.set(1)).toThrow(code('SLUICE_STATE_NO_KEY'))
  expect(() => kept[0]?.get()).toThrow('state value of operator is used where there is no key')
  expect(() => timers[0]?.set(1)).toThrow(code('SLUICE_STATE_NO_KEY'))
  await context.end()
  expect.assertions(5)
})

test('a generator that stands still has no key either, and gets it back when it goes on', () => {
  const context = new FakeOperatorContext()
  let pulled: Iterator<unknown> | undefined
  context.expand = (values): void => {
    pulled = values[Symbol.iterator]()
  }
  let handle: { get(): unknown } | undefined
  const { send } = start(
    (keyed) =>
      keyed.process('p', {
        state: { value: valueState<number>() },
        *onRecord(each, { state }) {
          handle = state.value
          state.value.set(each.amount)
          yield 'first'
          yield state.value.get()
        },
      }),
    context,
  )
  send(event('a', 1, 42))
  expect(pulled?.next().value).toBe('first')
  expect(() => handle?.get()).toThrow(code('SLUICE_STATE_NO_KEY'))
  expect(pulled?.next().value).toBe(42)
  expect(pulled?.next().done).toBe(true)
})

test.each([
  ['a function', () => 1, 'the value is a function'],
  ['a symbol', Symbol('s'), 'the value is a symbol'],
  ['a promise within', { a: Promise.resolve(1) }, 'the value.a is a Promise'],
  ['a class instance', { deep: [new (class Order {})()] }, 'the value.deep[0] is an instance of the class Order'],
])('a value that cannot be encoded is refused when it is set: %s', (_what, value, message) => {
  const failures: unknown[] = []
  const { send } = start((keyed) =>
    keyed.process('p', {
      state: { v: valueState<unknown>(), l: listState<unknown>(), m: mapState<string, unknown>() },
      onRecord(_each, { state }) {
        for (const attempt of [() => state.v.set(value), () => state.l.add(value), () => state.m.set('k', value)]) {
          try {
            attempt()
          } catch (error) {
            failures.push(error)
          }
        }
      },
    }),
  )
  send(event('a', 1))
  expect(failures).toEqual([code('SLUICE_STATE_VALUE'), code('SLUICE_STATE_VALUE'), code('SLUICE_STATE_VALUE')])
  expect(String(failures[0])).toContain(`state v of operator cannot keep what it was given: ${message}`)
})

test('a value that does not fit its schema is refused when it is set', () => {
  const failures: string[] = []
  const { send, context } = start((keyed) =>
    keyed.process('p', {
      state: {
        sized: valueState<{ size: number }>({ schema: z.object({ size: z.int() }) }),
        late: valueState<number>({ schema: z.number().refine(() => Promise.resolve(true)) }),
      },
      onRecord(_each, { state }) {
        for (const attempt of [() => state.sized.set({ size: 1 }), () => state.sized.set({ size: 1.5 }), () => state.late.set(1)]) {
          try {
            attempt()
          } catch (error) {
            expect(error).toEqual(code('SLUICE_STATE_VALUE'))
            failures.push((error as Error).message)
          }
        }
        return [state.sized.get()]
      },
    }),
  )
  send(event('a', 1))
  expect(failures).toEqual([
    expect.stringMatching(/^state sized of operator does not fit its schema: size: /),
    'the schema of state late of operator checks asynchronously',
  ])
  expect(context.take()).toEqual([{ size: 1 }])
})

test('what refers to itself is refused; dates, maps, typed arrays and null are kept', () => {
  const { send, context } = start((keyed) =>
    keyed.process('p', {
      state: { v: valueState<unknown>() },
      onRecord(_each, { state }) {
        const cycle: { self?: unknown } = {}
        cycle.self = cycle
        expect(() => state.v.set(cycle)).toThrow(code('SLUICE_STATE_VALUE'))
        const fine = [new Date(1), new Map([[1, { a: null }]]), new Set([1]), new Float64Array(2), null, [1, 'x'], 10n, Number.NaN]
        return fine.map((value) => {
          state.v.set(value)
          return Object.is(state.v.get(), value)
        })
      },
    }),
  )
  send(event('a', 1))
  expect(context.take()).toEqual(Array(8).fill(true))
})

test.each([[Number.NaN], [Number.POSITIVE_INFINITY], ['10' as unknown as number], [new Date(1) as unknown as number]])(
  'a timer at %s is refused',
  (time) => {
    const { send } = start((keyed) =>
      keyed.process('p', {
        state: {},
        onRecord: (_each, { timers }) => timers.processingTime.set(time),
        onTimer: (_timer: Timer) => [],
      }),
    )
    expect(() => send(event('a', 1))).toThrow(code('SLUICE_TIMER_INVALID'))
  },
)

test('timers need an onTimer, and those of event time timestamps', () => {
  const { send } = start((keyed) => keyed.process('p', { state: {}, onRecord: (_each, { timers }) => timers.eventTime.set(1) }))
  expect(() => send(event('a', 1))).toThrow('operator sets a timer, and has no onTimer')
  const graph = declare((job) => {
    job
      .source('events', fromArray<Event>([]))
      .keyBy((each) => each.id)
      .process('p', {
        state: {},
        onRecord(_each, { timers }) {
          ;(timers.eventTime as unknown as { set(time: number): void }).set(1)
        },
        onTimer() {},
      })
  })
  const operator = operatorOf(graph, 'p', new FakeOperatorContext())
  expect(() => operator.process(event('a', 1), Number.NaN, 0)).toThrow(code('SLUICE_TIMESTAMPS_MISSING'))
})

test('wrong declarations are refused while the job is declared', () => {
  const declaring =
    (state: unknown, handlers: object = { onRecord() {} }) =>
    () =>
      declare((job) => {
        job
          .source('events', fromArray<Event>([]))
          .keyBy((each) => each.id)
          .process('p', { state, ...handlers } as never)
      })
  expect(declaring({ a: 1 })).toThrow('state a of process p is not a declaration of state')
  expect(declaring(null)).toThrow(code('SLUICE_OPTIONS_INVALID'))
  expect(declaring({}, {})).toThrow('process p: onRecord takes a function')
  expect(declaring({ a: valueState({ ttl: '10 parsecs' as '10s' }) })).toThrow(code('SLUICE_DURATION_INVALID'))
  expect(declaring({ a: valueState({ ttl: 0 }) })).toThrow(code('SLUICE_DURATION_INVALID'))
  expect(declaring({ a: mapState({ ttl: { after: 1, refresh: 'never' as 'write' } }) })).toThrow(code('SLUICE_OPTIONS_INVALID'))
  expect(declaring({ a: mapState({ ttl: { after: 1, time: 'event' } }) })).toThrow(code('SLUICE_TIMESTAMPS_MISSING'))
})

test('the plan knows state, timers and the functions of declarations', () => {
  const add = (left: number, right: number): number => left + right
  const { graph } = start((keyed) =>
    keyed.process('p', {
      state: { v: valueState<number>({ ttl: '1h' }), n: aggregatingState(count()) },
      onRecord() {
        add(1, 2)
      },
    }),
  )
  const { options, functions } = nodeOf(graph, 'p')
  expect(options).toEqual({
    type: 'process',
    state: { v: { kind: 'value', ttl: '1h' }, n: { kind: 'aggregating', aggregator: 'count' } },
    timers: false,
  })
  expect(functions).toHaveLength(1)
})

test('a timer of processing time touches what expires by event time as the last record does', () => {
  const { send, context } = start((keyed) =>
    keyed.process('p', {
      state: { seen: valueState<string>({ ttl: { after: 100, time: 'event' } }) },
      onRecord(each, { state, timers }) {
        if (each.amount === 1) timers.processingTime.set(5_000_000)
        else return [state.seen.get() ?? 'expired']
        return []
      },
      onTimer(_timer, { state }) {
        state.seen.set('touched')
      },
    }),
  )
  send(event('a', 10))
  context.advance(5_000_000)
  context.advanceWatermark(109)
  send(event('a', 111, 2))
  context.advanceWatermark(110)
  send(event('a', 112, 2))
  expect(context.take()).toEqual(['touched', 'expired'])
})

test('what cannot be a key is refused by maps of state, however few entries they have', () => {
  const refused: unknown[] = []
  const { send } = start((keyed) =>
    keyed.process('p', {
      state: { map: mapState<unknown, number>() },
      onRecord(each, { state: { map } }) {
        for (let entry = 0; entry < each.amount; entry++) map.set(entry, entry)
        for (const key of [Number.NaN, undefined, [Number.NaN]]) {
          for (const ask of [() => map.get(key), () => map.has(key), () => map.delete(key), () => map.set(key, 1)]) {
            try {
              ask()
              refused.push(`${each.amount} ${String(key)} ${String(ask)}`)
            } catch (error) {
              expect(error).toEqual(code('SLUICE_KEY_INVALID'))
            }
          }
        }
      },
    }),
  )
  send(event('none', 1, 0), event('few', 1, 2), event('many', 1, 20))
  expect(refused).toEqual([])
})

test('a default is not changed through what `get` gave, for no key', () => {
  const given: number[] = []
  const { send } = start((keyed) =>
    keyed.process('p', {
      state: { list: valueState<number[]>({ default: given }) },
      onRecord(each, { state }) {
        state.list.get().push(each.amount)
      },
    }),
  )
  expect(() => send(event('a', 1))).toThrow(TypeError)
  expect(given).toEqual([])
  given.push(1)
})

test('a default that is no plain data is refused when the job is declared', () => {
  expect(() =>
    start((keyed) => keyed.process('p', { state: { value: valueState<unknown>({ default: () => 1 }) }, onRecord() {} })),
  ).toThrow(/state value of process p cannot keep what it was given: .*function/)
})

test.each(['eventTime', 'processingTime'] as const)('a timer of %s that sets itself again without end fails', (kind) => {
  for (const late of [false, true]) {
    const { send, context } = start((keyed) =>
      keyed.process('p', {
        state: {},
        onRecord(each, { timers }) {
          timers[kind].set(each.at)
        },
        onTimer(timer, { timers }) {
          timers[kind].set(timer.time)
        },
      }),
    )
    const time = 5_000
    const pass = (): void => {
      if (kind === 'eventTime') context.advanceWatermark(time)
      else context.advance(time)
    }
    if (late) pass()
    else send(event('a', time))
    expect(() => (late ? send(event('a', time)) : pass())).toThrow(code('SLUICE_TIMERS_ENDLESS'))
  }
})
