/** A stop that what is in flight does not flow out of: its last checkpoint has it, where that may hold records in flight. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run, type RunHandle, type RunOptions } from '@sluice/runtime-workers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { jobFile } from '../support/job-folder.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-stop-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const COUNT = 40

/** Nothing is guarded: calls hang, in the order in which they began, from the third on. */
function start(options: RunOptions & { readonly hangs: boolean }): RunHandle<unknown> {
  const { hangs, ...rest } = options
  const file = jobFile(`import { defineJob, fromArray } from 'sluice'
    import { z } from 'zod'
    export default defineJob({ name: 'hanging', params: z.object({ hangs: z.boolean() }) }, (job, { hangs }) => ({
      out: job.source('ids', fromArray(Array.from({ length: ${COUNT} }, (_, id) => ({ id }))))
        .mapAsync('call', async (record, context) => {
          context.log.info('called ' + record.id)
          if (hangs && record.id >= 2) await new Promise(() => {})
          return record
        }, { concurrency: 3 }),
    }))`)
  return run(file, {
    params: { hangs },
    workers: 1,
    parallelism: 1,
    collect: true,
    checkpoint: { directory, interval: '1h' },
    settings: { stopTimeoutMs: 150 },
    ...rest,
  })
}

/** A call hangs. */
const hung = (handle: RunHandle<unknown>): Promise<void> =>
  new Promise((resolve) => handle.events.on('log', ({ message }) => void (message === 'called 4' && resolve())))

const idsOf = (outputs: unknown): unknown => (outputs as { readonly out: readonly { readonly id: number }[] }).out.map(({ id }) => id)

test('calls that hang beyond the limit are in the last checkpoint, and are made again', async () => {
  // The checkpoint has as long again, and the disk may be busy.
  const handle = start({ hangs: true, settings: { stopTimeoutMs: 3_000 } })
  await hung(handle)
  await handle.stop()
  const first = await handle.finished
  expect(first).toMatchObject({ stopped: true, aborted: false, checkpoints: { last: { final: 'stopped', mode: 'unaligned' } } })
  expect(first.unfinished).toMatchObject({ calls: 3 })
  expect(idsOf(first.outputs)).toEqual([0, 1])
  const second = await start({ hangs: false, restore: 'latest' }).finished
  expect(second).toMatchObject({ stopped: false, unfinished: undefined })
  expect(idsOf(second.outputs)).toEqual(Array.from({ length: COUNT - 2 }, (_none, at) => at + 2))
})

test('where everything shall flow out, what does not is given up', async () => {
  const handle = start({ hangs: true })
  await hung(handle)
  await handle.drain()
  expect(await handle.finished).toMatchObject({ aborted: true, unfinished: undefined })
})

test('a savepoint takes no records in flight: it fails, and they are given up', async () => {
  const handle = start({ hangs: true })
  await hung(handle)
  await expect(handle.savepoint({ stop: true })).rejects.toMatchObject({ code: 'SLUICE_SAVEPOINT_FAILED' })
  expect(await handle.finished).toMatchObject({ aborted: true, unfinished: undefined })
})
