/** `connectBroadcast` and `coProcess` over a context without an engine. */
import { expect, test } from 'vitest'
import { fromArray, mapState, type MapState, valueState } from '../../src/index.js'
import { FakeOperatorContext } from '../support/fake-operator-context.js'
import { declare, edgesOf, nodeOf, operatorOf } from '../support/graphs.js'

interface Order {
  readonly id: string
  readonly amount: number
}
interface Limit {
  readonly id: string
  readonly limit: number
}

const order = (id: string, amount: number): Order => ({ id, amount })
const limit = (id: string, most: number): Limit => ({ id, limit: most })
const code = (name: string): unknown => expect.objectContaining({ code: name })

test('records see what was broadcast, and what onBroadcast gives flows on', () => {
  const context = new FakeOperatorContext()
  const graph = declare((job) => {
    const limits = job.source('limits', fromArray<Limit>([]))
    job.source('orders', fromArray<Order>([])).connectBroadcast('b', limits, {
      broadcast: { limits: mapState<string, number>() },
      onRecord: (each, { broadcast }) => (each.amount > (broadcast.limits.get(each.id) ?? 10) ? [each.id] : []),
      *onBroadcast(rule, { broadcast }) {
        broadcast.limits.set(rule.id, rule.limit)
        yield `${rule.id} is limited`
        broadcast.limits.delete('old')
        yield [...broadcast.limits.keys()]
      },
    })
  })
  expect(edgesOf(graph)).toEqual(['orders.out -> b', 'limits.out -> b broadcast'])
  const operator = operatorOf(graph, 'b', context)
  operator.process(order('a', 11), Number.NaN, 0)
  operator.process(limit('old', 1), Number.NaN, 1)
  operator.process(limit('a', 100), Number.NaN, 1)
  operator.process(order('a', 11), Number.NaN, 0)
  expect(context.take()).toEqual(['a', 'old is limited', [], 'a is limited', ['a']])
  expect(nodeOf(graph, 'b').options).toEqual({ type: 'connectBroadcast', broadcast: { limits: { kind: 'map' } } })
  expect(context.state.get('broadcast.limits')).toMatchObject({ size: 1 })
})

test.each(['keyed', 'unkeyed'])('broadcast state is not written for records, nor when its handler has ended: %s', (form) => {
  const context = new FakeOperatorContext()
  let kept: MapState<string, number> | undefined
  const handlers = {
    state: { n: valueState<number>({ default: 0 }) },
    broadcast: { limits: mapState<string, number>() },
    onRecord(each: Order, { broadcast }: { broadcast: unknown }) {
      const { limits } = broadcast as { limits: MapState<string, number> }
      expect(() => limits.set(each.id, 1)).toThrow(code('SLUICE_STATE_READONLY'))
      expect(() => limits.delete(each.id)).toThrow(code('SLUICE_STATE_READONLY'))
      expect(() => limits.clear()).toThrow('broadcast state limits of operator is written outside of onBroadcast')
    },
    onBroadcast(rule: Limit, { broadcast }: { broadcast: { limits: MapState<string, number> } }) {
      kept = broadcast.limits
      kept.set(rule.id, rule.limit)
      expect(() => kept?.set(rule.id, (() => 1) as unknown as number)).toThrow(code('SLUICE_STATE_VALUE'))
    },
  }
  const graph = declare((job) => {
    const limits = job.source('limits', fromArray<Limit>([]))
    const orders = job.source('orders', fromArray<Order>([]))
    if (form === 'keyed') orders.keyBy((each) => each.id).connectBroadcast('b', limits, handlers)
    else orders.connectBroadcast('b', limits, handlers)
  })
  const operator = operatorOf(graph, 'b', context)
  operator.process(limit('a', 100), 1, 1)
  expect(() => kept?.set('a', 1)).toThrow(code('SLUICE_STATE_READONLY'))
  operator.process(order('a', 1), 2, 0)
  expect(kept?.get('a')).toBe(100)
  expect.assertions(6)
})

test('there is no key where a broadcast record is handled', () => {
  const context = new FakeOperatorContext()
  let state: { get(): unknown } | undefined
  const graph = declare((job) => {
    const limits = job.source('limits', fromArray<Limit>([]))
    job
      .source('orders', fromArray<Order>([]))
      .keyBy((each) => each.id)
      .connectBroadcast('b', limits, {
        state: { n: valueState<number>({ default: 0 }) },
        broadcast: { limits: mapState<string, number>() },
        onRecord(_each, c) {
          state = c.state.n
        },
        onBroadcast() {
          state?.get()
        },
      })
  })
  const operator = operatorOf(graph, 'b', context)
  operator.process(order('a', 1), 1, 0)
  expect(() => operator.process(limit('a', 1), 1, 1)).toThrow(code('SLUICE_STATE_NO_KEY'))
})

test('broadcast state is maps without a ttl', () => {
  const declaring = (broadcast: unknown) => () =>
    declare((job) => {
      const limits = job.source('limits', fromArray<Limit>([]))
      const handlers = { broadcast, onRecord() {}, onBroadcast() {} }
      job.source('orders', fromArray<Order>([])).connectBroadcast('b', limits, handlers as never)
    })
  expect(declaring({ limit: valueState() })).toThrow('broadcast state limit of connectBroadcast b is not a map')
  expect(declaring({ limits: mapState({ ttl: '1s' }) })).toThrow('has a ttl, which only keyed state can have')
  expect(declaring(undefined)).toThrow(code('SLUICE_OPTIONS_INVALID'))
})

test('coProcess hands each side to its handler, with one state', () => {
  const context = new FakeOperatorContext()
  const graph = declare((job) => {
    const limits = job.source('limits', fromArray<Limit>([])).keyBy((each) => each.id)
    job
      .source('orders', fromArray<Order>([]))
      .keyBy((each) => each.id)
      .coProcess('c', limits, {
        state: { balance: valueState<number>({ default: 0 }) },
        onLeft(each, { state }) {
          state.balance.set(state.balance.get() + each.amount)
        },
        *onRight(each, { key, state }) {
          yield [key, state.balance.get(), each.limit]
        },
      })
  })
  const operator = operatorOf(graph, 'c', context)
  operator.process(order('a', 3), Number.NaN, 0)
  operator.process(order('b', 4), Number.NaN, 0)
  operator.process(order('a', 5), Number.NaN, 0)
  operator.process(limit('a', 9), Number.NaN, 1)
  expect(context.take()).toEqual([['a', 8, 9]])
})
