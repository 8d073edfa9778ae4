import { defineJob, generate, toJsonLines, valueState } from 'sluice'
import { z } from 'zod'

const params = z.object({
  orders: z.int().default(200_000),
  /** Orders per second. */
  rate: z.number().default(10_000),
  output: z.string().default('receipts/'),
})

/**
 * Numbers the orders of each customer and adds them up. Kill it with `kill -9` and go on with `--restore latest`: every customer's receipts are
 * numbered 1, 2, 3, ... without a gap and without a repetition, and each of them is in one part of the output, which appears when a checkpoint is complete.
 */
export default defineJob(
  { name: 'orders-exactly-once', params, checkpoint: { interval: '1s', directory: 'checkpoints' } },
  (job, { orders, rate, output }) => {
    job
      .source(
        'orders',
        generate((id) => ({ id, customer: `customer-${id % 500}`, cents: 100 + ((id * 7_919) % 10_000) }), { count: orders, rate }),
      )
      .keyBy((order) => order.customer)
      .process('receipts', {
        state: { issued: valueState<number>({ default: 0 }), spentCents: valueState<number>({ default: 0 }) },
        onRecord(order, context) {
          const { issued, spentCents } = context.state
          issued.set(issued.get() + 1)
          spentCents.set(spentCents.get() + order.cents)
          return [{ customer: order.customer, receipt: issued.get(), order: order.id, spentCents: spentCents.get() }]
        },
      })
      .sink('out', toJsonLines(output))
  },
)
