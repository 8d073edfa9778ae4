/** Any graph, any settings, any interleaving: nothing is lost, nothing doubled, no order broken, no deadlock. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Command } from '../../src/control/control-layout.js'
import type { EdgeSettings, LogicalGraph } from '../../src/graph/logical-graph.js'
import { nameEdges } from '../../src/plan/build-tasks.js'
import { type GraphChoices, kindCount, outOfOrder, randomGraph, type Traveller } from '../support/random-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'

const nightly = process.env['SLUICE_TEST_MODE'] === 'nightly'
const RECORDS_MAX = nightly ? 20_000 : 4000

const choices: fc.Arbitrary<GraphChoices> = fc.record({
  sources: fc.array(fc.record({ reads: fc.nat(2), count: fc.integer({ min: 0, max: 250 }), parallelism: fc.integer({ min: 1, max: 3 }) }), {
    minLength: 1,
    maxLength: 3,
  }),
  nodes: fc.array(
    fc.record({
      kind: fc.nat(kindCount - 1),
      inputs: fc.array(fc.nat(40), { minLength: 1, maxLength: 4 }),
      partitioning: fc.array(fc.nat(6), { minLength: 4, maxLength: 4 }),
      parallelism: fc.integer({ min: 1, max: 5 }),
    }),
    { maxLength: 9 },
  ),
  slowSinks: fc.boolean(),
})

interface Settings extends SimulationOptions {
  /** By edge, over and over: how many records its consumer asks for; 0: whatever credit allows. */
  readonly prefetches: readonly number[]
}

const settings: fc.Arbitrary<Settings> = fc.record({
  seed: fc.nat(),
  workers: fc.nat(3),
  chaining: fc.boolean(),
  ringBytes: fc.constantFrom(4096, 4096, 65_536),
  adaptiveWindow: fc.boolean(),
  windowTargetMs: fc.constantFrom(0.01, 100),
  checkRecords: fc.boolean(),
  tickMsMax: fc.constantFrom(0.01, 0.2, 2),
  memoryBytes: fc.constant(1 << 30),
  prefetches: fc.oneof(
    fc.constant([]),
    fc.array(fc.oneof({ arbitrary: fc.constantFrom(0, 0, 1, 2), weight: 3 }, { arbitrary: fc.nat(300), weight: 1 }), { maxLength: 7 }),
  ),
})

/** A simulation with pull edges. */
function simulationOf(graph: LogicalGraph, { prefetches, ...options }: Settings): Simulation {
  const edges: Record<string, EdgeSettings> = {}
  nameEdges(graph).forEach((name, index) => {
    const prefetch = prefetches[index % prefetches.length] ?? 0
    if (prefetch > 0) edges[name] = { prefetch }
  })
  return new Simulation(graph, { ...options, edges })
}

const nameOf = (record: Traveller): string => [record.o, record.s, record.p, record.x].join(' ')

async function play(choice: GraphChoices, options: Settings, act: (simulation: Simulation) => void = () => {}): Promise<void> {
  const random = randomGraph(choice, () => simulation)
  const simulation: Simulation = simulationOf(random.graph, options)
  act(simulation)
  await simulation.run()
  await simulation.idle()
  const { plan } = simulation
  for (const [name, expected] of random.expected(plan)) {
    const arrivals = random.arrived.get(name) ?? []
    expect(arrivals.map(({ record }) => nameOf(record)).sort(), `records of ${name}`).toEqual(expected.records.map(nameOf).sort())
    if (!expected.ordered) continue
    const lanesOf = (origin: number) => ({
      parallelism: plan.tasks.find((task) => task.nodes.includes(2 * origin))?.parallelism ?? 1,
      splits: (choice.sources[origin]?.reads ?? 0) % 3 !== 0,
    })
    expect(outOfOrder(arrivals, lanesOf), `order of ${name}`).toBe(undefined)
  }
  expect([...random.open].filter(([, open]) => open !== 0)).toEqual([])
  for (const subtask of simulation.snapshot().subtasks) expect(subtask.finished).toBe(true)
}

/** Graphs whose records can be counted in reasonable time. */
function isSmall(choice: GraphChoices): boolean {
  const random = randomGraph(choice, () => simulation)
  const simulation: Simulation = new Simulation(random.graph, { workers: 0, memoryBytes: 1 << 30 })
  choice.sources.forEach(({ count }, origin) => {
    for (let seq = 0; seq < count; seq++) random.given[origin]?.push({ o: origin, s: seq, k: 0, p: '', x: '' })
  })
  let records = 0
  for (const expected of random.expected(simulation.plan).values()) records += expected.records.length
  return records < RECORDS_MAX
}

describe('any graph', () => {
  it('gives every sink what it should get, in both forms', { timeout: 3_600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(choices, settings, async (choice, options) => {
        fc.pre(isSmall(choice))
        await play(choice, { ...options, codeGeneration: true })
        await play(choice, { ...options, codeGeneration: false })
      }),
      { numRuns: nightly ? 2000 : 15 },
    )
  })

  it('lets what is in flight flow out when it is stopped or drained at any time', { timeout: 3_600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        choices,
        settings,
        fc.nat(300),
        fc.constantFrom(Command.stop, Command.drain),
        fc.boolean(),
        async (choice, options, step, command, codeGeneration) => {
          fc.pre(isSmall(choice))
          await play(choice, { ...options, codeGeneration }, (simulation) => simulation.atStep(step, () => simulation.command(command)))
        },
      ),
      { numRuns: nightly ? 2000 : 15 },
    )
  })

  it('leaves at once when it is aborted, and closes what it opened', { timeout: 3_600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(choices, settings, fc.nat(200), async (choice, options, step) => {
        fc.pre(isSmall(choice))
        const random = randomGraph(choice, () => simulation)
        const simulation: Simulation = simulationOf(random.graph, options)
        let abortedAt = Number.POSITIVE_INFINITY
        simulation.atStep(step, () => {
          abortedAt = simulation.steps
          simulation.command(Command.abort)
        })
        await simulation.run()
        // Timers of user code that are due take turns of the scheduler too.
        expect(simulation.steps).toBeLessThan(abortedAt + 200)
        await simulation.idle()
        expect([...random.open].filter(([, open]) => open > 0)).toEqual([])
      }),
      { numRuns: nightly ? 1000 : 10 },
    )
  })
})
