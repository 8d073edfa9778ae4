import { defineJob, generate, toJsonLines } from 'sluice'
import { z } from 'zod'

/**
 * A few customers send far more than the others. Each may send 20 requests a second and 5 at once: those of the busy ones wait in a bounded queue, or are
 * dropped (`--param onLimit=drop`), and the others do not notice.
 */
export default defineJob(
  {
    name: 'rate-limit',
    params: z.object({
      seconds: z.number().positive().default(5),
      onLimit: z.enum(['hold', 'drop']).default('drop'),
      output: z.string().default('requests.jsonl'),
    }),
  },
  (job, { seconds, onLimit, output }) => {
    const requests = job.source(
      'requests',
      // 500 a second: every second one is of customer 0.
      generate((index) => ({ id: index, customer: index % 2 === 0 ? 0 : index % 50 }), { rate: 500, count: Math.round(500 * seconds) }),
    )
    const limit = { rate: 20, burst: 5, key: (request: { readonly customer: number }) => request.customer, keys: 1_000 }
    if (onLimit === 'hold') {
      requests.rateLimit('fair', { ...limit, queue: { records: 500 } }).sink('out', toJsonLines(output))
      return
    }
    const limited = requests.rateLimit('fair', { ...limit, onLimit: 'drop' })
    limited.sink('out', toJsonLines(output))
    limited.dropped.sink('refused', toJsonLines(`${output}.refused`))
  },
)
