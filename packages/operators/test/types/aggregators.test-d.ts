/** Results of approximate aggregates and of reductions that wait are typed without annotations. */
import { expectTypeOf, test } from 'vitest'
import { approxDistinct, quantiles, type RunningReduceOptions, type Stream } from '../../src/index.js'

interface Order {
  readonly id: number
  readonly name: string
}

declare const orders: Stream<Order, 'no timestamps'>
declare const shares: readonly number[]

test('approximate aggregates', () => {
  const stats = orders
    .keyBy((order) => order.name)
    .aggregate('a', {
      customers: approxDistinct((order) => order.name, { error: 0.02 }),
      spread: quantiles((order) => order.id, [0.5, 0.99]),
      asked: quantiles((order) => order.id, shares, { error: 0.001 }),
    })
  expectTypeOf(stats).branded.toEqualTypeOf<
    Stream<
      {
        readonly key: string
        readonly customers: number
        readonly spread: readonly [number, number]
        readonly asked: readonly number[]
      },
      'no timestamps'
    >
  >()
  // @ts-expect-error -- quantiles are those of numbers
  orders.keyBy((order) => order.id).aggregate('b', { spread: quantiles((order) => order.name, [0.5]) })
  // @ts-expect-error -- there is no such field
  orders.keyBy((order) => order.id).aggregate('c', { customers: approxDistinct((order) => order.customer) })
})

test('reductions that wait', () => {
  const options: RunningReduceOptions = { emit: '10s', parallelism: 2 }
  const keyed = orders.keyBy((order) => order.name)
  expectTypeOf(keyed.reduce('r', (left) => left, options)).toEqualTypeOf<Stream<Order, 'no timestamps'>>()
  // @ts-expect-error -- when to emit
  keyed.reduce('s', (left) => left, { emit: 'sometimes' })
})
