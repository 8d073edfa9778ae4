import { defineJob, forEach, generate } from 'sluice'
import { z } from 'zod'

/** A fast source, a keyed sum in the middle, and a sink that takes `delayMs` per record: the pressure must reach the source. */
export default defineJob(
  { name: 'slow-sink', params: z.object({ records: z.number().int().default(20_000), delayMs: z.number().default(1) }) },
  (job, { records, delayMs }) => {
    job
      .source(
        'numbers',
        generate((index) => ({ id: index, key: `k${index % 100}`, text: 'x'.repeat(index % 50) }), { count: records }),
      )
      .map((record) => ({ ...record, doubled: record.id * 2 }))
      .keyBy((record) => record.key)
      .reduce('sum', (left, right) => ({ ...right, doubled: left.doubled + right.doubled }))
      .sink(
        'slow',
        forEach(
          async () => {
            await new Promise((resolve) => setTimeout(resolve, delayMs))
          },
          { concurrency: 1 },
        ),
      )
  },
)
