/**
 * Branches of one stream that meet again, at the smallest credits: whatever their weights and priorities, a consumer that waits for one branch while another has
 * records would stop the stream that feeds both, for ever.
 */
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { CheckpointReport } from '../../src/checkpoint/protocol.js'
import type { EdgeSettings } from '../../src/graph/logical-graph.js'
import { nameEdges } from '../../src/plan/build-tasks.js'
import { InputSelection } from '../../src/task/input-selection.js'
import { type GraphChoices, kindCount, randomGraph, streamsOf, type Traveller } from '../support/random-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'
import { threadCheckpoints } from '../support/thread-checkpoints.js'

const nightly = process.env['SLUICE_TEST_MODE'] === 'nightly'
const RUNS = nightly ? 3000 : 15
const RECORDS_MAX = nightly ? 20_000 : 2000
/** Steps of the scheduler between one checkpoint and the next. */
const CHECKPOINT_STEPS = 40

type Branch = GraphChoices['nodes'][number]

const costMs = fc.constantFrom(0, 0, 0.05, 1)
const parallelism = fc.integer({ min: 1, max: 3 })
const partitioning = fc.array(fc.nat(6), { minLength: 4, maxLength: 4 })
const source = fc.record({ reads: fc.nat(2), count: fc.integer({ min: 50, max: 250 }), parallelism: fc.integer({ min: 1, max: 2 }) })

/** One source, branches of one or two operators each, and all of what they give into one consumer. */
const diamonds: fc.Arbitrary<GraphChoices> = fc
  .record({
    source,
    branches: fc.array(
      fc.array(fc.record({ kind: fc.nat(kindCount - 1), partitioning, parallelism, costMs }), { minLength: 1, maxLength: 2 }),
      { minLength: 2, maxLength: 4 },
    ),
    join: fc.record({ kind: fc.constantFrom(0, 2, 7, 8), partitioning, parallelism, costMs }),
    slowSinks: fc.boolean(),
  })
  .map(({ source: one, branches, join, slowSinks }) => {
    const nodes: Branch[] = []
    const ends: number[] = []
    let streams = 1
    for (const branch of branches) {
      let from = [0]
      for (const choice of branch) {
        nodes.push({ ...choice, inputs: from })
        from = Array.from({ length: streamsOf(choice.kind) }, (_, port) => streams + port)
        streams += from.length
      }
      ends.push(...from)
    }
    nodes.push({ ...join, inputs: ends })
    return { sources: [one], nodes, slowSinks }
  })

/** Any graph of consumers with several inputs. */
const graphs: fc.Arbitrary<GraphChoices> = fc.record({
  sources: fc.array(source, { minLength: 1, maxLength: 2 }),
  nodes: fc.array(
    fc.record({
      kind: fc.nat(kindCount - 1),
      inputs: fc.array(fc.nat(40), { minLength: 2, maxLength: 4 }),
      partitioning,
      parallelism,
      costMs,
    }),
    { minLength: 2, maxLength: 7 },
  ),
  slowSinks: fc.boolean(),
})

/** Dealt out over the edges one behind the other. */
const flows: fc.Arbitrary<readonly EdgeSettings[]> = fc.array(
  fc.record(
    { weight: fc.constantFrom(0.001, 1, 2, 1000), priority: fc.integer({ min: -1, max: 1 }), prefetch: fc.constantFrom(1, 2, 50) },
    { requiredKeys: [] },
  ),
  { minLength: 1, maxLength: 7 },
)

const settings: fc.Arbitrary<SimulationOptions> = fc.record({
  seed: fc.nat(),
  workers: fc.nat(3),
  chaining: fc.boolean(),
  ringBytes: fc.constant(4096),
  windowTargetMs: fc.constant(0.01),
  tickMsMax: fc.constantFrom(0.01, 0.2, 2),
  memoryBytes: fc.constant(1 << 30),
  codeGeneration: fc.boolean(),
})

const nameOf = (record: Traveller): string => [record.o, record.s, record.p, record.x].join(' ')

