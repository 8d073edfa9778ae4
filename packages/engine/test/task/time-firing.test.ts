import { describe, expect, it } from 'vitest'
import { Command } from '../../src/control/control-layout.js'
import type { OperatorSpec } from '../../src/graph/operator-spec.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'
import { asyncMap, collectInto, general, indexSource, map, range, sink } from '../support/specs.js'
import { countWindows, type Seen, timestamps, type Timed, watch, type WindowResult } from '../support/time-specs.js'

const smallest: SimulationOptions = { workers: 2, parallelism: 1, chaining: false, ringBytes: 4096, memoryBytes: 1 << 28 }
const places: [string, SimulationOptions][] = [
  ['in one chain', { workers: 0, parallelism: 1 }],
  ['over local edges', { workers: 0, parallelism: 1, chaining: false, ringBytes: 4096 }],
  ['over the smallest rings', smallest],
  ['interpreted', { ...smallest, codeGeneration: false }],
]
const marksOf = (seen: readonly Seen[]): number[] => seen.flatMap(({ watermark }) => watermark ?? [])

describe.each(places)('an operator that fires a thousand results, %s', (_name, options) => {
  const RESULTS = 1000

  /** Everything that comes is due with the next watermark; says so where a record comes before all of it left. */
  const firing = (misplaced: string[], how: 'emit' | 'expand'): OperatorSpec =>
    general((context) => {
      let left = 0
      let at = Number.NEGATIVE_INFINITY
      return {
        process(_value, timestamp) {
          if (left > 0) misplaced.push(`record ${timestamp} before ${left} results of ${at}`)
        },
        onWatermark(watermark) {
          if (left > 0) misplaced.push(`watermark ${watermark} before ${left} results of ${at}`)
          at = watermark
          left = watermark === Number.POSITIVE_INFINITY ? 10 : RESULTS
        },
        fire() {
          if (left === 0) return false
          left--
          const result = { t: Math.min(at, 1e6), left, text: 'x'.repeat(40) }
          if (how === 'emit') context.emit(result, result.t)
          else context.expand([result, { ...result, left: left + 0.5 }], result.t)
          return true
        },
      }
    })

  it.each(['emit', 'expand'] as const)('with %s gives them all, before the next record and before the watermark moves on', async (how) => {
    const misplaced: string[] = []
    const seen: Seen[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(6, (index) => ({ t: index * 100 })) },
        { name: 'time', spec: timestamps({ perRecord: true }) },
        { name: 'fire', spec: firing(misplaced, how) },
        { name: 'watch', spec: watch(seen) },
        { name: 'out', spec: sink(() => ({ write: () => simulation.delay(0.1) })) },
      ],
      [
        { from: 'numbers', to: 'time' },
        { from: 'time', to: 'fire', timed: true },
        { from: 'fire', to: 'watch', timed: true },
        { from: 'watch', to: 'out', timed: true },
      ],
    )
    const simulation: Simulation = new Simulation(graph, options)
    await simulation.run()
    expect(misplaced).toEqual([])
    const values = seen.flatMap(({ value }) => value ?? [])
    expect(values).toHaveLength((6 * RESULTS + 10) * (how === 'emit' ? 1 : 2))
    for (const { value, at } of seen) if (value !== undefined) expect(at).toBeLessThan(value.t)
    expect(marksOf(seen).at(-1)).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('a domain', () => {
  it('is what lies between two operators that assign timestamps, branch by branch', async () => {
    const head: Seen[] = []
    const first: Seen[] = []
    const second: Seen[] = []
    const branch: Seen[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(100, (index) => ({ t: index })) },
        { name: 'untimed', spec: watch(head) },
        { name: 'time', spec: timestamps({ perRecord: true }) },
        { name: 'first', spec: watch(first) },
        { name: 'later', spec: { ...timestamps({ perRecord: true }), fn: ({ t }: Timed) => t + 5000 } },
        { name: 'second', spec: watch(second) },
        { name: 'branch', spec: watch(branch) },
        { name: 'out', spec: collectInto([]) },
        { name: 'branch out', spec: collectInto([]) },
      ],
      [
        { from: 'numbers', to: 'untimed' },
        { from: 'untimed', to: 'time' },
        { from: 'time', to: 'first', timed: true },
        { from: 'first', to: 'later', timed: true },
        { from: 'first', to: 'branch', timed: true },
        { from: 'later', to: 'second', timed: true },
        { from: 'second', to: 'out', timed: true },
        { from: 'branch', to: 'branch out', timed: true },
      ],
    )
    const simulation = new Simulation(graph, { workers: 0, parallelism: 1 })
    await simulation.run()
    expect(simulation.plan.tasks).toHaveLength(1)
    // The end comes instead of the last one.
    const inner = range(99).map((t) => t - 1)
    expect(marksOf(head)).toEqual([Number.POSITIVE_INFINITY])
    expect(marksOf(first)).toEqual([...inner, Number.POSITIVE_INFINITY])
    expect(marksOf(branch)).toEqual([...inner, Number.POSITIVE_INFINITY])
    expect(marksOf(second)).toEqual([...inner.map((t) => t + 5000), Number.POSITIVE_INFINITY])
    // What all of them have reached.
    expect(simulation.snapshot().subtasks[0]?.watermark).toBe(97)
  })

  it.each(places)('with a watermark after every record tells it before the next, %s', async (_name, options) => {
    const seen: Seen[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(200, (index) => ({ t: (index * 7) % 100 })) },
        { name: 'time', spec: timestamps({ perRecord: true, strategy: { outOfOrdernessMs: 10 } }) },
        { name: 'watch', spec: watch(seen) },
        { name: 'out', spec: collectInto([]) },
      ],
      [
        { from: 'numbers', to: 'time' },
        { from: 'time', to: 'watch', timed: true },
        { from: 'watch', to: 'out', timed: true },
      ],
    )
    await new Simulation(graph, options).run()
    let latest = Number.NEGATIVE_INFINITY
    for (const { value, at } of seen) {
      if (value === undefined) continue
      // A watermark that waits for credit may be replaced by a newer one, never by an older.
      expect(at).toBeLessThanOrEqual(latest - 11)
      if (options.ringBytes === undefined) expect(at).toBe(latest - 11)
      latest = Math.max(latest, value.t)
    }
    expect(seen.filter(({ value }) => value !== undefined)).toHaveLength(200)
  })

  it('asks a strategy of one’s own also while nothing comes', async () => {
    const seen: Seen[] = []
    let marked = 0
    const strategy = { create: () => ({ onRecord: () => {}, watermark: () => marked++ }) }
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(undefined, (index) => ({ t: index }), 0.01) },
        { name: 'time', spec: timestamps({ strategy }) },
        { name: 'watch', spec: watch(seen) },
        { name: 'out', spec: collectInto([]) },
      ],
      [
        { from: 'numbers', to: 'time' },
        { from: 'time', to: 'watch', timed: true },
        { from: 'watch', to: 'out', timed: true },
      ],
    )
    const simulation = new Simulation(graph, { workers: 0, parallelism: 1 })
    void simulation.delay(2100).then(() => simulation.command(Command.stop))
    await simulation.run()
    expect(marksOf(seen)).toEqual(range(10))
  })
})

