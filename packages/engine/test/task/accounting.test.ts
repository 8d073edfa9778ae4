/** Where the time of a subtask goes, in virtual time: the four shares add up to what has passed. */
import { describe, expect, it } from 'vitest'
import { Command } from '../../src/control/control-layout.js'
import type { OperatorSpec } from '../../src/graph/operator-spec.js'
import { SubtaskState } from '../../src/metrics/metric-layout.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'
import { asyncMap, collectInto, flatMap, indexSource, map, sink } from '../support/specs.js'

interface Shares {
  readonly busy: number
  readonly queued: number
  readonly backpressured: number
  readonly idle: number
  readonly total: number
}

/** Shares of each operator's only subtask, by the name of its task. */
function sharesOf(simulation: Simulation): Record<string, Shares> {
  const { subtasks } = simulation.snapshot()
  return Object.fromEntries(
    simulation.plan.subtasks.map((planned, id) => {
      const { busyMs = 0, queuedMs = 0, backpressuredMs = 0, idleMs = 0 } = subtasks[id] ?? {}
      const total = busyMs + queuedMs + backpressuredMs + idleMs
      return [
        simulation.plan.tasks[planned.task]?.name ?? '',
        { busy: busyMs / total, queued: queuedMs / total, backpressured: backpressuredMs / total, idle: idleMs / total, total },
      ]
    }),
  )
}

/** Source, two maps and a sink over edges; stopped when the sink has had so many records. */
async function chain(
  options: SimulationOptions,
  spends: { readonly source?: number; readonly first?: number; readonly second?: number; readonly sink?: number },
  records = 3000,
  rate?: number,
): Promise<Simulation> {
  const spend =
    (ms: number | undefined) =>
    (record: unknown): unknown => {
      if (ms !== undefined) simulation.spend(ms)
      return record
    }
  let written = 0
  const graph = graphOf(
    [
      { name: 'source', spec: indexSource(undefined, spend(spends.source), rate) },
      { name: 'first', spec: map(spend(spends.first)) },
      { name: 'second', spec: map(spend(spends.second)) },
      {
        name: 'sink',
        spec: sink(() => ({
          write: (batch) => {
            for (const record of batch) spend(spends.sink)(record)
            written += batch.length
            if (written > records) simulation.command(Command.abort)
          },
        })),
      },
    ],
    [
      { from: 'source', to: 'first' },
      { from: 'first', to: 'second' },
      { from: 'second', to: 'sink' },
    ],
  )
  const simulation: Simulation = new Simulation(graph, { chaining: false, tickMsMax: 0.0001, ...options })
  await simulation.run()
  return simulation
}

const started = 1000

