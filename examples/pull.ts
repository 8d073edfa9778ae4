import { defineJob, forEach, generate } from 'sluice'
import { z } from 'zod'

/** Print jobs for one scarce device: it asks for a job when it has taken the one before, and no job is made ready that it did not ask for. */
export default defineJob(
  {
    name: 'pull',
    params: z.object({ jobs: z.number().int().default(200), printMs: z.number().default(5) }),
    edges: { 'jobs -> device': { prefetch: 1 } },
  },
  (job, { jobs, printMs }) => {
    job
      .source(
        'jobs',
        generate((index) => ({ id: index, page: `page ${index}` }), { count: jobs }),
        { parallelism: 1 },
      )
      .sink(
        'device',
        forEach(
          async () => {
            await new Promise((resolve) => setTimeout(resolve, printMs))
          },
          { concurrency: 1 },
        ),
      )
  },
)
