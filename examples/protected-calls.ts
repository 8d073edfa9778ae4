import { CallError, defineJob, generate, toJsonLines } from 'sluice'
import { z } from 'zod'

/**
 * A payment service is down for two seconds, and refuses one order in 500 for good. Retries and a circuit breaker let the stream wait meanwhile, so that nothing is lost and hardly anything is sent; what can never be paid is
 * dropped and counted. The service is made up: it lives in this file, and fails by the clock.
 */
export default defineJob(
  {
    name: 'protected-calls',
    params: z.object({
      orders: z.number().int().positive().default(2_000),
      output: z.string().default('paid.jsonl'),
    }),
  },
  (job, { orders, output }) => {
    const payments = job.dependency('payments', {
      concurrency: 16,
      circuitBreaker: { failures: 5, openFor: '500ms' },
      retryBudget: { share: 0.2, perSecond: 50 },
    })
    job
      .source(
        'orders',
        generate((index) => ({ id: index, amount: 1 + (index % 100) }), { count: orders, rate: 500 }),
      )
      .mapAsync('charge', async (order) => ({ ...order, receipt: await charge(order.id) }), {
        concurrency: 16,
        timeout: '2s',
        retry: { attempts: 'unlimited', delay: '50ms', delayMax: '1s' },
        dependency: payments,
        onError: 'drop',
      })
      .sink('paid', toJsonLines(output))
  },
)

let beganMs: number | undefined

async function charge(id: number): Promise<string> {
  beganMs ??= Date.now()
  await new Promise((resolve) => setTimeout(resolve, 5))
  const seconds = (Date.now() - beganMs) / 1000
  if (seconds > 1 && seconds < 3) throw new CallError('payments answered 503', { status: 503 })
  if (id % 500 === 7) throw new CallError('payments answered 422', { status: 422 })
  return `receipt ${id}`
}