async function play(
  choice: GraphChoices,
  given: readonly EdgeSettings[],
  options: SimulationOptions,
  takesCheckpoints: boolean,
): Promise<number> {
  const random = randomGraph(choice, () => simulation)
  const edges = Object.fromEntries(nameEdges(random.graph).map((name, id) => [name, given[id % given.length] as EdgeSettings]))
  let taken = 0
  const checkpoints = takesCheckpoints
    ? threadCheckpoints(
        answer(
          () => simulation,
          () => taken++,
        ),
      )
    : undefined
  const simulation: Simulation = new Simulation(random.graph, { ...options, edges, ...(checkpoints === undefined ? {} : { checkpoints }) })
  await simulation.run()
  await simulation.idle()
  for (const [name, { records }] of random.expected(simulation.plan)) {
    const arrivals = random.arrived.get(name) ?? []
    expect(arrivals.map(({ record }) => nameOf(record)).sort(), `records of ${name}`).toEqual(records.map(nameOf).sort())
  }
  for (const subtask of simulation.snapshot().subtasks) expect(subtask.finished).toBe(true)
  return taken
}

/** Asks for one aligned checkpoint behind the other, and for the last one when everybody has come to its end. */
function answer(simulationOf: () => Simulation, took: () => void): (report: CheckpointReport) => void {
  let id = 0
  let acknowledged = 0
  let ended = 0
  let last = 0
  const trigger = (): void => {
    // One at a time, as a coordinator does: one that is begun over another is not waited for by anybody.
    if (last > 0 || (id > 0 && acknowledged < simulationOf().plan.subtasks.length)) return
    acknowledged = 0
    simulationOf().trigger(++id)
  }
  queueMicrotask(() => simulationOf().atStep(CHECKPOINT_STEPS, trigger))
  return (report) => {
    const simulation = simulationOf()
    const everybody = simulation.plan.subtasks.length
    if (report.type === 'declined') throw report.error
    if (report.type === 'ended') ended++
    if (report.type === 'acknowledged' && report.id === id && ++acknowledged === everybody) {
      took()
      if (id === last) return simulation.complete(id)
    }
    const free = id === 0 || acknowledged === everybody
    if (free && ended === everybody) {
      // One more may be planned for later.
      trigger()
      last = id
    } else if (free && acknowledged === everybody && id > 0) simulation.atStep(simulation.steps + CHECKPOINT_STEPS, trigger)
  }
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

describe.each([
  ['diamonds', diamonds],
  ['graphs of many joins', graphs],
])('%s with any weights and priorities', (_name, choices) => {
  it.each([
    ['without checkpoints', false],
    ['with aligned checkpoints', true],
  ])('run to their end and lose nothing, %s', { timeout: 3_600_000 }, async (_how, takesCheckpoints) => {
    let taken = 0
    await fc.assert(
      fc.asyncProperty(choices, flows, settings, async (choice, given, options) => {
        fc.pre(isSmall(choice))
        taken += await play(choice, given, options, takesCheckpoints)
      }),
      { numRuns: RUNS },
    )
    expect(taken > RUNS).toBe(takesCheckpoints)
  })
})

describe('a consumer that waits for the branch it prefers', () => {
  it('is found out', async () => {
    let chosen = -1
    const choose = InputSelection.prototype.choose
    vi.spyOn(InputSelection.prototype, 'choose').mockImplementation(function (this: InputSelection) {
      chosen = choose.call(this)
      return chosen
    })
    const pass = vi.spyOn(InputSelection.prototype, 'pass').mockImplementation(() => chosen)
    try {
      const diamond: GraphChoices = {
        sources: [{ reads: 0, count: 250, parallelism: 1 }],
        nodes: [
          { kind: 0, inputs: [0], partitioning: [4, 4, 4, 4], parallelism: 1 },
          { kind: 1, inputs: [0], partitioning: [4, 4, 4, 4], parallelism: 1 },
          { kind: 0, inputs: [1, 2], partitioning: [4, 4, 4, 4], parallelism: 1 },
        ],
        slowSinks: false,
      }
      const edges = [{}, {}, {}, { priority: 1 }, {}, {}]
      await expect(
        play(diamond, edges, { seed: 1, tickMsMax: 1e-4, workers: 2, chaining: false, ringBytes: 4096, windowTargetMs: 0.01 }, false),
      ).rejects.toThrow(/^(deadlock|livelock|no end) with seed 1/)
      expect(pass).toHaveBeenCalled()
    } finally {
      vi.restoreAllMocks()
    }
  })
})
