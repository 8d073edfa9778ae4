// reminder.test.ts
import { testOperator } from '@sluice/testing'
import { type Stream, valueState } from '@sluice/operators'
import { expect, test } from 'vitest'

interface Order {
  readonly customer: string
  readonly amount: number
}

const reminder = (orders: Stream<Order, never>) =>
  orders
    .keyBy((order) => order.customer)
    .process('reminder', {
      state: { open: valueState<number>({ default: 0 }) },
      onRecord(order, context) {
        context.state.open.set(context.state.open.get() + order.amount)
        context.timers.processingTime.set(context.now() + 60_000)
      },
      onTimer: (_timer, context) => [{ customer: context.key, open: context.state.open.get() }],
    })

test('a customer is reminded after a minute', async () => {
  const operator = testOperator(reminder)
  await operator.push({ customer: 'ann', amount: 5 })
  await operator.advance('59s')
  expect(operator.take()).toEqual([])
  await operator.advance('2s')
  expect(operator.take()).toEqual([{ customer: 'ann', open: 5 }])
  await operator.end()
})
