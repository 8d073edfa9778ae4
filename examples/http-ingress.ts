import { count, defineJob, fromHttp, sum, toJsonLines } from 'sluice'
import { z } from 'zod'

const Order = z.object({ id: z.string(), customer: z.string(), amount: z.number() })

/**
 * Orders that are sent over HTTP, with running totals of each customer in a file. Two paths of one port: orders, and lines of text from somebody else's log. A client is
 * answered when the job has his records, and with 429 while it has no room for them.
 */
export default defineJob(
  {
    name: 'http-ingress',
    params: z.object({
      port: z.coerce.number().default(8080),
      output: z.string().default('totals.jsonl'),
      lines: z.string().default('lines.jsonl'),
      /** Who knows it may send: `--param token=...`. Without it everybody on this machine may. */
      token: z.string().optional().meta({ secret: true }),
    }),
  },
  (job, { port, output, lines, token }) => {
    job
      .source('orders', fromHttp({ port, path: '/orders', schema: Order, token, queue: { records: 5_000 } }))
      .keyBy((order) => order.customer)
      .aggregate('totals', { orders: count(), amount: sum((order) => order.amount) })
      .sink('out', toJsonLines(output))
    job
      .source('log', fromHttp({ port, path: '/log', format: 'lines', token }))
      .filter((line) => line.includes('ERROR'))
      .sink('errors', toJsonLines(lines))
  },
)
