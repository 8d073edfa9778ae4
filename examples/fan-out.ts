import { defineJob, forEach, generate } from 'sluice'

/** One source feeds twelve consumers of different speeds; by default the slowest sets the pace and no one loses a record. */
export default defineJob({ name: 'fan-out' }, (job) => {
  const ticks = job.source(
    'ticks',
    generate((index) => ({ id: index, at: index * 10 }), { count: 5_000 }),
  )
  for (let consumer = 0; consumer < 12; consumer++) {
    ticks
      .filter((tick) => tick.id % (consumer + 1) === 0, { name: `every-${consumer + 1}` })
      .sink(
        `consumer-${consumer}`,
        forEach(
          async () => {
            if (consumer > 8) await new Promise((resolve) => setTimeout(resolve, consumer - 8))
          },
          { concurrency: 4 },
        ),
      )
  }
})
