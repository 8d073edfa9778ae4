/** An attempt that does not come as far as its threads. */
import { type CheckpointStorage, Command, planJob, resolveSettings } from '@sluice/engine'
import { defineJob, discard, fromArray } from '@sluice/operators'
import { afterEach, expect, test, vi } from 'vitest'
import { Deployment } from '../../src/coordinator/deployment.js'

afterEach(() => {
  vi.useRealTimers()
})

test('leaves no timer behind that keeps the process alive, where it was stopped and its checkpoints cannot be read', async () => {
  const graph = defineJob({ name: 'stopped' }, (job) => {
    job.source('in', fromArray([1])).sink('out', discard())
  }).declare({}, { collect: false })
  const settings = resolveSettings({ ...graph.settings, checkpoint: { directory: 'none' } }, { cores: 1, workers: 0 })
  const storage = { list: () => Promise.reject(new Error('no such disk')) } as unknown as CheckpointStorage
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const deployment = new Deployment({
    graph,
    plan: planJob(graph, settings),
    settings,
    cores: 1,
    overwrite: false,
    host: {} as never,
    module: undefined,
    pool: undefined,
    checkpoints: {
      run: { id: 'run', attempt: 1, restoredCheckpoint: 0 },
      restore: undefined,
      storage,
      params: {},
      version: '0',
      afterId: 0,
      onEvent: () => {},
    },
    onStarted: () => {},
    onLog: () => {},
    onUserMetrics: () => {},
  })
  deployment.end(Command.stop)
  expect(vi.getTimerCount()).toBeGreaterThan(0)
  await expect(deployment.run()).rejects.toThrow('no such disk')
  expect(vi.getTimerCount()).toBe(0)
})