describe('the time of a subtask', () => {
  it.each<[string, SimulationOptions]>([
    ['on one thread', { workers: 0 }],
    ['on two threads', { workers: 2, parallelism: 1, ringBytes: 4096 }],
    ['with a clock that leaps', { workers: 2, parallelism: 1, tickMsMax: 3 }],
  ])('adds up to what has passed, %s', async (_name, options) => {
    for (let seed = 1; seed <= 5; seed++) {
      const simulation = await chain({ ...options, seed }, { source: 0.01, first: 0.02, second: 0.05, sink: 0.01 }, 1000)
      const passedMs = simulation.nowMs - started
      for (const [name, { total }] of Object.entries(sharesOf(simulation))) {
        expect(total / passedMs, `share of ${name}`).toBeGreaterThan(0.97)
        expect(total / passedMs, `share of ${name}`).toBeLessThan(1.0001)
      }
    }
  })

  it('is idle in front of an empty input, and backpressured behind a slow one', async () => {
    // All loops of the simulation share one clock: what one spends passes for all, and whoever could run is queued meanwhile.
    const shares = sharesOf(await chain({ workers: 4, parallelism: 1, ringBytes: 4096 }, { second: 0.5 }))
    expect(shares['second']?.busy).toBeGreaterThan(0.9)
    expect(shares['source']?.backpressured).toBeGreaterThan(0.5)
    expect(shares['first']?.backpressured).toBeGreaterThan(0.5)
    expect(shares['source']?.idle).toBeLessThan(0.01)
    expect(shares['sink']?.idle).toBeGreaterThan(0.5)
  })

  it('is idle everywhere in front of a source that has nothing', async () => {
    const simulation = await chain({ workers: 2, parallelism: 1 }, {}, 10, 10)
    for (const [name, { idle }] of Object.entries(sharesOf(simulation))) expect(idle, `idle share of ${name}`).toBeGreaterThan(0.95)
    // A timer of the source, one wake-up per consumer: nothing else costs anything.
    expect(simulation.steps).toBeLessThan(300)
  })

  it('is queued where the thread is busy with another subtask', async () => {
    const shares = sharesOf(await chain({ workers: 0 }, { first: 0.2, second: 0.2 }))
    const { first, second } = shares
    expect((first?.busy ?? 0) + (second?.busy ?? 0)).toBeGreaterThan(0.9)
    expect(first?.busy).toBeCloseTo(0.5, 1)
    for (const one of [first, second]) expect((one?.queued ?? 0) + (one?.idle ?? 0) + (one?.backpressured ?? 0)).toBeCloseTo(0.5, 1)
  })

  it('is busy while asynchronous work is at its limit or a sink is being written', async () => {
    const got: unknown[] = []
    const slow: OperatorSpec = sink(() => ({
      write: (batch) => {
        got.push(...batch)
        return simulation.delay(50)
      },
    }))
    const graph = graphOf(
      [
        { name: 'source', spec: indexSource(2000, (index) => index) },
        { name: 'ask', spec: asyncMap((record) => simulation.delay(10).then(() => record), { concurrency: 4 }) },
        { name: 'pass', spec: map((record) => record) },
        { name: 'sink', spec: slow },
      ],
      [
        { from: 'source', to: 'ask' },
        { from: 'ask', to: 'pass', partitioning: 'rebalance' },
        { from: 'pass', to: 'sink', partitioning: 'rebalance' },
      ],
    )
    const simulation: Simulation = new Simulation(graph, { workers: 2, parallelism: 1, tickMsMax: 0.001, adaptiveWindow: false })
    const samples: number[] = []
    simulation.onClock((reading) => {
      if (reading % 50 === 0 && simulation.nowMs - started > 100 && got.length < 1500)
        samples.push(simulation.snapshot().subtasks[1]?.state ?? -1)
    })
    await simulation.run()
    const shares = sharesOf(simulation)
    expect(got).toHaveLength(2000)
    expect(shares['ask']?.busy).toBeGreaterThan(0.9)
    expect(shares['sink']?.busy).toBeGreaterThan(0.9)
    expect(
      samples.filter((state) => state === SubtaskState.waiting || state === SubtaskState.busy).length / samples.length,
    ).toBeGreaterThan(0.8)
  })
})

