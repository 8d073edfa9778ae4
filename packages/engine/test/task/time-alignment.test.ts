import { describe, expect, it } from 'vitest'
import { Command } from '../../src/control/control-layout.js'
import type { LogicalGraph } from '../../src/graph/logical-graph.js'
import type { OperatorSpec, WatermarkSpec } from '../../src/graph/operator-spec.js'
import { SubtaskState } from '../../src/metrics/metric-layout.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'
import { collectInto, indexSource, map } from '../support/specs.js'
import { splits, timestamps } from '../support/time-specs.js'

const DRIFT_MS = 10_000
/** Records that a driver takes in one call at most. */
const DRIVE_RECORDS = 512
const FAST_STEP_MS = 10

interface Latest {
  fast: number
  slow: number
  aheadMax: number
}

/** A fast and a slow source in one group; `latest` follows their records. */
function race(slow: OperatorSpec, latest: Latest, options: Partial<WatermarkSpec> = {}): LogicalGraph {
  const follow = (name: 'fast' | 'slow'): OperatorSpec =>
    map((record: { t: number }) => {
      latest[name] = Math.max(latest[name], record.t)
      latest.aheadMax = Math.max(latest.aheadMax, latest.fast - latest.slow)
      return record
    })
  const time = timestamps({ alignment: { group: 'race', maxDriftMs: DRIFT_MS }, ...options })
  return graphOf(
    [
      { name: 'fast', spec: indexSource(undefined, (index) => ({ t: index * FAST_STEP_MS })) },
      { name: 'slow', spec: slow },
      { name: 'fast time', spec: time },
      { name: 'slow time', spec: time },
      { name: 'fast watch', spec: follow('fast') },
      { name: 'slow watch', spec: follow('slow') },
      { name: 'out', spec: collectInto([]), parallelism: 1 },
    ],
    [
      { from: 'fast', to: 'fast time' },
      { from: 'slow', to: 'slow time' },
      { from: 'fast time', to: 'fast watch', timed: true },
      { from: 'slow time', to: 'slow watch', timed: true },
      { from: 'fast watch', to: 'out', timed: true },
      { from: 'slow watch', to: 'out', timed: true },
    ],
  )
}

const start = (): Latest => ({ fast: 0, slow: 0, aheadMax: 0 })

async function runFor(ms: number, simulation: Simulation, look: () => void = () => {}): Promise<void> {
  for (let atMs = 50; atMs < ms; atMs += 50) void simulation.delay(atMs).then(look)
  void simulation.delay(ms).then(() => simulation.command(Command.stop))
  await simulation.run()
}

describe.each<[string, SimulationOptions]>([
  ['on one thread', { workers: 0, parallelism: 1 }],
  ['on two workers', { workers: 2, parallelism: 1 }],
  ['with two subtasks each', { workers: 2, parallelism: 2 }],
])('aligned sources, %s', (_name, options) => {
  it('never run ahead of the slowest by more than the drift and one drive, and keep up with it', async () => {
    const latest = start()
    const simulation = new Simulation(
      race(
        indexSource(undefined, (index) => ({ t: index * 100 }), 100),
        latest,
      ),
      {
        ...options,
        tickMsMax: 0.05,
      },
    )
    await runFor(5000, simulation)
    const subtasks = options.parallelism ?? 1
    expect(latest.slow).toBeGreaterThan(45_000)
    expect(latest.aheadMax).toBeLessThan(DRIFT_MS + (DRIVE_RECORDS + 128) * FAST_STEP_MS * subtasks)
    // 50 ms are 500 ms of the slow one's event time.
    expect(latest.fast - latest.slow).toBeGreaterThan(DRIFT_MS - 1000)
  })
})

