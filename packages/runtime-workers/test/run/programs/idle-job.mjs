import { defineJob, forEach, generate } from '@sluice/operators'
import { run } from '@sluice/runtime-workers'

const taken = []
const job = defineJob({ name: 'idle' }, (job) => {
  job
    .source(
      'numbers',
      generate((index) => index, { count: 3, rate: 20 }),
    )
    .sink(
      'out',
      forEach((value) => void taken.push(value)),
    )
})
const handle = run(job)
handle.events.on('finished', () => process.stdout.write(`took ${taken.join(', ')}\n`))
process.on('exit', () => process.stdout.write('ended\n'))