describe('the time of a channel', () => {
  it('is blocked while its producer lacks credit, starved while its consumer has nothing', async () => {
    const simulation = await chain({ workers: 4, parallelism: 1, ringBytes: 4096 }, { second: 0.5 })
    const passedMs = simulation.nowMs - started
    const channels = simulation.snapshot().channels
    const of = (name: string) => channels[simulation.plan.edges.find((edge) => edge.name === name)?.channels[0] ?? -1]
    expect((of('first -> second')?.blockedMs ?? 0) / passedMs).toBeGreaterThan(0.5)
    expect((of('first -> second')?.blockedMs ?? 0) / passedMs).toBeLessThanOrEqual(1)
    expect((of('second -> sink')?.starvedMs ?? 0) / passedMs).toBeGreaterThan(0.5)
    expect((of('second -> sink')?.blockedMs ?? 0) / passedMs).toBeLessThan(0.05)
    for (const channel of channels) {
      expect(channel.blockedMs).toBeLessThanOrEqual(passedMs)
      expect(channel.starvedMs).toBeLessThanOrEqual(passedMs)
      expect(channel.consumedRecords).toBeLessThanOrEqual(channel.records)
    }
  })

  it('ends with the channel: nothing is blocked or starved for ever after', async () => {
    const graph = graphOf(
      [
        { name: 'short', spec: indexSource(10, (index) => index) },
        { name: 'long', spec: indexSource(400, (index) => index, 1000) },
        { name: 'both', spec: flatMap((record: unknown) => [record]) },
        { name: 'out', spec: collectInto([]) },
      ],
      [
        { from: 'short', to: 'both' },
        { from: 'long', to: 'both' },
        { from: 'both', to: 'out' },
      ],
    )
    const simulation = new Simulation(graph, { workers: 2, parallelism: 1, chaining: false })
    await simulation.run()
    const before = simulation.snapshot()
    simulation.spend(1e6)
    const after = simulation.snapshot()
    expect(after.channels.map(({ blockedMs, starvedMs, openStallMs }) => ({ blockedMs, starvedMs, openStallMs }))).toEqual(
      before.channels.map(({ blockedMs, starvedMs, openStallMs }) => ({ blockedMs, starvedMs, openStallMs })),
    )
    // The input that ended long before the other does not wait for anything.
    const short = before.channels[simulation.plan.edges.find((edge) => edge.name === 'short -> both')?.channels[0] ?? -1]
    expect(short?.starvedMs).toBeLessThan(100)
  })
})

describe('the adaptive window', () => {
  it('shrinks in front of a slow consumer, and is worth its target', async () => {
    const simulation = await chain(
      { workers: 4, parallelism: 1, ringBytes: 131_072, windowTargetMs: 100 },
      { source: 0.001, second: 0.2 },
      5000,
    )
    const channels = simulation.snapshot().channels
    const slow = channels[simulation.plan.edges.find((edge) => edge.name === 'first -> second')?.channels[0] ?? -1]
    const record = (slow?.bytes ?? 0) / (slow?.records ?? 1)
    // 100 ms at 0.2 ms a record, though never less than the smallest window.
    const wantedBytes = Math.max(500 * record, 2 * 16_384)
    expect(slow?.windowBytes).toBeGreaterThan(wantedBytes * 0.7)
    expect(slow?.windowBytes).toBeLessThan(wantedBytes * 1.3)
  })

  it('grows where the consumer is fast and shrinks again where it becomes slow', async () => {
    let seen = 0
    let widest = 0
    let shrunk = 0
    const graph = graphOf(
      [
        { name: 'source', spec: indexSource(60_000, (index) => ({ index, text: 'x'.repeat(60) })) },
        {
          name: 'work',
          spec: map((record: unknown) => {
            simulation.spend(++seen < 50_000 ? 0.01 : 1)
            if (seen % 100 === 0) {
              const [channel] = simulation.snapshot().channels
              widest = Math.max(widest, channel?.windowBytes ?? 0)
              shrunk = channel?.windowShrinks ?? 0
            }
            return record
          }),
        },
        { name: 'out', spec: sink(() => ({ write() {} })) },
      ],
      [
        { from: 'source', to: 'work' },
        { from: 'work', to: 'out' },
      ],
    )
    const simulation: Simulation = new Simulation(graph, {
      workers: 2,
      parallelism: 1,
      chaining: false,
      ringBytes: 131_072,
      tickMsMax: 0.001,
    })
    await simulation.run()
    const [channel] = simulation.snapshot().channels
    expect(widest).toBeGreaterThan(100_000)
    expect(shrunk).toBeGreaterThanOrEqual(1)
    expect(channel?.windowBytes).toBeLessThan(40_000)
  })

  it('stays where it is when it is switched off', async () => {
    const simulation = await chain({ workers: 4, parallelism: 1, ringBytes: 65_536, adaptiveWindow: false }, { second: 0.5 }, 500)
    for (const { windowBytes, windowShrinks } of simulation.snapshot().channels) {
      expect(windowBytes).toBeGreaterThan(50_000)
      expect(windowShrinks).toBe(0)
    }
  })
})
