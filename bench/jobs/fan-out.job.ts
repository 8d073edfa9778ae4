/** One source, as many consumers as there are speeds, each behind an edge of its own; in front of the slow ones nothing, or a policy that sheds. */
import { defineJob, forEach, generate } from 'sluice'
import { z } from 'zod'
import { numbers64 } from '../records/numbers.js'
import { pacedConsumer } from '../records/paced-consumer.js'

const KEYS = 256
const QUEUE_RECORDS = 256

const params = z.object({
  mode: z.enum(['lossless', 'latest', 'drop-oldest', 'sample']),
  /** Records per second of each consumer; the first one is never shed. */
  rates: z.array(z.number()),
  /** Int32: 1 once the last consumer takes nothing any more. */
  stalled: z.instanceof(SharedArrayBuffer),
})

export default defineJob({ name: 'bench-fan-out', params }, (job, { mode, rates, stalled }) => {
  const words = new Int32Array(stalled)
  const source = job.source(
    'source',
    generate((index) => ({ key: index % KEYS, record: numbers64.make(index) })),
  )
  rates.forEach((rate, consumer) => {
    const isLast = consumer > 0 && consumer === rates.length - 1
    const branch = source.rebalance()
    const policy =
      mode === 'latest'
        ? ({ policy: 'latest', key: (each: { key: number }) => each.key, records: QUEUE_RECORDS } as const)
        : mode === 'drop-oldest'
          ? ({ policy: 'drop-oldest', records: QUEUE_RECORDS } as const)
          : ({ policy: 'sample', keep: 0.1, records: QUEUE_RECORDS } as const)
    const kept = mode === 'lossless' || consumer === 0 ? branch : branch.shed(`shed${consumer}`, policy)
    kept.sink(
      `consumer${consumer}`,
      forEach(
        pacedConsumer(rate, () => isLast && words[0] === 1),
        { concurrency: 1 },
      ),
    )
  })
})
