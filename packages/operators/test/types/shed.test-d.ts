/** What `shed` takes and gives, as types. */
import { expectTypeOf, test } from 'vitest'
import { type ShedStream, type Stream, tumbling } from '../../src/index.js'

interface Order {
  readonly id: number
  readonly customer: string
  readonly note: string | undefined
}

declare const orders: Stream<Order, never>

test('policies that lose records make the stream lossy, and leave over what they drop', () => {
  const recent = orders.shed('s', { policy: 'drop-oldest', records: 100, bytes: '1mb', time: '5s' })
  expectTypeOf(recent).toEqualTypeOf<ShedStream<Order, 'lossy'>>()
  expectTypeOf(recent.dropped).toEqualTypeOf<Stream<Order, 'lossy'>>()
  recent.keyBy((order) => order.customer).window(tumbling('1h'))
  expectTypeOf(
    orders.shed('s', { policy: 'drop-newest', when: { fullFor: '500ms', age: '5s', watermarkLag: '1m', memory: '2gb' } }),
  ).toEqualTypeOf<ShedStream<Order, 'lossy'>>()
  expectTypeOf(orders.shed('s', { policy: 'priority', priority: (order) => order.id, lossy: true })).toEqualTypeOf<
    ShedStream<Order, 'lossy'>
  >()
})

test('a spill loses nothing', () => {
  const spilled = orders.shed('s', { policy: 'spill', directory: 'spill', diskBytes: '1gb' })
  expectTypeOf(spilled).toEqualTypeOf<Stream<Order, never>>()
  // @ts-expect-error -- nothing is dropped
  spilled.dropped
})

test('keys are inferred, and have to be some', () => {
  expectTypeOf(orders.shed('s', { policy: 'latest', key: (order) => [order.customer, order.id] })).toEqualTypeOf<
    ShedStream<Order, 'lossy'>
  >()
  orders.shed('s', { policy: 'sample', keep: 0.1, by: (order) => order.customer })
  // @ts-expect-error -- a key that may be undefined
  orders.shed('s', { policy: 'latest', key: (order) => order.note })
  // @ts-expect-error -- a key function that is asynchronous
  orders.shed('s', { policy: 'latest', key: async (order) => order.customer })
  // @ts-expect-error -- a priority that is asynchronous
  orders.shed('s', { policy: 'priority', priority: async (order) => order.id })
})

test('options that contradict each other do not compile', () => {
  expectTypeOf(orders.shed('s', { policy: 'drop-newest' })).toEqualTypeOf<ShedStream<Order, 'lossy'>>()
  // @ts-expect-error -- no policy
  orders.shed('s', { records: 100 })
  // @ts-expect-error -- no such policy
  orders.shed('s', { policy: 'drop-middle' })
  // @ts-expect-error -- the latest of what
  orders.shed('s', { policy: 'latest' })
  // @ts-expect-error -- by which priority
  orders.shed('s', { policy: 'priority' })
  // @ts-expect-error -- how many
  orders.shed('s', { policy: 'sample' })
  // @ts-expect-error -- where to
  orders.shed('s', { policy: 'spill' })
  // @ts-expect-error -- whoever drops the oldest has no key
  orders.shed('s', { policy: 'drop-oldest', key: (order: Order) => order.customer })
  // @ts-expect-error -- whoever keeps the latest has no sample
  orders.shed('s', { policy: 'latest', key: (order) => order.customer, keep: 0.5 })
  // @ts-expect-error -- whoever drops has no directory
  orders.shed('s', { policy: 'drop-newest', directory: 'spill' })
  // @ts-expect-error -- a spill loses nothing, whenever
  orders.shed('s', { policy: 'spill', directory: 'spill', when: { fullFor: '1s' } })
  // @ts-expect-error -- a spill loses nothing that could be meant
  orders.shed('s', { policy: 'spill', directory: 'spill', lossy: true })
  // @ts-expect-error -- not a duration
  orders.shed('s', { policy: 'drop-oldest', time: '10 parsecs' })
  // @ts-expect-error -- no such trigger
  orders.shed('s', { policy: 'drop-oldest', when: { full: '1s' } })
})
