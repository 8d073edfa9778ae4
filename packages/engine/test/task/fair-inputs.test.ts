/** Whole graphs in virtual time: who gets which share of a consumer's time, and how long records wait. */
import { describe, expect, it } from 'vitest'
import { windowBytesMin } from '../../src/channel/ring-layout.js'
import { Command } from '../../src/control/control-layout.js'
import type { EdgeSettings } from '../../src/graph/logical-graph.js'
import type { OperatorSpec } from '../../src/graph/operator-spec.js'
import type { MetricsSnapshot } from '../../src/metrics/read-metrics.js'
import { reportInterval } from '../../src/metrics/report-interval.js'
import { frameBytesOf } from '../../src/plan/plan-memory.js'
import { SAVED_MS_MAX, STARVED_MS_MAX, STARVED_TURN_MS } from '../../src/task/input-selection.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'
import { general, indexSource, sink, splitSource } from '../support/specs.js'

const TEXT = 'x'.repeat(100)
const WARM_UP_MS = 2_000

interface Numbered {
  readonly from: number
  readonly madeAtMs: number
}

interface Race {
  readonly simulation: Simulation
  /** Time that the consumer spent on each source's records, behind the warm-up. */
  readonly spentMs: number[]
  readonly records: number[]
  /** When it took each of them, and from whom. */
  readonly taken: { readonly from: number; readonly madeAtMs: number; readonly atMs: number }[]
}

interface Racer {
  /** Time that the consumer needs for a record. */
  readonly costMs: number
  /** Records per second; undefined: as many as it takes. */
  readonly rate?: number
  readonly count?: number
  /** With a count: nothing comes before. */
  readonly beginsAtMs?: number
  readonly edge?: EdgeSettings
}

function sourceOf({ rate, count, beginsAtMs }: Racer, from: number, simulation: () => Simulation): OperatorSpec {
  const record = (): Numbered & { readonly text: string } => ({ from, madeAtMs: simulation().nowMs, text: TEXT })
  if (beginsAtMs === undefined || count === undefined) return indexSource(count, record, rate)
  return splitSource([0], async () => {
    await simulation().delay(beginsAtMs)
    let left = count
    return { next: () => ((left -= 100) < 0 ? undefined : { records: Array.from({ length: 100 }, record) }) }
  })
}

/** Sources into one consumer, for so long. */
async function race(
  racers: readonly Racer[],
  forMs: number,
  options: SimulationOptions = {},
  watch: (simulation: Simulation) => void = () => {},
): Promise<Race> {
  const spentMs = racers.map(() => 0)
  const records = racers.map(() => 0)
  const taken: Race['taken'] = []
  const consumer: OperatorSpec = general(() => ({
    process: (record) => {
      const { from, madeAtMs } = record as Numbered
      const { costMs } = racers[from] as Racer
      taken.push({ from, madeAtMs, atMs: simulation.nowMs })
      simulation.spend(costMs)
      if (simulation.nowMs < 1000 + WARM_UP_MS) return
      spentMs[from] = (spentMs[from] as number) + costMs
      records[from] = (records[from] as number) + 1
    },
  }))
  const graph = graphOf(
    [
      ...racers.map((racer, from) => ({ name: `source ${from}`, spec: sourceOf(racer, from, () => simulation), parallelism: 1 })),
      { name: 'consumer', spec: consumer, parallelism: 1 },
      { name: 'out', spec: sink(() => ({ write: () => {} })), parallelism: 1 },
    ],
    [...racers.map((_, from) => ({ from: `source ${from}`, to: 'consumer' })), { from: 'consumer', to: 'out' }],
  )
  const edges = Object.fromEntries(racers.flatMap(({ edge }, from) => (edge === undefined ? [] : [[`source ${from} -> consumer`, edge]])))
  const simulation: Simulation = new Simulation(graph, {
    workers: racers.length + 1,
    tickMsMax: 0.002,
    chaining: false,
    spinsMax: 1e9,
    edges,
    ...options,
  })
  void simulation.delay(forMs).then(() => simulation.command(Command.abort))
  watch(simulation)
  await simulation.run()
  return { simulation, spentMs, records, taken }
}

const shareOf = (spentMs: readonly number[], racer: number): number =>
  (spentMs[racer] as number) / spentMs.reduce((sum, each) => sum + each, 0)

/** `dry`: share of the time in which a small ring is empty, because its producer has no turn: what others do with it is no matter of fairness. */
describe.each<[string, SimulationOptions, number]>([
  ['over rings', {}, 0],
  ['over local edges', { workers: 0 }, 0],
  ['over small rings', { ringBytes: 16_384 }, 0.1],
])('inputs of a saturated consumer, %s', (_name, options, dry) => {
  it('get shares of its time by their weights', async () => {
    const { spentMs } = await race(
      [
        { costMs: 0.2, edge: { weight: 3 } },
        { costMs: 0.2, edge: { weight: 1 } },
      ],
      6_000,
      options,
    )
    expect(shareOf(spentMs, 0)).toBeGreaterThan(0.72)
    expect(shareOf(spentMs, 0)).toBeLessThan(0.78)
  })

  it('get no more time where their records cost ten times as much', async () => {
    const { spentMs, records } = await race([{ costMs: 0.1, edge: { weight: 1 } }, { costMs: 1 }], 6_000, options)
    expect(shareOf(spentMs, 1)).toBeGreaterThan(0.46)
    expect(shareOf(spentMs, 1)).toBeLessThan(0.54)
    expect((records[0] as number) / (records[1] as number)).toBeGreaterThan(8)
  })

  it('are choked, and not for ever, by one of a higher priority', async () => {
    const { spentMs, taken } = await race([{ costMs: 0.2 }, { costMs: 0.2, edge: { priority: 1 } }], 8_000, options)
    expect(shareOf(spentMs, 0)).toBeGreaterThan((0.5 * STARVED_TURN_MS) / STARVED_MS_MAX)
    expect(shareOf(spentMs, 0)).toBeLessThan(dry + (2 * STARVED_TURN_MS) / STARVED_MS_MAX)
    const reads = taken.filter(({ from }) => from === 0).map(({ atMs }) => atMs)
    reads.slice(1).forEach((atMs, at) => expect(atMs - (reads[at] as number)).toBeLessThan(STARVED_MS_MAX * 1.1))
  })
})