describe('a source that waits for its group', () => {
  it('is neither busy nor idle in event time, and says so', async () => {
    const states = new Map<number, number>()
    let idle = 0
    const graph = race(
      indexSource(undefined, (index) => ({ t: index * 100 }), 100),
      start(),
      { idleAfterMs: 200 },
    )
    const simulation: Simulation = new Simulation(graph, { workers: 2, parallelism: 1, tickMsMax: 0.05 })
    await runFor(4000, simulation, () => {
      const { state, idleSinceMs } = simulation.snapshot().subtasks[0] ?? {}
      states.set(state ?? -1, (states.get(state ?? -1) ?? 0) + 1)
      idle += idleSinceMs ?? 0
    })
    expect(idle).toBe(0)
    expect(states.get(SubtaskState.aligned)).toBeGreaterThan(40)
    const { busyMs, idleMs, alignedMs } = simulation.snapshot().subtasks[0] ?? {
      busyMs: Number.NaN,
      idleMs: Number.NaN,
      alignedMs: Number.NaN,
    }
    expect(busyMs).toBeLessThan(idleMs)
    expect(alignedMs).toBeGreaterThan(2000)
    expect(alignedMs).toBeLessThanOrEqual(idleMs)
  })

  it('goes on when the other is idle', async () => {
    const latest = start()
    const silent = splits(1, () => ({ next: () => simulation.delay(1e9).then(() => undefined) }))
    const simulation: Simulation = new Simulation(race(silent, latest, { idleAfterMs: 500 }), {
      workers: 0,
      parallelism: 1,
      tickMsMax: 0.5,
    })
    let beforeIdle = 0
    await runFor(1000, simulation, () => {
      if (simulation.nowMs < 1450) beforeIdle = latest.fast
    })
    // Of a source that has given nothing nothing is known.
    expect(beforeIdle).toBeLessThan(DRIVE_RECORDS * FAST_STEP_MS)
    expect(latest.fast).toBeGreaterThan(10 * DRIFT_MS)
  })

  it('goes on when the other has ended', async () => {
    const latest = start()
    const simulation = new Simulation(
      race(
        indexSource(3, (index) => ({ t: index })),
        latest,
      ),
      { workers: 0, parallelism: 1, tickMsMax: 0.5 },
    )
    await runFor(500, simulation)
    expect(latest.fast).toBeGreaterThan(10 * DRIFT_MS)
  })

  it('waits again for one that comes back', async () => {
    const latest = start()
    let given = 0
    const comesBack = splits(1, () => ({
      next: async () => {
        if (given++ === 0) await simulation.delay(1000)
        else await simulation.delay(100)
        return { records: [{ t: given }] }
      },
    }))
    const simulation: Simulation = new Simulation(race(comesBack, latest, { idleAfterMs: 500 }), {
      workers: 0,
      parallelism: 1,
      tickMsMax: 0.5,
    })
    let atReturn = 0
    await runFor(3000, simulation, () => {
      if (latest.slow === 0 || atReturn === 0) atReturn = latest.fast
    })
    expect(given).toBeGreaterThan(10)
    expect(latest.fast - atReturn).toBeLessThan(50 * DRIVE_RECORDS * FAST_STEP_MS)
    expect(atReturn).toBeGreaterThan(10 * DRIFT_MS)
  })

  it('leaves at once when the job is stopped', async () => {
    const latest = start()
    const silent = splits(1, () => ({ next: () => simulation.delay(1e9).then(() => undefined) }))
    const simulation: Simulation = new Simulation(race(silent, latest), { workers: 2, parallelism: 1 })
    await runFor(1000, simulation)
    expect(simulation.nowMs).toBeLessThan(2100)
  })
})

describe('alignment that cannot be kept', () => {
  const alignment = { group: 'g', maxDriftMs: 1000 }
  const planOf =
    (graph: LogicalGraph, options: SimulationOptions = {}) =>
    () =>
      new Simulation(graph, { workers: 0, ...options }).plan

  it('behind a repartition is refused', () => {
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(10, (t) => ({ t })), parallelism: 1 },
        { name: 'time', spec: timestamps({ alignment }), parallelism: 2, declaredAt: 'job.ts:3:4' },
        { name: 'out', spec: collectInto([]) },
      ],
      [
        { from: 'numbers', to: 'time' },
        { from: 'time', to: 'out', timed: true },
      ],
    )
    expect(planOf(graph)).toThrow(
      expect.objectContaining({
        code: 'SLUICE_OPTIONS_INVALID',
        message: 'time has an alignment, and no source in its chain that could wait',
        coordinates: expect.objectContaining({ operator: 'time', declaredAt: 'job.ts:3:4' }) as unknown,
      }) as Error,
    )
  })

  it('with two groups for one source is refused', () => {
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(10, (t) => ({ t })) },
        { name: 'one', spec: timestamps({ alignment }) },
        { name: 'two', spec: timestamps({ alignment: { ...alignment, group: 'h' } }) },
        { name: 'out 1', spec: collectInto([]) },
        { name: 'out 2', spec: collectInto([]) },
      ],
      [
        { from: 'numbers', to: 'one' },
        { from: 'numbers', to: 'two' },
        { from: 'one', to: 'out 1', timed: true },
        { from: 'two', to: 'out 2', timed: true },
      ],
    )
    expect(planOf(graph)).toThrow(/numbers feeds one and two, and they are aligned differently/)
  })
})
