/** What the counters say of a checkpoint: who refuses an input and for how long, what stands in front of the barrier, what the snapshot cost. In virtual time. */
import { describe, expect, it } from 'vitest'
import { bytesAhead } from '../../src/checkpoint/coordinator/bytes-ahead.js'
import type { CheckpointReport, SnapshotFigures } from '../../src/checkpoint/protocol.js'
import { SNAPSHOT_PENDING_BYTES_MAX } from '../../src/checkpoint/snapshot.js'
import { Command } from '../../src/control/control-layout.js'
import { SubtaskState } from '../../src/metrics/metric-layout.js'
import type { MetricsSnapshot } from '../../src/metrics/read-metrics.js'
import { reportInterval } from '../../src/metrics/report-interval.js'
import { MemoryStorage } from '../support/memory-storage.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation } from '../support/simulation.js'
import { threadCheckpoints } from '../support/thread-checkpoints.js'
import { general, indexSource, map, sink } from '../support/specs.js'

const SLOW_MS = 4
/** How many records `slow` has taken when the checkpoint is asked for, and how many more there are. */
const TRIGGER_AT = 400
const AHEAD = 120

/** many -> fast -> join, few -> slow -> join, and a checkpoint that is asked for when all that is left of `few` stands in front of `slow`. */
interface Diamond {
  readonly simulation: Simulation
  readonly acknowledged: Extract<CheckpointReport, { type: 'acknowledged' }>[]
  /** Each time the slow branch took a record while the checkpoint was under way. */
  readonly seen: { readonly snapshot: MetricsSnapshot; readonly ahead: ReadonlyMap<string, number> }[]
  readonly triggeredAtMs: number
}

async function diamond(workers: number, seed: number): Promise<Diamond> {
  const acknowledged: Diamond['acknowledged'] = []
  const seen: Diamond['seen'] = []
  let slowTook = 0
  let triggeredAtMs = 0
  const checkpoints = threadCheckpoints((report) => {
    if (report.type === 'declined') throw report.error
    if (report.type === 'acknowledged') acknowledged.push(report)
    if (acknowledged.length === simulation.plan.subtasks.length) simulation.command(Command.abort)
  })
  const text = 'x'.repeat(200)
  const graph = graphOf(
    [
      { name: 'many', spec: indexSource(undefined, (index) => ({ index, text })) },
      { name: 'few', spec: indexSource(TRIGGER_AT + AHEAD, (index) => ({ index, text })) },
      { name: 'fast', spec: map((record) => record) },
      {
        name: 'slow',
        spec: map((record) => {
          simulation.spend(SLOW_MS)
          if (++slowTook === TRIGGER_AT) {
            triggeredAtMs = simulation.nowMs
            simulation.trigger(1)
          } else if (triggeredAtMs > 0) {
            const missing = simulation.plan.subtasks.map(({ id }) => id).filter((id) => !acknowledged.some(({ subtask }) => subtask === id))
            const ahead = bytesAhead(simulation.plan, simulation.shared, 1, missing)
            seen.push({ snapshot: simulation.snapshot(), ahead: new Map(ahead.map(({ edge, bytes }) => [edge, bytes])) })
          }
          return record
        }),
      },
      { name: 'join', spec: general((context) => ({ process: (record, timestamp) => context.emit(record, timestamp) })) },
      { name: 'out', spec: sink(() => ({ write: () => {} })) },
    ],
    [
      { from: 'many', to: 'fast' },
      { from: 'few', to: 'slow' },
      { from: 'fast', to: 'join' },
      { from: 'slow', to: 'join' },
      { from: 'join', to: 'out' },
    ],
  )
  const simulation: Simulation = new Simulation(graph, { chaining: false, workers, parallelism: 1, seed, tickMsMax: 0.001, checkpoints })
  await simulation.run()
  return { simulation, acknowledged, seen, triggeredAtMs }
}

const idOf = ({ plan }: Simulation, name: string): number => plan.tasks.find((task) => task.name === name)?.subtasks[0] as number

