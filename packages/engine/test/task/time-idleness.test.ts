import { describe, expect, it } from 'vitest'
import { Command } from '../../src/control/control-layout.js'
import type { OperatorSpec, SourceBatch } from '../../src/graph/operator-spec.js'
import { SubtaskWord, layoutMetrics } from '../../src/metrics/metric-layout.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation } from '../support/simulation.js'
import { collectInto, indexSource, sink } from '../support/specs.js'
import { type Seen, splits, timestamps, watch } from '../support/time-specs.js'

const IDLE_MS = 1000

/** A source that gives these batches, each after a wait, and then waits for ever (until it is stopped). */
function waves(batches: readonly (readonly [waitMs: number, records: readonly unknown[]])[], simulationOf: () => Simulation): OperatorSpec {
  return splits(1, () => {
    let next = 0
    return {
      next: async (): Promise<SourceBatch | undefined> => {
        const wave = batches[next++]
        await simulationOf().delay(wave?.[0] ?? 1e9)
        return wave === undefined ? undefined : { records: wave[1] }
      },
    }
  })
}

/** Two sources into one watching operator; `left` falls silent. */
function twoSources(left: OperatorSpec, right: OperatorSpec, seen: Seen[], out: OperatorSpec = collectInto([]), idleAfterMs = IDLE_MS) {
  return graphOf(
    [
      { name: 'left', spec: left },
      { name: 'right', spec: right },
      { name: 'left time', spec: timestamps({ idleAfterMs }) },
      { name: 'right time', spec: timestamps({ idleAfterMs }) },
      { name: 'watch', spec: watch(seen), parallelism: 1 },
      { name: 'out', spec: out, parallelism: 1 },
    ],
    [
      { from: 'left', to: 'left time' },
      { from: 'right', to: 'right time' },
      { from: 'left time', to: 'watch', timed: true },
      { from: 'right time', to: 'watch', timed: true },
      { from: 'watch', to: 'out', timed: true },
    ],
  )
}

const steady = (count: number | undefined): OperatorSpec => indexSource(count, (index) => ({ t: index * 100 }), 10)
const watermarks = (seen: readonly Seen[]): number[] => seen.flatMap(({ watermark }) => watermark ?? [])

describe.each([
  ['on one thread', { workers: 0 }],
  ['over rings', { workers: 2, parallelism: 1 }],
])('a silent source, %s', (_name, options) => {
  it('holds the watermark back until it is idle, and again when it comes back', async () => {
    const seen: Seen[] = []
    const graph = twoSources(
      waves(
        [
          [0, [{ t: 50 }]],
          [10_000, [{ t: 5000 }]],
        ],
        () => simulation,
      ),
      steady(undefined),
      seen,
    )
    const simulation: Simulation = new Simulation(graph, { ...options, tickMsMax: 0.01 })
    const stopAt = simulation.delay(20_000).then(() => simulation.command(Command.stop))
    await simulation.run()
    await stopAt
    const marks = watermarks(seen)
    // While left is awaited nothing passes it; then right is followed, up to where left came back, far behind; then nobody moves until left
    // is idle once more.
    expect(marks[0]).toBeLessThanOrEqual(49)
    expect(marks[1]).toBeGreaterThan(700)
    expect(marks.slice(1).every((mark, index) => mark > (marks[index] ?? 0))).toBe(true)
    expect(marks.some((mark) => mark > 9000 && mark < 10_100)).toBe(true)
    expect(marks.filter((mark) => mark > 10_200 && mark < 10_700)).toEqual([])
    expect(marks.at(-1)).toBeGreaterThan(19_000)
  })
})

