/** A checkpoint that takes longer than a report interval: the reports say who has not acknowledged and what stands in front of the barriers. */
import type { CheckpointCompleted, CheckpointUnderWay } from '@sluice/engine'
import { defineJob, forEach, generate } from '@sluice/operators'
import { run } from '@sluice/runtime-workers'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

test('says in every report how far it has come, until it is complete', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-progress-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  let release: () => void = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const job = defineJob({ name: 'held-up' }, (builder) => {
    builder
      .source(
        'numbers',
        generate((index) => ({ index })),
      )
      .map((record) => record)
      .sink(
        'out',
        forEach(() => released),
      )
  })
  const handle = run(job, { checkpoint: { interval: 20, mode: 'aligned', directory }, report: 60, settings: { chaining: false } })
  const progress: CheckpointUnderWay[] = []
  const completed = new Promise<CheckpointCompleted>((resolve) => {
    handle.events.on('checkpoint', (event) => {
      if (event.type === 'checkpoint.completed') resolve(event)
      if (event.type !== 'checkpoint.progress') return
      progress.push(event)
      if (progress.length === 2) release()
    })
  })
  const { id, startDelayMs, durationMs } = await completed
  await handle.stop()
  await handle.finished
  const [first, second] = progress
  expect(first).toMatchObject({ id, purpose: 'periodic', mode: 'aligned' })
  expect(second?.sinceMs).toBeGreaterThan(first?.sinceMs ?? Number.NaN)
  expect(first?.sinceMs).toBeGreaterThanOrEqual(60)
  expect(second?.missing).toContain('out (subtask 0)')
  expect(second?.missing).toHaveLength(second?.subtasks.length ?? Number.NaN)
  expect(second?.ahead.map(({ edge }) => edge)).toContain('map -> out')
  expect(second?.ahead.every(({ bytes }) => bytes > 0)).toBe(true)
  // The barrier waited for what stood in front of it, all that time.
  expect(startDelayMs).toBeGreaterThanOrEqual(second?.sinceMs ?? Number.NaN)
  expect(startDelayMs).toBeLessThanOrEqual(durationMs)
})
