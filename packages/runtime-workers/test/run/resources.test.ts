import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineJob, forEach, generate } from '@sluice/operators'
import { run } from '@sluice/runtime-workers'
import { expect, test } from 'vitest'
import { jobFolder } from '../support/job-folder.js'

function jobWithResource(events: string[], { failAt = -1, open = 'works', close = 'works' } = {}): ReturnType<typeof defineJob> {
  return defineJob({ name: 'resources' }, (job) => {
    const first = job.resource('first', {
      open: () => events.push('open first'),
      close: () => {
        events.push('close first')
        if (close === 'fails') throw new Error('does not close')
      },
    })
    const second = job.resource('second', {
      open: async () => {
        if (open === 'fails') throw new Error('does not open')
        events.push('open second')
        return { use: (value: number) => events.push(`use ${value}`) }
      },
      close: () => void events.push('close second'),
    })
    job
      .source(
        'numbers',
        generate((index) => index, { count: 2 }),
      )
      .sink(
        'out',
        forEach((value, context) => {
          if (value === failAt) throw new Error('record fails')
          expect(context.use(first)).toBe(1)
          context.use(second).use(value)
        }),
      )
  }) as ReturnType<typeof defineJob>
}

test('resources are open before the first record and closed after the last, in reverse', async () => {
  const events: string[] = []
  await run(jobWithResource(events)).finished
  expect(events).toEqual(['open first', 'open second', 'use 0', 'use 1', 'close second', 'close first'])
})

test('they are closed where the job fails', async () => {
  const events: string[] = []
  await expect(run(jobWithResource(events, { failAt: 1 })).finished).rejects.toMatchObject({
    message: expect.stringContaining('record fails') as string,
  })
  expect(events.slice(-2)).toEqual(['close second', 'close first'])
})

test('one that does not open fails the job; those before it are closed', async () => {
  const events: string[] = []
  await expect(run(jobWithResource(events, { open: 'fails' })).finished).rejects.toMatchObject({
    code: 'SLUICE_RESOURCE_FAILED',
    message: expect.stringMatching(
      /^resource "second" could not be opened: Error: does not open \(at .*resources\.test\.ts:\d+:\d+\)$/,
    ) as string,
    coordinates: { job: 'resources', declaredAt: expect.stringContaining('resources.test.ts') as string },
  })
  expect(events).toEqual(['open first', 'close first'])
})

test('one that does not close fails a job that went well, and is no excuse for one that did not', async () => {
  await expect(run(jobWithResource([], { close: 'fails' })).finished).rejects.toMatchObject({ code: 'SLUICE_RESOURCE_FAILED' })
  await expect(run(jobWithResource([], { close: 'fails', failAt: 0 })).finished).rejects.toMatchObject({
    message: expect.stringContaining('record fails') as string,
  })
})

test('each worker that hosts a user of it opens its own', async () => {
  const folder = jobFolder({
    'job.ts': `
      import { appendFileSync } from 'node:fs'
      import { defineJob, forEach, generate } from 'sluice'
      const write = (line: string): void => appendFileSync(new URL('./log.txt', import.meta.url), line + '\\n')
      export default defineJob({ name: 'pools' }, (job) => {
        const pool = job.resource('pool', { open: ({ worker }) => { write('open ' + worker); return worker }, close: (worker) => write('close ' + worker) })
        job.source('numbers', generate((index) => index, { count: 100 })).rebalance()
          .sink('out', forEach((_value, context) => { if (context.use(pool) !== context.subtask.index) throw new Error('of another worker') }, { concurrency: 2 }))
      })`,
  })
  await run(join(folder, 'job.ts'), { workers: 2 }).finished
  const lines = readFileSync(join(folder, 'log.txt'), 'utf8').trim().split('\n')
  expect(lines.slice(0, 2).sort()).toEqual(['open 0', 'open 1'])
  expect(lines.slice(2).sort()).toEqual(['close 0', 'close 1'])
})
