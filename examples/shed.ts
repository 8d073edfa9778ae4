import { defineJob, forEach, generate, print, type ShedPolicy } from 'sluice'
import { z } from 'zod'

interface Reading {
  readonly number: number
  readonly sensor: string
}

/** Sensors that send twice what a dashboard takes. Which readings it shows is a question of the policy; what it does not show is counted. */
const policies: Readonly<Record<'latest' | 'drop-oldest' | 'sample', ShedPolicy<Reading>>> = {
  // One reading per sensor waits, the newest: the dashboard never shows an old one.
  latest: { policy: 'latest', key: ({ sensor }) => sensor },
  // The last hundred readings wait, whoever sent them.
  'drop-oldest': { policy: 'drop-oldest', records: 100, time: '1s' },
  // Half of the sensors, each with all of its readings.
  sample: { policy: 'sample', keep: 0.5, records: 100, by: ({ sensor }) => sensor },
}

export default defineJob(
  {
    name: 'shed',
    // What is on its way to the dashboard can no longer be shed: it asks for a few readings at a time.
    edges: { 'shown -> dashboard': { prefetch: 16 } },
    params: z.object({
      policy: z.enum(['latest', 'drop-oldest', 'sample']).default('latest'),
      readings: z.number().int().default(5_000),
      delayMs: z.number().default(1),
    }),
  },
  (job, { policy, readings, delayMs }) => {
    const shown = job
      .source(
        'readings',
        generate((index): Reading => ({ number: index, sensor: `s${index % 20}` }), { count: readings, rate: 2_000 }),
        { parallelism: 1 },
      )
      .shed('shown', policies[policy], { parallelism: 1 })
    shown.sink(
      'dashboard',
      forEach(() => new Promise((resolve) => setTimeout(resolve, delayMs)), { concurrency: 1 }),
    )
    shown.dropped.filter(({ number }) => number % 500 === 0).sink('some-dropped', print())
  },
)
