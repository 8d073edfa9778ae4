/** Operators fed by hand. */
import { count, type Stream, tumbling, valueState } from '@sluice/operators'
import { expect, test } from 'vitest'
import { testOperator } from '../../src/index.js'

interface Order {
  readonly customer: string
  readonly amount: number
}

test('keyed state and timers of processing time', async () => {
  const harness = testOperator((orders: Stream<Order, never>) =>
    orders
      .keyBy(({ customer }) => customer)
      .process('total', {
        state: { total: valueState<number>({ default: 0 }) },
        onRecord({ amount }, context) {
          context.state.total.set(context.state.total.get() + amount)
          context.timers.processingTime.set(context.now() + 60_000)
        },
        onTimer: (_timer, context) => [{ customer: context.key, total: context.state.total.get() }],
      }),
  )
  await harness.push({ customer: 'ann', amount: 5 })
  await harness.push({ customer: 'ann', amount: 7 })
  expect(harness.take()).toEqual([])
  await harness.advance('10s')
  expect(harness.take()).toEqual([])
  await harness.advance('2m')
  expect(harness.take().at(-1)).toEqual({ customer: 'ann', total: 12 })
  await harness.end()
})

test('windows fire with the watermark', async () => {
  const harness = testOperator((orders: Stream<Order, never>) =>
    orders
      .keyBy(({ customer }) => customer)
      .window(tumbling('1s'))
      .aggregate('per-second', { orders: count() }),
  )
  await harness.push({ customer: 'ann', amount: 1 }, 100)
  await harness.push({ customer: 'ann', amount: 1 }, 1_200)
  await harness.watermark(998)
  expect(harness.take()).toEqual([])
  await harness.watermark(999)
  expect(harness.take()).toEqual([{ key: 'ann', window: { start: 0, end: 1_000 }, orders: 1 }])
  await harness.end()
  expect(harness.take()).toEqual([{ key: 'ann', window: { start: 1_000, end: 2_000 }, orders: 1 }])
})

test('what the operator throws is what the next call fails with', async () => {
  const harness = testOperator((orders: Stream<Order, never>) =>
    orders.map((): Order => {
      throw new RangeError('no orders')
    }),
  )
  await expect(harness.push({ customer: 'ann', amount: 1 })).rejects.toThrow('no orders')
})