describe('who is idle', () => {
  const lastMark = async (left: OperatorSpec, idleAfterMs = IDLE_MS): Promise<number> => {
    const seen: Seen[] = []
    const simulation: Simulation = new Simulation(twoSources(left, steady(undefined), seen, undefined, idleAfterMs), { workers: 0 })
    simulationNow = simulation
    const stopped = simulation.delay(10_000).then(() => simulation.command(Command.stop))
    await simulation.run()
    await stopped
    return watermarks(seen).at(-1) ?? Number.NEGATIVE_INFINITY
  }
  let simulationNow: Simulation | undefined
  const delay = (ms: number): Promise<void> => (simulationNow as Simulation).delay(ms)
  const silent = (bounded: boolean): OperatorSpec => splits(1, () => ({ next: () => delay(1e9).then(() => undefined) }), { bounded })

  it('a source without end that never gave a record', async () => expect(await lastMark(silent(false))).toBeGreaterThan(9000))
  it('no bounded one', async () => expect(await lastMark(silent(true))).toBe(Number.NEGATIVE_INFINITY))
  it('no bounded one that waits for its rate', async () =>
    expect(await lastMark(indexSource(10, (index) => ({ t: index }), 0.01))).toBeLessThan(10))
  it('one without end that waits for its rate', async () =>
    expect(await lastMark(indexSource(undefined, (index) => ({ t: index }), 0.01))).toBeGreaterThan(9000))
  it('nobody where it is switched off', async () => {
    const seen: Seen[] = []
    const graph = twoSources(silent(false), steady(undefined), seen)
    const never = graph.nodes.map((node) => (node.spec.kind === 'timestamps' ? { ...node, spec: timestamps() } : node))
    const simulation: Simulation = new Simulation({ ...graph, nodes: never }, { workers: 0 })
    simulationNow = simulation
    const stopped = simulation.delay(10_000).then(() => simulation.command(Command.stop))
    await simulation.run()
    await stopped
    expect(watermarks(seen)).toEqual([])
  })
  it('one that has no split ends at once', async () =>
    expect(await lastMark(splits(0, () => ({ next: () => undefined })))).toBeGreaterThan(9000))

  it('one whose records are all filtered out before they have a time', async () => {
    const seen: Seen[] = []
    const graph = graphOf(
      [
        { name: 'left', spec: indexSource(undefined, (index) => ({ t: index })) },
        { name: 'none', spec: { kind: 'filter', fn: () => false } },
        { name: 'right', spec: steady(undefined) },
        { name: 'left time', spec: timestamps({ idleAfterMs: IDLE_MS }) },
        { name: 'right time', spec: timestamps({ idleAfterMs: IDLE_MS }) },
        { name: 'watch', spec: watch(seen) },
        { name: 'out', spec: collectInto([]) },
      ],
      [
        { from: 'left', to: 'none' },
        { from: 'none', to: 'left time' },
        { from: 'right', to: 'right time' },
        { from: 'left time', to: 'watch', timed: true },
        { from: 'right time', to: 'watch', timed: true },
        { from: 'watch', to: 'out', timed: true },
      ],
    )
    const simulation = new Simulation(graph, { workers: 0, tickMsMax: 2, parallelism: 1 })
    void simulation.delay(3000).then(() => simulation.command(Command.stop))
    await simulation.run()
    expect(watermarks(seen).at(-1)).toBeGreaterThan(1500)
  })

  it.each([
    ['without end', undefined],
    ['bounded', 40],
  ])('behind a repartition: where a source upstream is %s', async (_name, count) => {
    const seen: Seen[] = []
    const graph = graphOf(
      [
        // One subtask of three gets nothing for a while.
        { name: 'left', spec: indexSource(count, (index) => ({ t: index * 100 }), 10), parallelism: 1 },
        { name: 'time', spec: timestamps({ idleAfterMs: IDLE_MS }), parallelism: 3 },
        { name: 'watch', spec: watch(seen), parallelism: 1 },
        { name: 'out', spec: collectInto([]), parallelism: 1 },
      ],
      [
        { from: 'left', to: 'time', partitioning: 'hash', keyOf: ({ t }: { t: number }) => (t < 2000 ? t % 900 : 1) },
        { from: 'time', to: 'watch', timed: true },
        { from: 'watch', to: 'out', timed: true },
      ],
    )
    const simulation = new Simulation(graph, { workers: 0 })
    void simulation.delay(3900).then(() => simulation.command(Command.stop))
    await simulation.run()
    const last = watermarks(seen).at(-1) ?? Number.NEGATIVE_INFINITY
    if (count === undefined) expect(last).toBeGreaterThan(3000)
    else expect(last).toBeLessThan(2000)
  })
})

