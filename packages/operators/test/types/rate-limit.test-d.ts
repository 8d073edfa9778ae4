/** What `rateLimit` takes and gives, as types. */
import { expectTypeOf, test } from 'vitest'
import { type LimitedStream, type Stream, tumbling } from '../../src/index.js'

interface Order {
  readonly id: number
  readonly customer: string
  readonly note: string | undefined
}

declare const orders: Stream<Order, never>
declare const rates: Stream<number, 'no timestamps'>
declare const texts: Stream<string>

test('a limit that holds keeps the stream as it is; one that drops makes it lossy', () => {
  expectTypeOf(orders.rateLimit('r', { rate: 100 })).toEqualTypeOf<Stream<Order, never>>()
  expectTypeOf(orders.rateLimit('r', { rate: 100, per: '1m', burst: 5, onLimit: 'hold' })).toEqualTypeOf<Stream<Order, never>>()
  expectTypeOf(orders.rateLimit('r', { rate: rates, initial: 5 })).toEqualTypeOf<Stream<Order, never>>()
  const dropping = orders.rateLimit('r', { rate: 100, onLimit: 'drop', lossy: true })
  expectTypeOf(dropping).toEqualTypeOf<LimitedStream<Order, 'lossy'>>()
  expectTypeOf(dropping.dropped).toEqualTypeOf<Stream<Order, 'lossy'>>()
  dropping.keyBy((order) => order.customer).window(tumbling('1h'))
  // @ts-expect-error -- nothing is dropped
  orders.rateLimit('r', { rate: 100 }).dropped
})

test('the key is inferred, and has to be one', () => {
  expectTypeOf(
    orders.rateLimit('r', { rate: 5, key: (order) => order.customer, keys: 10, queue: { records: 5, bytes: '1mb' } }),
  ).toEqualTypeOf<Stream<Order, never>>()
  orders.rateLimit('r', { algorithm: 'leaky-bucket', rate: 5, key: (order) => [order.customer, order.id] })
  // @ts-expect-error -- a key that may be undefined
  orders.rateLimit('r', { rate: 5, key: (order) => order.note })
  // @ts-expect-error -- a key function that is asynchronous
  orders.rateLimit('r', { rate: 5, key: async (order) => order.customer })
})

test('options that contradict each other do not compile', () => {
  expectTypeOf(orders.rateLimit('r', { rate: 5 })).toEqualTypeOf<Stream<Order, never>>()
  // @ts-expect-error -- no rate
  orders.rateLimit('r', {})
  // @ts-expect-error -- a leaky bucket has no burst
  orders.rateLimit('r', { algorithm: 'leaky-bucket', rate: 5, burst: 5 })
  // @ts-expect-error -- keys without a key
  orders.rateLimit('r', { rate: 5, keys: 5 })
  // @ts-expect-error -- a queue without a key
  orders.rateLimit('r', { rate: 5, queue: { records: 5 } })
  // @ts-expect-error -- nothing is lost
  orders.rateLimit('r', { rate: 5, lossy: true })
  // @ts-expect-error -- the first rate is not known
  orders.rateLimit('r', { rate: rates })
  // @ts-expect-error -- the rate is known
  orders.rateLimit('r', { rate: 5, initial: 5 })
  // @ts-expect-error -- a stream of texts
  orders.rateLimit('r', { rate: texts, initial: 5 })
  // @ts-expect-error -- not a duration
  orders.rateLimit('r', { rate: 5, per: '10 parsecs' })
})
