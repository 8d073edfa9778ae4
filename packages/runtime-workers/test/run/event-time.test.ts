import type { IdleInput, StalledWatermark } from '@sluice/engine'
import { defineJob, discard, fromArray, tumbling } from '@sluice/operators'
import { run } from '@sluice/runtime-workers'
import { expect, test } from 'vitest'
import { jobFile } from '../support/job-folder.js'

/** Ticks now and then, and in between it is idle; beside it a bounded source that never comes on. */
const SILENT = `
  import { defineJob, defineSource, discard, interval, tumbling } from 'sluice'
  const waits = (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }))
  const stuck = defineSource({
    splits: () => ['a', 'b', 'c'],
    open: (split, { signal }) => ({ next: () => (given++ === 0 ? [0] : waits(signal)) }),
    bounded: true,
  })
  let given = 0
  export default defineJob({ name: 'silent' }, (job) => {
    const rare = job.source('rare', interval('400ms')).withTimestamps((tick) => tick * 1000, { idleAfter: '100ms' })
    const often = job.source('often', interval('2ms')).withTimestamps((tick) => tick)
    const held = job.source('held', stuck, { parallelism: 1 }).withTimestamps((tick) => tick)
    rare.union(often, held).keyBy((tick) => tick % 3).window(tumbling('1s')).reduce('windows', (left) => left).sink('out', discard())
  })`

test('a silent source is told as idle, then as active; a watermark that stands still with the split that holds it', async () => {
  const handle = run(jobFile(SILENT), { workers: 2, report: '30ms' })
  const told: [string, IdleInput | StalledWatermark][] = []
  handle.events.on('idle', (input) => told.push(['idle', input])).on('active', (input) => told.push(['active', input]))
  const active = new Promise((resolve) => handle.events.once('active', resolve))
  const stalled = new Promise((resolve) => handle.events.once('stalled', resolve))
  await Promise.race([active, handle.finished])
  expect(told.slice(0, 2)).toMatchObject([
    ['idle', { operator: 'rare', subtask: 0, split: undefined }],
    ['active', { operator: 'rare', subtask: 0 }],
  ])
  expect(await Promise.race([stalled, handle.finished])).toMatchObject({
    operator: 'windows',
    watermark: Number.NEGATIVE_INFINITY,
    heldBy: { operator: 'held', subtask: 0, split: 0, unopenedSplits: 2 },
  })
  await handle.stop()
  expect(told.filter(([, { operator }]) => operator !== 'rare')).toEqual([])
})

test('late records are counted per operator', async () => {
  const job = defineJob({ name: 'late' }, (job) => {
    job
      .source('times', fromArray([{ at: 500 }, { at: 2500 }, { at: 700 }, { at: 800 }, { at: 2600 }]))
      .withTimestamps(({ at }) => at, { perRecord: true })
      .keyBy(() => 'all')
      .window(tumbling('1s'))
      .reduce('windows', (left) => left)
      .sink('out', discard())
  })
  const { totals } = await run(job).finished
  expect(totals.late).toEqual([{ operator: 'windows', lateRecords: 2, added: 2 }])
  expect(totals.subtasks.reduce((sum, { lateRecords }) => sum + lateRecords, 0)).toBe(2)
})