describe('a strategy of one’s own', () => {
  it.each([
    ['throws', () => failing(), 'SLUICE_OPERATOR_FAILED'],
    ['gives NaN', () => Number.NaN, 'SLUICE_TIMESTAMP_INVALID'],
    ['gives the end of all time', () => Number.POSITIVE_INFINITY, 'SLUICE_TIMESTAMP_INVALID'],
    ['gives no number', () => undefined as unknown as number, 'SLUICE_TIMESTAMP_INVALID'],
  ])('that %s is named', async (_name, watermark, code) => {
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(10, (index) => ({ t: index })) },
        { name: 'time', spec: timestamps({ strategy: { create: () => ({ onRecord: () => {}, watermark }) }, perRecord: true }) },
        { name: 'out', spec: collectInto([]) },
      ],
      [
        { from: 'numbers', to: 'time' },
        { from: 'time', to: 'out', timed: true },
      ],
    )
    const failed = await new Simulation(graph, { workers: 0 }).run().catch((error: unknown) => error)
    expect(failed).toMatchObject({ code, coordinates: { operator: 'time' } })
  })
})

function failing(): never {
  throw new Error('no idea')
}

describe('at the end', () => {
  async function windowsAfter(command: Command, count?: number): Promise<{ results: WindowResult[]; marks: number[] }> {
    const results: WindowResult[] = []
    const seen: Seen[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(count, (index) => ({ t: index * 10 }), 100) },
        { name: 'time', spec: timestamps() },
        { name: 'windows', spec: countWindows(1000, () => 0) },
        { name: 'watch', spec: watch(seen) },
        { name: 'out', spec: collectInto(results) },
      ],
      [
        { from: 'numbers', to: 'time' },
        { from: 'time', to: 'windows', timed: true },
        { from: 'windows', to: 'watch', timed: true },
        { from: 'watch', to: 'out', timed: true },
      ],
    )
    const simulation = new Simulation(graph, { workers: 2, parallelism: 1, chaining: false })
    if (command !== Command.run) void simulation.delay(2500).then(() => simulation.command(command))
    await simulation.run()
    return { results, marks: marksOf(seen) }
  }
  type Command = (typeof Command)[keyof typeof Command]

  it('of the input everything fires', async () => {
    const { results, marks } = await windowsAfter(Command.run, 250)
    expect(results.map(({ count }) => count)).toEqual([100, 100, 50])
    expect(marks.at(-1)).toBe(Number.POSITIVE_INFINITY)
  })

  it('by a drain everything fires', async () => {
    const { results, marks } = await windowsAfter(Command.drain)
    expect(results.map(({ end }) => end)).toEqual([1000, 2000, 3000])
    expect(results.at(-1)?.count).toBeLessThan(100)
    expect(marks.at(-1)).toBe(Number.POSITIVE_INFINITY)
  })

  it('by a stop nothing fires that was not due', async () => {
    const { results, marks } = await windowsAfter(Command.stop)
    expect(results.map(({ end, count }) => [end, count])).toEqual([
      [1000, 100],
      [2000, 100],
    ])
    expect(marks.at(-1)).toBeLessThan(2600)
  })
})

