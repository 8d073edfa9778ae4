import { defineJob, discard, generate } from '@sluice/operators'
import { run } from '@sluice/runtime-workers'

const job = defineJob({ name: 'odd' }, (job) => {
  job
    .source(
      'numbers',
      generate((index) => {
        if (index === 5) void Promise.reject(new Error('unseen'))
        return index
      }),
    )
    .sink('out', discard())
})
await run(job).finished.catch((error) => process.stdout.write(`${error.code} ${error.message.replace(/ \(at .*\)$/, '')}\n`))
process.stdout.write(`handlers: ${process.listenerCount('unhandledRejection')}\n`)
