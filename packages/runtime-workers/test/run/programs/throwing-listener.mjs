import { defineJob, generate } from '@sluice/operators'
import { run } from '@sluice/runtime-workers'

process.on('uncaughtException', (error) => process.stdout.write(`uncaught: ${error.message}\n`))
const handle = run(
  defineJob({ name: 'small' }, (job) => ({
    numbers: job.source(
      'numbers',
      generate((index) => index, { count: 3 }),
    ),
  })),
)
handle.events.on('started', () => {
  throw new Error('of a listener')
})
const { outputs } = await handle.finished
process.stdout.write(`outputs: ${outputs.numbers.length}\n`)