describe('a consumer that aligns', () => {
  it('tells the time in which join refuses the fast branch, and blames the slow one', async () => {
    const { simulation, seen, acknowledged } = await diamond(5, 2)
    const join = idOf(simulation, 'join')
    const [first, last] = [seen[20], seen.at(-1)] as const
    if (first === undefined || last === undefined) throw new Error('the checkpoint was over at once')
    const elapsedMs = last.snapshot.atMs - first.snapshot.atMs
    expect(elapsedMs).toBeGreaterThan((AHEAD / 2) * SLOW_MS)
    const before = first.snapshot.subtasks[join]
    const after = last.snapshot.subtasks[join]
    const refusedMs = (after?.refusingMs ?? 0) - (before?.refusingMs ?? 0)
    // The rest it was about to look again, while virtual time went by elsewhere.
    expect(refusedMs).toBeGreaterThan(0.5 * elapsedMs)
    expect(refusedMs).toBeLessThanOrEqual((after?.idleMs ?? 0) - (before?.idleMs ?? 0) + 1e-6)
    const report = reportInterval(simulation.graph, simulation.plan, first.snapshot, last.snapshot)
    expect(report.bottleneck).toMatchObject({ operator: 'slow', aligning: ['join'] })
    expect(report.bottleneck?.message).toContain('fast -> join, which aligns a checkpoint whose barrier is late through slow -> join')
    // Nothing is refused any more.
    expect(acknowledged).toHaveLength(simulation.plan.subtasks.length)
    expect(simulation.snapshot().subtasks[join]?.state).not.toBe(SubtaskState.refusing)
  })

  it('is not told from one that waits for its turn where the slow branch has the same thread: that is saturated', async () => {
    const { simulation, seen } = await diamond(0, 1)
    const [first, last] = [seen[20], seen.at(-1)] as const
    if (first === undefined || last === undefined) throw new Error('the checkpoint was over at once')
    const report = reportInterval(simulation.graph, simulation.plan, first.snapshot, last.snapshot)
    expect(report.bottleneck?.message).toMatch(/^(the calling thread is saturated: slow|slow \(subtask 0\) is the bottleneck)/)
  })
})

describe.each([0, 5])('a diamond with one slow branch on %i workers', (workers) => {
  it('tells how much stands in front of the barrier, and where', async () => {
    const { seen } = await diamond(workers, 2)
    const ahead = seen.map(({ ahead: edges }) => edges.get('few -> slow') ?? 0).filter((bytes) => bytes > 0)
    expect(ahead.length).toBeGreaterThan(50)
    // Behind the barrier nothing is counted: it only becomes less.
    const steady = ahead.slice(5)
    expect(steady).toEqual(steady.toSorted((a, b) => b - a))
    expect(ahead[5]).toBeGreaterThan(10_000)
    expect(seen.at(-1)?.ahead.get('many -> fast')).toBeUndefined()
  })

  it('measures delay from the trigger, alignment from the first barrier, and counts snapshots as work', async () => {
    const { simulation, acknowledged, triggeredAtMs } = await diamond(workers, 3)
    const figuresOf = (name: string): (typeof acknowledged)[number]['figures'] => {
      const id = idOf(simulation, name)
      const found = acknowledged.find(({ subtask }) => subtask === id)
      if (found === undefined) throw new Error(`${name} has not acknowledged`)
      return found.figures
    }
    const tookMs = simulation.nowMs - triggeredAtMs
    expect(figuresOf('slow').startDelayMs).toBeGreaterThan(0.8 * tookMs)
    expect(figuresOf('join').alignmentMs).toBeGreaterThan(0.8 * tookMs)
    expect(figuresOf('join').startDelayMs).toBeLessThan(0.2 * tookMs)
    for (const { busyMs, checkpointMs } of simulation.snapshot().subtasks) {
      expect(checkpointMs).toBeGreaterThan(0)
      expect(checkpointMs).toBeLessThanOrEqual(busyMs)
    }
  })
})

it('tells for how long no record was taken because storage was slower than the snapshot', async () => {
  const STORAGE_MS = 40
  const large = 'x'.repeat(SNAPSHOT_PENDING_BYTES_MAX + 1)
  const figures = new Map<number, SnapshotFigures>()
  const storage = new MemoryStorage()
  storage.gate = async () => {
    await simulation.delay(STORAGE_MS)
    return undefined
  }
  const report = (report: CheckpointReport): void => {
    if (report.type === 'declined') throw report.error
    if (report.type === 'acknowledged') figures.set(report.subtask, report.figures)
    if (figures.size === simulation.plan.subtasks.length) simulation.command(Command.abort)
  }
  let taken = 0
  const graph = graphOf(
    [
      { name: 'many', spec: indexSource(undefined, (index) => index, 1_000) },
      {
        name: 'large',
        spec: general(() => ({
          process: () => {
            if (++taken === 10) simulation.trigger(1)
          },
          snapshot: () => large,
        })),
      },
      { name: 'out', spec: sink(() => ({ write: () => {} })) },
    ],
    [
      { from: 'many', to: 'large' },
      { from: 'large', to: 'out' },
    ],
  )
  const checkpoints = threadCheckpoints(report, storage)
  const simulation: Simulation = new Simulation(graph, { chaining: false, workers: 3, parallelism: 1, tickMsMax: 0.001, checkpoints })
  await simulation.run()
  const { throttledMs = 0, asyncMs = 0 } = figures.get(idOf(simulation, 'large')) ?? {}
  expect(throttledMs).toBeGreaterThanOrEqual(STORAGE_MS)
  expect(throttledMs).toBeLessThan(asyncMs)
  expect(figures.get(idOf(simulation, 'many'))).not.toHaveProperty('throttledMs')
})
