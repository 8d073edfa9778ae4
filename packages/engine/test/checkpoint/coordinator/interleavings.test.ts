/** The coordinator under random interleavings of time, reports, storage and requests; what it promises is checked with every word it says. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SluiceError } from '../../../src/errors/sluice-error.js'
import { CoordinatorBench, plan } from '../../support/coordinator-bench.js'

const RETAIN = 2

const subtask = fc.integer({ min: 0, max: plan.subtasks.length - 1 })
const action = fc.oneof(
  { weight: 12, arbitrary: fc.record({ type: fc.constant('acknowledge' as const), subtask, back: fc.integer({ min: 0, max: 5 }) }) },
  { weight: 4, arbitrary: fc.constant({ type: 'acknowledge all' as const }) },
  { weight: 6, arbitrary: fc.constant({ type: 'time' as const }) },
  { weight: 20, arbitrary: fc.record({ type: fc.constant('storage' as const), pick: fc.nat(), fate: fc.integer({ min: 0, max: 9 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('decline' as const), subtask }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('end' as const), subtask }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('savepoint' as const), atEnd: fc.boolean() }) },
)
const script = fc.record({
  mode: fc.constantFrom('aligned' as const, 'unaligned' as const, 'at-least-once' as const),
  alignedTimeoutMs: fc.option(fc.integer({ min: 1, max: 3_000 }), { nil: undefined }),
  timeoutMs: fc.integer({ min: 500, max: 20_000 }),
  actions: fc.array(action, { minLength: 20, maxLength: 150 }),
  seesItEnd: fc.boolean(),
})

const failure = new SluiceError('SLUICE_CHECKPOINT_STORAGE', 'the disk failed')

test('keeps its promises', async () => {
  const seen = new Set<string>()
  const property = fc.asyncProperty(script, async ({ mode, alignedTimeoutMs, timeoutMs, actions, seesItEnd }) => {
    const bench = await new CoordinatorBench({ gated: true, settings: { mode, alignedTimeoutMs, timeoutMs, retain: RETAIN } }).open()
    const { coordinator } = bench
    coordinator.start()
    const savepoints: Promise<unknown>[] = []
    const check = (): void => {
      const complete = bench.events.flatMap((event) => (event.type === 'checkpoint.completed' ? [event.id] : []))
      const restorable = bench.restorable()
      for (const id of complete.slice(-RETAIN)) expect(restorable).toContain(id)
    }
    let names = 0
    for (const step of actions) {
      switch (step.type) {
        case 'acknowledge': {
          const id = bench.triggered.at(-1 - Math.max(0, step.back - 3))?.id
          if (id !== undefined) bench.acknowledge(id, step.subtask)
          break
        }
        case 'acknowledge all':
          bench.acknowledgeAll()
          break
        case 'time':
          await bench.advanceToTimer()
          break
        case 'storage': {
          const [operation] = bench.waiting.splice(step.pick % Math.max(1, bench.waiting.length), 1)
          if (operation === undefined) break
          if (step.fate === 0) operation.fail(failure)
          else operation.pass(step.fate === 1 ? 'late' : undefined)
          break
        }
        case 'decline':
          if (bench.inFlight !== undefined && !bench.manifestOf(bench.inFlight)) {
            coordinator.report({ type: 'declined', id: bench.inFlight, subtask: step.subtask, error: failure })
          }
          break
        case 'end':
          coordinator.report({ type: 'ended', subtask: step.subtask, stopped: false })
          break
        case 'savepoint':
          savepoints.push(coordinator.savepoint({ name: `s${names++}`, atEnd: step.atEnd }).catch((error: unknown) => error))
      }
      await bench.settle()
      check()
    }
    let over = false
    bench.storage.gate = () => undefined
    const drainStorage = (): void => {
      for (const { pass } of bench.waiting.splice(0)) pass(undefined)
    }
    if (seesItEnd) {
      bench.endAll()
      for (let count = 0; count < 50 && bench.finalId === undefined; count++) {
        drainStorage()
        bench.acknowledgeAll()
        await bench.settle()
        // Nobody is missing: the manifest waits to be tried again.
        if ((coordinator.progress?.missing.length ?? 0) === 0 && bench.finalId === undefined) await bench.advanceToTimer()
      }
      drainStorage()
      expect(await settled(coordinator.finished)).toBe(true)
    }
    const closed = coordinator.close().then(() => (over = true))
    while (!over) {
      drainStorage()
      await bench.settle()
    }
    await closed
    check()
    await Promise.all(savepoints)
    const words = bench.words.length
    coordinator.report({ type: 'ended', subtask: 0, stopped: false })
    while (await bench.advanceToTimer());
    expect(bench.words).toHaveLength(words)
    const latest = coordinator.latest?.id
    if (latest !== undefined) expect(bench.restorable()).toContain(latest)
    expect(latest ?? 0).toBeGreaterThanOrEqual(bench.completedIds.at(-1) ?? 0)
    for (const one of bench.steps) seen.add(one)
  })
  // The first half is always the same, so that all steps are met in all runs or in none.
  await fc.assert(property, { numRuns: 125, seed: 1 })
  for (const step of [
    'triggered',
    'overtaken',
    'acknowledged',
    'manifest-write',
    'manifest-rename',
    'completed',
    'retention',
    'aborted',
    'savepoint-copy',
  ]) {
    expect(seen).toContain(step)
  }
  await fc.assert(property, { numRuns: 125 })
})

/** Also where it rejected. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  return (await Promise.race([promise.catch(() => undefined), new Promise((resolve) => setImmediate(() => resolve(pending)))])) !== pending
}