it('without weights an input with expensive records takes most of the time: that is what weights are for', async () => {
  const { spentMs } = await race([{ costMs: 0.1 }, { costMs: 1 }], 6_000)
  expect(shareOf(spentMs, 1)).toBeGreaterThan(0.8)
})

it('a flood does not keep records of another input waiting', async () => {
  const RATE = 100
  const waitMs = async (edge: EdgeSettings | undefined): Promise<number> => {
    const { taken } = await race([{ costMs: 0.5 }, { costMs: 0.5, rate: RATE, ...(edge === undefined ? {} : { edge }) }], 6_000)
    const waits = taken.filter(({ from, atMs }) => from === 1 && atMs > 1000 + WARM_UP_MS).map(({ madeAtMs, atMs }) => atMs - madeAtMs)
    expect(waits.length).toBeGreaterThan(300)
    return Math.max(...waits)
  }
  // One driver call of the flood, what starving ones may get, and the way through two threads.
  const BOUND_MS = 10
  expect(await waitMs(undefined)).toBeGreaterThan(100)
  expect(await waitMs({ weight: 1 })).toBeLessThan(SAVED_MS_MAX + BOUND_MS)
  expect(await waitMs({ priority: 1 })).toBeLessThan(STARVED_TURN_MS + BOUND_MS)
})

it('gives time that nobody else asks for to an input of the lowest weight', async () => {
  const { spentMs } = await race(
    [
      { costMs: 0.2, edge: { weight: 0.001 } },
      { costMs: 0.2, rate: 100 },
    ],
    6_000,
  )
  const busy = spentMs.reduce((sum, each) => sum + each, 0)
  expect(busy).toBeGreaterThan(0.95 * (6_000 - WARM_UP_MS))
})

describe('the window of a choked input', () => {
  const windowsOf = ({ plan, snapshot }: { readonly plan: Simulation['plan']; readonly snapshot: MetricsSnapshot }): number[] =>
    [0, 1].map((from) => {
      const [id] = plan.edges.find(({ name }) => name === `source ${from} -> consumer`)?.channels ?? []
      return snapshot.channels[id as number]?.windowBytes as number
    })
  const OPTIONS: SimulationOptions = { windowTargetMs: 50, ringBytes: 1 << 20 }
  const windowsAt = async (racers: readonly Racer[], atMs: readonly number[]): Promise<number[][]> => {
    const seen: number[][] = []
    await race(racers, Math.max(...atMs) + 100, OPTIONS, (simulation) => {
      for (const each of atMs)
        void simulation.delay(each).then(() => seen.push(windowsOf({ plan: simulation.plan, snapshot: simulation.snapshot() })))
    })
    return seen
  }

  it('shrinks with its share', async () => {
    const [[first = 0, second = 0] = []] = await windowsAt([{ costMs: 0.02, edge: { weight: 3 } }, { costMs: 0.02 }], [5_000])
    // Three times as large, and a window stays where it is off by less than a quarter of itself.
    expect(first / second).toBeGreaterThan(3 * (0.75 / 1.25))
    expect(first / second).toBeLessThan(3 * (1.25 / 0.75))
  })

  it('closes when others are read first, and opens again when they have ended', async () => {
    const [beginsAtMs, endsAtMs] = [2_000, 5_000]
    const count = (endsAtMs - beginsAtMs) / 0.021
    const [before = [], choked = [], freed = []] = await windowsAt(
      [{ costMs: 0.02 }, { costMs: 0.02, beginsAtMs, count, edge: { priority: 1 } }],
      [beginsAtMs, endsAtMs - 300, endsAtMs + 3_000],
    )
    const smallest = windowBytesMin(frameBytesOf(1 << 20))
    expect(before[0]).toBeGreaterThan(5 * smallest)
    expect(choked[0]).toBeLessThan(1.5 * smallest)
    expect(choked[1]).toBeGreaterThan(5 * smallest)
    expect(freed[0]).toBeGreaterThan(5 * smallest)
  })
})

it('a producer whose records are choked is held back by the consumer that chokes it', async () => {
  const snapshots: MetricsSnapshot[] = []
  const { simulation } = await race([{ costMs: 0.2 }, { costMs: 0.2, edge: { priority: 1 } }], 8_000, { ringBytes: 1 << 16 }, (running) => {
    for (const atMs of [3_000, 7_000]) void running.delay(atMs).then(() => snapshots.push(running.snapshot()))
  })
  const [before, after] = snapshots as [MetricsSnapshot, MetricsSnapshot]
  const { bottleneck, edges } = reportInterval(simulation.graph, simulation.plan, before, after)
  expect(bottleneck).toMatchObject({ operator: 'consumer', aligning: [] })
  const held = new Map(bottleneck?.heldBackMsPerSecond.map(({ source, ms }) => [source, ms]))
  expect(held.get('source 0')).toBeGreaterThan(900)
  expect(held.get('source 1')).toBeGreaterThan(300)
  expect(edges.find(({ edge }) => edge === 'source 0 -> consumer')).toMatchObject({ level: 'HIGH' })
})
