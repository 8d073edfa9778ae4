/** What user code does behind the engine's back, on real workers. */
import { run } from '@sluice/runtime-workers'
import { expect, test } from 'vitest'
import { jobFile } from '../support/job-folder.js'

/** `statement` runs for record 5 of an endless source, in a worker. */
function jobThat(statement: string): string {
  return jobFile(`import { defineJob, discard, generate } from 'sluice'
export default defineJob({ name: 'odd', settings: { stuckAfterMs: 50, stopTimeoutMs: 100 } }, (job) => {
  job.source('numbers', generate((index) => index), { parallelism: 1 })
    .map((value) => {
      if (value === 5) ${statement}
      return value
    }, { name: 'odd-one' })
    .sink('out', discard())
})
`)
}

test.each([
  ['a rejection that nobody handles', "void Promise.reject(new Error('unseen'))", 'SLUICE_UNHANDLED_REJECTION', 'unseen'],
  ['a rejection with something that is no error', 'void Promise.reject({ odd: 1 })', 'SLUICE_UNHANDLED_REJECTION', 'odd'],
  ['an exception out of a timer', "setTimeout(() => { throw new Error('later') }, 0)", 'SLUICE_UNHANDLED_REJECTION', 'later'],
  ['process.exit', 'process.exit(3)', 'SLUICE_WORKER_EXITED', 'process.exit(3)'],
])('%s fails the job', async (_what, statement, code, message) => {
  await expect(run(jobThat(statement), { workers: 1 }).finished).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message) as string,
    coordinates: { job: 'odd' },
  })
})

test.each([
  ["void Promise.reject(new Error('unseen'))", 5],
  ["setTimeout(() => { throw new Error('later') }, 0)", 5],
  ['process.exit(3)', 5],
])('%s is told with its line', async (statement, line) => {
  const file = jobThat(statement)
  await expect(run(file, { workers: 1 }).finished).rejects.toMatchObject({
    message: expect.stringContaining(`(at ${file}:${line}:`) as string,
  })
})

test('a worker that runs out of memory fails the job and nothing else', async () => {
  const file = jobThat('{ const kept: unknown[] = []; for (;;) kept.push(new Array(100).fill(value)) }')
  await expect(run(file, { workers: 1, heap: { maxOldGenerationSizeMb: 32 } }).finished).rejects.toMatchObject({
    code: 'SLUICE_WORKER_OUT_OF_MEMORY',
    message: expect.stringContaining('odd-one') as string,
  })
})

test('an endless loop is reported once, and stop ends the job all the same', async () => {
  const handle = run(jobThat('for (;;) {}'), { workers: 1 })
  const reported: { operator: string; worker: number; forMs: number }[] = []
  handle.events.on('stuck', (stuck) => reported.push(stuck))
  await new Promise<void>((resolve) => handle.events.once('stuck', () => resolve()))
  await handle.stop()
  expect(await handle.finished).toMatchObject({ stopped: true, aborted: true })
  expect(reported).toEqual([expect.objectContaining({ operator: expect.stringContaining('odd-one') as string, subtask: 0, worker: 0 })])
  expect(reported[0]?.forMs).toBeGreaterThanOrEqual(50)
})

test('a failure elsewhere ends a job whose worker is in an endless loop', async () => {
  const file = jobFile(`import { defineJob, discard, generate } from 'sluice'
export default defineJob({ name: 'odd' }, (job) => {
  job.source('numbers', generate((index) => index), { parallelism: 2 })
    .map((value) => {
      if (value === 1) for (;;) {}
      if (value === 100_000) throw new Error('the first failure')
      return value
    })
    .sink('out', discard())
})
`)
  await expect(run(file, { workers: 2 }).finished).rejects.toMatchObject({
    message: expect.stringContaining('the first failure') as string,
  })
})
