// totals.ts
import { count, defineJob, fromJsonLines, sum, toJsonLines, tumbling } from '@sluice/operators'
import { z } from 'zod'

const Order = z.object({ id: z.int(), customer: z.string(), amount: z.number(), at: z.number() })

export default defineJob({ name: 'totals' }, (job) => {
  const hourly = job
    .source('orders', fromJsonLines('orders.jsonl', { schema: Order }))
    .withTimestamps((order) => order.at, { outOfOrderness: '10s' })
    .keyBy((order) => order.customer)
    .window(tumbling('1h'))
    .aggregate('hourly', { orders: count(), amount: sum((order) => order.amount) })
  hourly.sink('out', toJsonLines('hourly.jsonl'))
  return { hourly }
})
