/** Records that are due at twice the pace of their consumer, with a policy in between. */
import { defineJob, forEach, generate } from 'sluice'
import { z } from 'zod'
import { sharedClock } from '../harness/shared-clock.js'
import { work } from '../records/busy-work.js'
import { noteLatency } from '../records/latency-histogram.js'

const KEYS = 1_000
const PRIORITIES = 10
const QUEUE_RECORDS = 5_000

export const overloadPolicies = ['none', 'drop-newest', 'drop-oldest', 'sample', 'priority', 'latest', 'spill'] as const

const params = z.object({
  policy: z.enum(overloadPolicies),
  /** Records per second; 0: as many as are taken. */
  rate: z.number(),
  rounds: z.number(),
  histogram: z.instanceof(SharedArrayBuffer),
  /** For what is spilled. */
  directory: z.string(),
})

export default defineJob({ name: 'bench-overload', params }, (job, { policy, rate, rounds, histogram, directory }) => {
  const clock = sharedClock()
  let startMs = Number.NaN
  const records = job
    .source(
      'source',
      generate(
        (index) => {
          // When it was due, whether or not the source came to it then.
          const sinceMs = rate > 0 ? (index * 1000) / rate : 0
          if (Number.isNaN(startMs)) startMs = clock() - sinceMs
          return {
            index,
            dueMs: startMs + sinceMs,
            startMs,
            key: index % KEYS,
            priority: index % PRIORITIES,
            value: index * 0.5,
          }
        },
        rate > 0 ? { rate } : {},
      ),
    )
    .rebalance()
  type Due = { key: number; priority: number }
  const kept =
    policy === 'none'
      ? records
      : policy === 'sample'
        ? records.shed('shed', { policy, keep: 0.5, records: QUEUE_RECORDS })
        : policy === 'priority'
          ? records.shed('shed', { policy, priority: (due: Due) => due.priority, records: QUEUE_RECORDS })
          : policy === 'latest'
            ? records.shed('shed', { policy, key: (due: Due) => due.key, records: QUEUE_RECORDS })
            : policy === 'spill'
              ? records.shed('shed', { policy, directory, diskBytes: '1gb', records: QUEUE_RECORDS })
              : records.shed('shed', { policy, records: QUEUE_RECORDS })
  const words = new Int32Array(histogram)
  let seed = 1
  kept.rebalance().sink(
    'consumer',
    forEach((due) => {
      seed = work(rounds, seed)
      const nowMs = clock()
      noteLatency(words, Math.floor((nowMs - due.startMs) / 1000), nowMs - due.dueMs)
    }),
  )
})
