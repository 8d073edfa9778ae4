import { describe, expect, test } from 'vitest'
import { checkpointFolder } from '../../../src/checkpoint/checkpoint-layout.js'
import type { CheckpointCompleted, CheckpointFailed } from '../../../src/checkpoint/coordinator/checkpoint-event.js'
import { SluiceError } from '../../../src/errors/sluice-error.js'
import { CoordinatorBench, plan } from '../../support/coordinator-bench.js'
import { MemoryStorage } from '../../support/memory-storage.js'

const full = new SluiceError('SLUICE_CHECKPOINT_STORAGE', 'no space left on device')

async function started(options: ConstructorParameters<typeof CoordinatorBench>[0] = {}): Promise<CoordinatorBench> {
  const bench = await new CoordinatorBench(options).open()
  bench.coordinator.start()
  return bench
}

async function complete(bench: CoordinatorBench): Promise<void> {
  bench.acknowledgeAll()
  await bench.settle()
}

/** What a promise is rejected with. */
function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

function failuresOf(bench: CoordinatorBench): CheckpointFailed[] {
  return bench.events.filter((event) => event.type === 'checkpoint.failed')
}

describe('periodic checkpoints', () => {
  test('begin an interval after the start, and an interval after the one before began', async () => {
    const bench = await started()
    await bench.advance(999)
    expect(bench.words).toEqual([])
    await bench.advance(1)
    expect(bench.words).toEqual(['trigger 1 aligned'])
    await bench.advance(400)
    await complete(bench)
    await bench.advance(599)
    expect(bench.words).toEqual(['trigger 1 aligned', 'completed 1'])
    await bench.advance(1)
    expect(bench.words.at(-1)).toBe('trigger 2 aligned')
  })

  test('wait for a slow one, and pause behind it', async () => {
    const bench = await started()
    await bench.advance(5_500)
    expect(bench.words).toEqual(['trigger 1 aligned'])
    await complete(bench)
    await bench.advance(99)
    expect(bench.words).toHaveLength(2)
    await bench.advance(1)
    expect(bench.words.at(-1)).toBe('trigger 2 aligned')
  })

  test('say what they cost', async () => {
    const bench = await started()
    await bench.advance(1_000)
    await bench.advance(250)
    await complete(bench)
    const [completed] = bench.events.filter((event) => event.type === 'checkpoint.completed') as [CheckpointCompleted]
    expect(completed).toMatchObject({
      id: 1,
      purpose: 'periodic',
      final: undefined,
      mode: 'aligned',
      durationMs: 250,
      startDelayMs: 1,
      alignmentMs: 2,
      syncMs: 3,
      asyncMs: 4,
      slowestSubtask: 'out (subtask 1)',
      path: 'memory:/test/run/chk-1',
    })
    expect(completed.bytes).toBe(plan.subtasks.length * 'state of 0 at 1'.length)
  })

  test('are published with everything that a restore needs', async () => {
    const bench = await started()
    await bench.advance(1_000)
    await complete(bench)
    const manifest = bench.manifestOf(1)
    expect(manifest).toMatchObject({
      job: 'test',
      run: 'run',
      attempt: 1,
      id: 1,
      kind: 'checkpoint',
      mode: 'aligned',
      params: { limit: 3 },
    })
    expect(manifest?.operators.map(({ name, kind, inputs }) => [name, kind, inputs])).toEqual([
      ['numbers', 'source', []],
      ['double', 'map', ['numbers']],
      ['out', 'sink', ['double']],
    ])
    expect(manifest?.tasks.flatMap((task) => task.subtasks.flatMap(({ files }) => files.map(({ path }) => path)))).toEqual(
      plan.tasks.flatMap((task) => task.subtasks.map((id) => `state-${id}-1.bin`)),
    )
  })

  test('keep the newest ones, and remove what others left', async () => {
    const bench = await started()
    for (let count = 0; count < 4; count++) {
      await bench.advance(1_000)
      await complete(bench)
    }
    expect(bench.restorable()).toEqual([3, 4])
    expect([...bench.storage.files.keys()].some((path) => /chk-[12]\//.test(path))).toBe(false)
  })

  test('name who has not acknowledged', async () => {
    const bench = await started()
    await bench.advance(1_000)
    for (const { id } of plan.subtasks.slice(1)) bench.acknowledge(1, id)
    await bench.advance(10)
    expect(bench.coordinator.progress).toMatchObject({ id: 1, sinceMs: 10, missing: ['numbers (subtask 0)'] })
  })
})

describe('overtaking', () => {
  test('follows on the aligned timeout, and the manifest says unaligned', async () => {
    const bench = await started({ settings: { alignedTimeoutMs: 300 } })
    await bench.advance(1_299)
    expect(bench.words).toEqual(['trigger 1 aligned'])
    await bench.advance(1)
    expect(bench.words).toEqual(['trigger 1 aligned', 'overtake 1'])
    await complete(bench)
    expect(bench.manifestOf(1)?.mode).toBe('unaligned')
  })

  test('does not follow where all have acknowledged in time, nor for savepoints', async () => {
    const bench = await started({ settings: { alignedTimeoutMs: 300, mode: 'aligned' } })
    await bench.advance(1_000)
    await complete(bench)
    void bench.coordinator.savepoint()
    await bench.advance(600)
    expect(bench.words).toEqual(['trigger 1 aligned', 'completed 1', 'trigger 2 aligned'])
  })
})

describe('failure', () => {
  test('a timeout gives the checkpoint up, removes its files and names who was late', async () => {
    const bench = await started()
    await bench.advance(1_000)
    for (const { id } of plan.subtasks.slice(1)) bench.acknowledge(1, id)
    await bench.advance(10_000)
    expect(bench.words).toEqual(['trigger 1 aligned', 'abort 1', 'trigger 2 aligned'].slice(0, bench.words.length))
    expect(failuresOf(bench)).toMatchObject([{ id: 1, reason: 'timeout', consecutive: 1, missing: ['numbers (subtask 0)'] }])
    expect([...bench.storage.files.keys()]).toEqual([])
    bench.acknowledge(1, 0)
    await bench.settle()
    expect(bench.completedIds).toEqual([])
  })

  test('a declined one is tried again, later and later, until it works', async () => {
    const bench = await started({ settings: { intervalMs: 10 } })
    const beginnings: number[] = []
    for (let count = 0; count < 12; count++) {
      while (bench.inFlight === undefined) await bench.advanceToTimer()
      beginnings.push(bench.nowMs)
      bench.coordinator.report({ type: 'declined', id: bench.inFlight, subtask: 0, error: full })
      await bench.settle()
    }
    const pauses = beginnings.slice(1).map((at, index) => at - (beginnings[index] as number))
    expect(pauses).toEqual([75, 150, 300, 600, 1200, 2400, 4800, 7500, 7500, 7500, 7500])
    expect(failuresOf(bench).at(-1)).toMatchObject({ reason: 'declined', consecutive: 12, error: full })
    while (bench.inFlight === undefined) await bench.advanceToTimer()
    await complete(bench)
    expect(bench.completedIds).toEqual([13])
    await bench.advance(10)
    expect(bench.inFlight).toBe(14)
  })

  test('a manifest that cannot be written is tried again within the checkpoint', async () => {
    const bench = await started()
    await bench.advance(1_000)
    let failures = 0
    bench.storage.gate = (operation) => (operation === 'publish' && failures++ < 3 ? Promise.reject(full) : undefined)
    await complete(bench)
    expect(bench.completedIds).toEqual([])
    await bench.advance(900)
    expect(bench.completedIds).toEqual([1])
    expect(failuresOf(bench)).toEqual([])
  })

  test('the job goes on while the disk is full, and checkpoints come back with the space', async () => {
    const bench = await started()
    await bench.advance(1_000)
    await complete(bench)
    bench.storage.gate = (operation) => (operation === 'publish' || operation === 'remove' ? Promise.reject(full) : undefined)
    for (let count = 0; count < 200; count++) {
      await bench.advance(100)
      if (bench.coordinator.progress?.missing.length !== 0) await complete(bench)
    }
    expect(failuresOf(bench).length).toBeGreaterThan(2)
    expect(failuresOf(bench).every(({ reason }) => reason === 'manifest')).toBe(true)
    expect(bench.events.some(({ type }) => type === 'checkpoint.cleanup-failed')).toBe(true)
    expect(bench.restorable()).toEqual([1])
    bench.storage.gate = () => undefined
    const lastFailed = failuresOf(bench).at(-1)?.id as number
    while (bench.completedIds.length < 3) {
      await bench.advance(100)
      await complete(bench)
    }
    expect(bench.completedIds.at(-1)).toBeGreaterThan(lastFailed)
    expect(bench.restorable()).toEqual(bench.completedIds.slice(-2))
    // What failed removals left is gone as well.
    expect(new Set([...bench.storage.files.keys()].map((path) => path.split('/')[2])).size).toBe(2)
  })

  test('a manifest that was written although writing failed does not stay', async () => {
    const bench = await started()
    await bench.advance(1_000)
    bench.storage.gate = (operation) => (operation === 'publish' ? Promise.resolve('late') : undefined)
    await complete(bench)
    while (failuresOf(bench).length === 0) await bench.advance(1_000)
    expect(bench.completedIds).toEqual([])
    expect([...bench.storage.files.keys()].filter((path) => path.includes('chk-1/'))).toEqual([])
  })
})

describe('the end', () => {
  test.each([
    [false, false, 'finished'],
    [true, false, 'stopped'],
    [false, true, 'drained'],
  ] as const)('stopped %s, drained %s: the final checkpoint is %s', async (stopped, drained, kind) => {
    const bench = await started({ settings: { mode: 'unaligned' } })
    if (drained) bench.coordinator.drain()
    bench.endAll(stopped)
    expect(bench.words).toEqual(['trigger 1 aligned'])
    await complete(bench)
    expect(bench.words.at(-1)).toBe('completed 1 final')
    await expect(bench.coordinator.finished).resolves.toEqual({ id: 1, kind })
    expect(bench.manifestOf(1)?.final).toBe(kind)
    await bench.advance(100_000)
    expect(bench.triggered).toHaveLength(1)
  })

  test('waits for the one in flight', async () => {
    const bench = await started()
    await bench.advance(1_000)
    bench.endAll()
    await complete(bench)
    expect(bench.words).toEqual(['trigger 1 aligned', 'completed 1', 'trigger 2 aligned'])
  })

  test('is not missed where everybody ended before the start', async () => {
    const bench = await new CoordinatorBench().open()
    bench.endAll()
    expect(bench.words).toEqual([])
    bench.coordinator.start()
    expect(bench.words).toEqual(['trigger 1 aligned'])
  })

  test('comes only when all have ended, each counted once', async () => {
    const bench = await started()
    for (const { id: subtask } of plan.subtasks.slice(1)) {
      bench.coordinator.report({ type: 'ended', subtask, stopped: false })
      bench.coordinator.report({ type: 'ended', subtask, stopped: false })
    }
    expect(bench.words).toEqual([])
  })

  test('is tried again, and given up after its timeout with the last cause', async () => {
    const bench = await started()
    bench.endAll()
    const finished = failureOf(bench.coordinator.finished)
    do {
      const id = bench.inFlight
      if (id !== undefined && bench.nowMs < 7_000) bench.coordinator.report({ type: 'declined', id, subtask: 1, error: full })
    } while (await bench.advanceToTimer())
    expect(await finished).toMatchObject({ code: 'SLUICE_CHECKPOINT_FINAL_FAILED', cause: full })
    expect(failuresOf(bench).map(({ reason }) => reason)).toEqual([...Array<string>(9).fill('declined'), 'timeout'])
    expect(bench.nowMs).toBe(11_000)
    expect(bench.finalId).toBeUndefined()
  })

  test('is tried often within its time, however many failed before it', async () => {
    const bench = await started({ settings: { timeoutMs: 2_000 } })
    const finished = failureOf(bench.coordinator.finished)
    let failures = 0
    do {
      const id = bench.inFlight
      if (id !== undefined) bench.coordinator.report({ type: 'declined', id, subtask: 1, error: full })
      if (id !== undefined && ++failures === 10) bench.endAll()
    } while (await bench.advanceToTimer())
    expect(await finished).toMatchObject({ code: 'SLUICE_CHECKPOINT_FINAL_FAILED', cause: full })
    const last = failuresOf(bench).filter(({ purpose }) => purpose === 'final')
    expect(last.length).toBeGreaterThanOrEqual(10)
    expect(last.every(({ reason }) => reason === 'declined')).toBe(true)
  })
})

describe('a stop that does not wait', () => {
  test('takes the last checkpoint at once, unaligned, whoever has ended', async () => {
    const bench = await started()
    bench.coordinator.report({ type: 'ended', subtask: 0, stopped: true })
    expect(bench.coordinator.cutShort()).toBe(true)
    expect(bench.coordinator.cutShort()).toBe(true)
    expect(bench.words).toEqual(['trigger 1 unaligned'])
    await complete(bench)
    expect(bench.words.at(-1)).toBe('completed 1 final')
    await expect(bench.coordinator.finished).resolves.toEqual({ id: 1, kind: 'stopped' })
    expect(bench.manifestOf(1)).toMatchObject({ final: 'stopped', mode: 'unaligned' })
  })

  test('gives up the one in flight, which may wait for what it does not wait for', async () => {
    const bench = await started()
    await bench.advance(1_000)
    const savepoint = failureOf(bench.coordinator.savepoint())
    bench.acknowledgeAll()
    await bench.settle()
    expect(bench.coordinator.cutShort()).toBe(true)
    expect(await savepoint).toMatchObject({ code: 'SLUICE_SAVEPOINT_FAILED' })
    expect(bench.words).toEqual(['trigger 1 aligned', 'completed 1', 'trigger 2 aligned', 'abort 2', 'trigger 3 unaligned'])
  })

  test('comes at once behind many that failed, because they may have waited for what it does not wait for', async () => {
    const bench = await started({ settings: { timeoutMs: 100_000 } })
    for (let id = 1; id <= 8; id++) {
      await bench.advanceToTimer()
      bench.coordinator.report({ type: 'declined', id, subtask: 1, error: full })
    }
    bench.coordinator.cutShort()
    expect(bench.words.at(-1)).toBe('trigger 9 unaligned')
  })

  test('gives up savepoints that wait for others, and those that are asked for later: it has records in flight', async () => {
    const bench = await started()
    await bench.advance(1_000)
    const waiting = failureOf(bench.coordinator.savepoint())
    expect(bench.coordinator.cutShort()).toBe(true)
    expect(await waiting).toMatchObject({ code: 'SLUICE_SAVEPOINT_FAILED' })
    const later = failureOf(bench.coordinator.savepoint())
    // Were it kept, the next try would take it along.
    bench.coordinator.report({ type: 'declined', id: 2, subtask: 1, error: full })
    await bench.advance(1_000)
    await complete(bench)
    expect(await later).toMatchObject({ code: 'SLUICE_SAVEPOINT_FAILED' })
    expect(bench.words).toEqual([
      'trigger 1 aligned',
      'abort 1',
      'trigger 2 unaligned',
      'abort 2',
      'trigger 3 unaligned',
      'completed 3 final',
    ])
  })

  test('tries again, unaligned, also where all have ended meanwhile', async () => {
    const bench = await started()
    bench.coordinator.cutShort()
    bench.coordinator.report({ type: 'declined', id: 1, subtask: 1, error: full })
    bench.endAll(true)
    await bench.advance(200)
    expect(bench.words.at(-1)).toBe('trigger 2 unaligned')
  })

  test('is none where nothing runs, where everything shall flow out, and where a savepoint waits for the end', async () => {
    const opened = await new CoordinatorBench().open()
    expect(opened.coordinator.cutShort()).toBe(false)
    const drained = await started()
    drained.coordinator.drain()
    expect(drained.coordinator.cutShort()).toBe(false)
    const saved = await started()
    saved.coordinator.savepoint({ atEnd: true }).catch(() => {})
    expect(saved.coordinator.cutShort()).toBe(false)
    expect([...opened.words, ...drained.words, ...saved.words]).toEqual([])
  })

  test('leaves an end as it is to which all have come', async () => {
    const bench = await started()
    bench.endAll(true)
    expect(bench.coordinator.cutShort()).toBe(true)
    expect(bench.words).toEqual(['trigger 1 aligned'])
  })
})

describe('savepoints', () => {
  test('are copied whole, and the checkpoint stays part of its run', async () => {
    const bench = await started()
    const path = bench.coordinator.savepoint({ name: 'before the upgrade' })
    expect(bench.words).toEqual(['trigger 1 aligned'])
    await complete(bench)
    await expect(path).resolves.toBe('memory:/test/savepoints/before%20the%20upgrade')
    expect(bench.completedIds).toEqual([1])
    expect(bench.restorable()).toEqual([1])
    for (let count = 0; count < 4; count++) {
      await bench.advance(1_000)
      await complete(bench)
    }
    const saved = [...bench.storage.files.keys()].filter((file) => file.startsWith('test/savepoints/before%20the%20upgrade/'))
    expect(saved).toHaveLength(1 + plan.subtasks.length)
  })

  test('are copied to another storage, which must be empty there', async () => {
    const bench = await started()
    const storage = new MemoryStorage()
    const first = bench.coordinator.savepoint({ target: { storage, folder: '' } })
    await complete(bench)
    await expect(first).resolves.toBe('memory:')
    expect([...storage.files.keys()].sort()).toEqual(['manifest.json', ...plan.subtasks.map(({ id }) => `state-${id}-1.bin`)])
    const second = failureOf(bench.coordinator.savepoint({ target: { storage, folder: '' } }))
    await complete(bench)
    expect(await second).toMatchObject({ code: 'SLUICE_SAVEPOINT_FAILED' })
    expect(bench.completedIds).toEqual([1, 2])
  })

  test('wait for the final checkpoint where they are asked to', async () => {
    const bench = await started()
    const path = bench.coordinator.savepoint({ atEnd: true, name: 'end' })
    await bench.advance(500)
    expect(bench.words).toEqual([])
    bench.endAll(true)
    await complete(bench)
    await expect(path).resolves.toBe('memory:/test/savepoints/end')
    expect(bench.words).toEqual(['trigger 1 aligned', 'completed 1 final'])
  })

  test('fail with their checkpoint, and with the end of the attempt', async () => {
    const bench = await started()
    const first = failureOf(bench.coordinator.savepoint())
    bench.coordinator.report({ type: 'declined', id: 1, subtask: 0, error: full })
    expect(await first).toMatchObject({ code: 'SLUICE_SAVEPOINT_FAILED', cause: full })
    const second = failureOf(bench.coordinator.savepoint({ atEnd: true }))
    await bench.coordinator.close()
    expect(await second).toMatchObject({ code: 'SLUICE_SAVEPOINT_FAILED' })
    await expect(bench.coordinator.savepoint()).rejects.toMatchObject({ code: 'SLUICE_SAVEPOINT_FAILED' })
  })

  test('are not part of what a job may not touch: a failed copy leaves nothing', async () => {
    const bench = await started()
    const path = failureOf(bench.coordinator.savepoint({ name: 'x' }))
    bench.storage.gate = (operation, at) => (operation === 'append' && at.includes('/savepoints/') ? Promise.reject(full) : undefined)
    await complete(bench)
    expect(await path).toMatchObject({ code: 'SLUICE_CHECKPOINT_STORAGE' })
    expect([...bench.storage.files.keys()].filter((file) => file.includes('savepoints'))).toEqual([])
    expect(bench.completedIds).toEqual([1])
  })
})

describe('attempts', () => {
  test('ids go on behind everything that is there, and behind what is known otherwise', async () => {
    const storage = new MemoryStorage()
    const first = await started({ storage })
    await first.advance(1_000)
    await complete(first)
    await first.advance(1_000)
    first.acknowledge(2, 0)
    await first.coordinator.close()
    storage.files.set(`${checkpointFolder('test', 'run', 5)}/state-0-1.bin`, new Uint8Array())
    const run = { id: 'run', attempt: 2, restoredCheckpoint: 1 }
    const second = await started({ storage, run })
    expect(second.coordinator.latest?.id).toBe(1)
    await second.advance(1_000)
    expect(second.words).toEqual(['trigger 6 aligned'])
    await complete(second)
    expect(second.restorable()).toEqual([1, 6])
    expect([...storage.files.keys()].some((path) => path.includes('chk-5'))).toBe(false)
    const third = await started({ storage, run, afterId: 20 })
    await third.advance(1_000)
    expect(third.words).toEqual(['trigger 21 aligned'])
  })

  test('a manifest that is being written when the attempt ends still counts', async () => {
    const bench = await started({ gated: true })
    await bench.advance(1_000)
    bench.acknowledgeAll()
    await bench.settle()
    const closed = bench.coordinator.close()
    const settling = setInterval(() => {
      for (const { pass } of bench.waiting.splice(0)) pass(undefined)
    }, 0)
    await closed
    clearInterval(settling)
    expect(bench.coordinator.latest?.id).toBe(1)
    expect(bench.words).toEqual(['trigger 1 aligned'])
    expect(bench.restorable()).toEqual([1])
  })

  test('does nothing any more where a step throws', async () => {
    const crash = new Error('crash')
    const bench = await started({
      onStep: (step) => {
        if (step === 'manifest-rename') throw crash
      },
    })
    await bench.advance(1_000)
    await complete(bench)
    await bench.advance(100_000)
    expect(bench.words).toEqual(['trigger 1 aligned'])
    expect(bench.restorable()).toEqual([1])
    expect(bench.steps.at(-1)).toBe('manifest-rename')
  })

  test('takes nothing from the files that a retained checkpoint shares', async () => {
    const bench = await started({ settings: { retain: 1 } })
    await bench.advance(1_000)
    await complete(bench)
    const shared = `${checkpointFolder('test', 'run', 1)}/state-0-1.bin`
    for (let count = 0; count < 2; count++) {
      await bench.advance(1_000)
      const id = bench.inFlight as number
      bench.acknowledge(id, 0, shared)
      for (const { id: subtask } of plan.subtasks.slice(1)) bench.acknowledge(id, subtask)
      await bench.settle()
      expect(bench.restorable()).toEqual([id])
      expect(bench.storage.files.has(shared)).toBe(true)
    }
    expect(bench.manifestOf(3)?.tasks[0]?.subtasks[0]?.files[0]?.path).toBe('../chk-1/state-0-1.bin')
    expect([...bench.storage.files.keys()].filter((path) => path.includes('chk-1/'))).toEqual([shared])
    const copy = bench.coordinator.savepoint({ name: 'whole' })
    bench.acknowledge(4, 0, shared)
    for (const { id: subtask } of plan.subtasks.slice(1)) bench.acknowledge(4, subtask)
    await expect(copy).resolves.toBe('memory:/test/savepoints/whole')
    expect(bench.storage.files.has('test/savepoints/whole/state-0-1.bin')).toBe(true)
    await bench.advance(1_000)
    bench.acknowledgeAll()
    await bench.settle()
    expect(bench.storage.files.has(shared)).toBe(false)
    expect(bench.restorable()).toEqual([5])
  })
})