describe('the idle clock of a source stands still', () => {
  const idleSince = (simulation: Simulation, name: string): number => {
    const task = simulation.plan.tasks.find(({ nodes }) => simulation.graph.nodes[nodes[0] ?? -1]?.name === name)
    return simulation.metrics[layoutMetrics(simulation.plan).subtaskAt(task?.subtasks[0] ?? -1) + SubtaskWord.idleSinceMs] as number
  }

  it('while a sink holds it back for minutes, and others on its worker go on', async () => {
    let idleSeen = 0
    let writes = 0
    let ticks = 0
    const graph = graphOf(
      [
        { name: 'source', spec: indexSource(undefined, (index) => ({ t: index })) },
        { name: 'time', spec: timestamps({ idleAfterMs: IDLE_MS }) },
        {
          name: 'out',
          spec: sink(() => ({
            write: () => {
              if (++writes === 5) simulation.command(Command.stop)
              return writes % 2 === 0 ? simulation.delay(120_000) : undefined
            },
          })),
        },
        { name: 'ticks', spec: indexSource(undefined, (index) => index, 20) },
        {
          name: 'ticks out',
          spec: sink(() => ({
            write: () => {
              ticks++
              idleSeen += idleSince(simulation, 'source')
            },
          })),
        },
      ],
      [
        { from: 'source', to: 'time' },
        { from: 'time', to: 'out', timed: true },
        { from: 'ticks', to: 'ticks out' },
      ],
    )
    const simulation: Simulation = new Simulation(graph, { workers: 0 })
    await simulation.run()
    expect(ticks).toBeGreaterThan(4000)
    expect(idleSeen).toBe(0)
  })

  it('while its worker is inside a function for minutes', async () => {
    let idleSeen = 0
    const graph = graphOf(
      [
        { name: 'source', spec: indexSource(undefined, (index) => ({ t: index }), 100) },
        { name: 'time', spec: timestamps({ idleAfterMs: IDLE_MS }) },
        {
          name: 'slow',
          spec: {
            kind: 'map',
            fn: (record: { t: number }) => {
              if (record.t % 50 === 49) simulation.spend(120_000)
              idleSeen += idleSince(simulation, 'source')
              return record
            },
          },
        },
        { name: 'out', spec: collectInto([]) },
      ],
      [
        { from: 'source', to: 'time' },
        { from: 'time', to: 'slow', timed: true },
        { from: 'slow', to: 'out', timed: true },
      ],
    )
    const simulation: Simulation = new Simulation(graph, { workers: 0 })
    void simulation.delay(1_200_000).then(() => simulation.command(Command.stop))
    await simulation.run()
    expect(idleSeen).toBe(0)
  })

  it('is told in the shared words, from the last record on, until the next', async () => {
    const told: number[] = []
    const graph = graphOf(
      [
        {
          name: 'source',
          spec: waves(
            [
              [0, [{ t: 1 }]],
              [1500, [{ t: 2 }]],
              [500, [{ t: 3 }]],
            ],
            () => simulation,
          ),
        },
        { name: 'time', spec: timestamps({ idleAfterMs: IDLE_MS }) },
        { name: 'out', spec: collectInto([]) },
      ],
      [
        { from: 'source', to: 'time' },
        { from: 'time', to: 'out', timed: true },
      ],
    )
    const simulation: Simulation = new Simulation(graph, { workers: 0, tickMsMax: 0.01 })
    const startMs = simulation.nowMs
    for (const atMs of [900, 1200, 1600, 2900, 3200])
      void simulation.delay(atMs).then(() => {
        const since = idleSince(simulation, 'source')
        told.push(since === 0 ? 0 : Math.round(since - startMs))
      })
    void simulation.delay(3300).then(() => simulation.command(Command.stop))
    await simulation.run()
    expect(told).toEqual([0, 1000, 0, 0, 3000])
  })
})
