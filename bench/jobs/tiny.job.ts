/** As small as a job gets. Its first record tells the time, on standard output and past everything else. */
import { defineJob, forEach, generate } from 'sluice'
import { writeSync } from 'node:fs'

export default defineJob({ name: 'bench-tiny' }, (job) => {
  job
    .source(
      'one',
      generate((id) => ({ id }), { count: 1 }),
    )
    .sink(
      'tell',
      forEach(() => {
        writeSync(1, `first record at ${performance.timeOrigin + performance.now()}\n`)
      }),
    )
})
