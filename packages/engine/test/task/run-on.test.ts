/** What is suspended runs on where a snapshot waits for it, and only as far as there is room. */
import { expect, it } from 'vitest'
import type { LogicalGraph } from '../../src/graph/logical-graph.js'
import { threadCheckpoints } from '../support/thread-checkpoints.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'
import { flatMap, indexSource, sink } from '../support/specs.js'

/** Runs to the end; a checkpoint is asked for by the test, and the last one when all have ended. */
function simulate(
  graph: LogicalGraph,
  options: SimulationOptions,
): { readonly simulation: Simulation; readonly acknowledged: Set<number> } {
  const acknowledged = new Set<number>()
  let ended = 0
  let last = 0
  const simulation: Simulation = new Simulation(graph, {
    ...options,
    checkpoints: threadCheckpoints((report) => {
      if (report.type === 'declined') throw report.error
      if (report.type === 'ended' && ++ended === simulation.plan.subtasks.length) simulation.trigger(2)
      if (report.type !== 'acknowledged') return
      acknowledged.add(report.id)
      if (report.id === 2 && ++last === simulation.plan.subtasks.length) simulation.complete(2)
    }),
  })
  return { simulation, acknowledged }
}

it('large records stay within the bound of the overdraft', async () => {
  let written = 0
  const graph = graphOf(
    [
      { name: 'one', spec: indexSource(1, (index) => index) },
      {
        name: 'large',
        spec: flatMap(function* () {
          for (let k = 0; k < 4; k++) {
            if (k === 1) simulation.trigger(1)
            yield { k, text: 'x'.repeat(600_000) }
          }
        }),
      },
      { name: 'out', spec: sink(() => ({ write: (records) => void (written += records.length) })) },
    ],
    [
      { from: 'one', to: 'large' },
      { from: 'large', to: 'out', partitioning: 'rebalance' },
    ],
  )
  const { simulation, acknowledged } = simulate(graph, { workers: 2, parallelism: 1, ringBytes: 4096, maxRecordBytes: 1 << 20 })
  await simulation.run()
  expect(written).toBe(4)
  expect(acknowledged.size).toBe(2)
})

it('a sink that has not returned is not given more than a batch', async () => {
  let pulled = 0
  let written = 0
  let ahead = 0
  const graph = graphOf(
    [
      { name: 'one', spec: indexSource(1, (index) => index) },
      {
        name: 'many',
        spec: flatMap(function* () {
          for (let k = 0; k < 20_000; k++) {
            if (k === 1000) simulation.trigger(1)
            pulled++
            ahead = Math.max(ahead, pulled - written)
            yield k
          }
        }),
      },
      {
        name: 'out',
        spec: sink(() => ({
          write: async (records) => {
            await simulation.delay(10)
            written += records.length
          },
        })),
      },
    ],
    [
      { from: 'one', to: 'many' },
      { from: 'many', to: 'out' },
    ],
  )
  const { simulation } = simulate(graph, { workers: 0 })
  await simulation.run()
  expect(written).toBe(20_000)
  expect(ahead).toBeLessThan(2_000)
})

it('one that stands in front of another waits for it', async () => {
  let pulled = 0
  let written = 0
  let ahead = 0
  const received: number[] = []
  const graph = graphOf(
    [
      { name: 'one', spec: indexSource(1, (index) => index) },
      {
        name: 'many',
        spec: flatMap(function* () {
          for (let k = 0; k < 3_000; k++) {
            pulled += 10
            ahead = Math.max(ahead, pulled - written)
            yield k
          }
        }),
      },
      {
        name: 'ten',
        spec: flatMap((value: number) => {
          if (value === 40) simulation.trigger(1)
          return Array.from({ length: 10 }, (_, k) => value * 10 + k)
        }),
      },
      {
        name: 'out',
        spec: sink(() => ({
          write: (records) => {
            simulation.spend(1)
            written += records.length
            received.push(...(records as number[]))
          },
        })),
      },
      // Its credit runs out later: in the midst of what runs on.
      { name: 'other', spec: sink(() => ({ write: () => {} })) },
    ],
    [
      { from: 'one', to: 'many' },
      { from: 'many', to: 'ten' },
      { from: 'ten', to: 'out', partitioning: 'rebalance' },
      { from: 'ten', to: 'other', partitioning: 'rebalance' },
    ],
  )
  const { simulation } = simulate(graph, { workers: 2, parallelism: 1, ringBytes: 4096 })
  await simulation.run()
  expect(received).toEqual(Array.from({ length: 30_000 }, (_, k) => k))
  expect(ahead).toBeLessThan(4_000)
})