describe.each([
  ['ordered', true],
  ['in the order of completion', false],
])('results of asynchronous work, %s', (_name, ordered) => {
  it.each(range(12))('never cross a watermark: seed %d', async (seed) => {
    const seen: Seen[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(400, (index) => ({ t: index }), seed % 2 === 0 ? undefined : 500) },
        { name: 'time', spec: timestamps({ perRecord: seed % 2 === 0 }) },
        {
          name: 'slow',
          spec: asyncMap((record: Timed) => (record.t % 5 === 0 ? record : simulation.delay((record.t * 7919) % 50).then(() => record)), {
            ordered,
            concurrency: 1 + (seed % 7) * 3,
          }),
        },
        { name: 'double', spec: map((record: Timed) => record) },
        { name: 'watch', spec: watch(seen) },
        { name: 'out', spec: collectInto([]) },
      ],
      [
        { from: 'numbers', to: 'time' },
        { from: 'time', to: 'slow', timed: true },
        { from: 'slow', to: 'double', timed: true },
        { from: 'double', to: 'watch', timed: true },
        { from: 'watch', to: 'out', timed: true },
      ],
    )
    const simulation: Simulation = new Simulation(graph, { seed, workers: 2, parallelism: 1, ringBytes: seed % 3 === 0 ? 4096 : 65_536 })
    await simulation.run()
    const values = seen.flatMap(({ value }) => value ?? [])
    if (ordered) expect(values.map(({ t }) => t)).toEqual(range(400))
    else expect(values.map(({ t }) => t).toSorted((left, right) => left - right)).toEqual(range(400))
    // Timestamps rise from record to record, so every watermark lies between two of them.
    for (const { value, at } of seen) if (value !== undefined) expect(value.t).toBeGreaterThan(at ?? Number.NaN)
    expect(marksOf(seen).length).toBeGreaterThan(1)
  })
})
