/** Shapes in which a wrong order of obligations is a deadlock, at the smallest rings and windows. */
import { describe, expect, it } from 'vitest'
import { graphOf } from '../support/run-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'
import { collectInto, flatMap, indexSource, map, range, sink } from '../support/specs.js'
import type { OperatorSpec } from '../../src/graph/operator-spec.js'

type Nodes = Parameters<typeof graphOf>[0][number]
type Edges = Parameters<typeof graphOf>[1][number]

const forms: [string, SimulationOptions][] = [
  ['generated', { codeGeneration: true }],
  ['interpreted', { codeGeneration: false }],
]
const smallest: SimulationOptions = { workers: 3, ringBytes: 4096, memoryBytes: 1 << 30, windowTargetMs: 0.01, chaining: false }
const wide = (id: number): unknown => ({ id, text: 'x'.repeat((id * 13) % 120) })
const sorted = (records: readonly unknown[]): number[] =>
  records.map((record) => (record as { id: number }).id).sort((left, right) => left - right)

describe.each(forms)('%s', (_name, form) => {
  it.each([1, 2, 3, 5])('fans out to 12 and in again, at parallelism %d', async (parallelism) => {
    const got: unknown[] = []
    const nodes: Nodes[] = [{ name: 'numbers', spec: indexSource(600, wide), parallelism: 1 }]
    const edges: Edges[] = []
    for (let branch = 0; branch < 12; branch++) {
      nodes.push({ name: `branch ${branch}`, spec: map((record) => record), parallelism })
      const partitioning = (['hash', 'rebalance', undefined] as const)[branch % 3]
      edges.push({
        from: 'numbers',
        to: `branch ${branch}`,
        partitioning,
        ...(partitioning === 'hash' ? { keyOf: (record: { id: number }) => record.id } : {}),
      })
      edges.push({ from: `branch ${branch}`, to: 'in' })
    }
    nodes.push({ name: 'in', spec: map((record) => record), parallelism: 2 }, { name: 'out', spec: collectInto(got), parallelism: 1 })
    edges.push({ from: 'in', to: 'out' })
    await new Simulation(graphOf(nodes, edges), { ...form, ...smallest, seed: parallelism }).run()
    expect(sorted(got)).toEqual(range(600).flatMap((id) => Array.from({ length: 12 }, () => id)))
  })

  it('reads a diamond whose one side makes much of little and whose other is slow', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const got: unknown[] = []
      const graph = graphOf(
        [
          { name: 'numbers', spec: indexSource(300, wide), parallelism: 1 },
          {
            name: 'split',
            spec: { kind: 'split', predicates: [(record: { id: number }) => record.id % 10 === 0] },
            ports: ['tenth', 'rest'],
            parallelism: 1,
          },
          { name: 'much', spec: flatMap((record: unknown) => Array.from({ length: 50 }, () => record)), parallelism: 1 },
          {
            name: 'slow',
            spec: map((record: unknown) => {
              simulation.spend(0.3)
              return record
            }),
            parallelism: 1,
          },
          { name: 'union', spec: map((record) => record), parallelism: 1 },
          { name: 'out', spec: collectInto(got), parallelism: 1 },
        ],
        [
          { from: 'numbers', to: 'split' },
          { from: 'split', to: 'much', port: 0 },
          { from: 'split', to: 'slow', port: 1 },
          { from: 'much', to: 'union' },
          { from: 'slow', to: 'union' },
          { from: 'union', to: 'out' },
        ],
      )
      const simulation: Simulation = new Simulation(graph, { ...form, ...smallest, seed })
      await simulation.run()
      expect(sorted(got)).toEqual(range(300).flatMap((id) => (id % 10 === 0 ? Array.from({ length: 50 }, () => id) : [id])))
    }
  })

  it('broadcasts to consumers of different speed, and holds all to the slowest', async () => {
    const counts: number[] = []
    let ahead = 0
    const slow: OperatorSpec = {
      kind: 'sink',
      create: ({ subtask: { index } }) => {
        counts[index] = 0
        return {
          write: (batch) => {
            counts[index] = (counts[index] ?? 0) + batch.length
            ahead = Math.max(ahead, Math.max(...counts) - Math.min(...counts))
            return index === 1 ? simulation.delay(3) : undefined
          },
        }
      },
    }
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(2000, wide), parallelism: 1 },
        { name: 'out', spec: slow, parallelism: 4 },
      ],
      [{ from: 'numbers', to: 'out', partitioning: 'broadcast' }],
    )
    const simulation: Simulation = new Simulation(graph, { ...form, ...smallest })
    await simulation.run()
    expect(counts).toEqual([2000, 2000, 2000, 2000])
    expect(ahead).toBeLessThan(600)
  })

  it('sends records in fragments through every kind of edge', async () => {
    const got: unknown[] = []
    const graph = graphOf(
      [
        { name: 'large', spec: indexSource(120, (id) => ({ id, text: 'ü'.repeat(id * 61) })), parallelism: 2 },
        { name: 'keyed', spec: map((record) => record), parallelism: 3 },
        { name: 'dealt', spec: flatMap((record) => [record, record]), parallelism: 2 },
        {
          name: 'out',
          spec: sink(() => ({
            write: (batch) => {
              got.push(...batch)
              return simulation.delay(1)
            },
          })),
          parallelism: 1,
        },
      ],
      [
        { from: 'large', to: 'keyed', partitioning: 'hash', keyOf: (record: { id: number }) => record.id % 5 },
        { from: 'keyed', to: 'dealt', partitioning: 'rebalance' },
        { from: 'dealt', to: 'out' },
      ],
    )
    const simulation: Simulation = new Simulation(graph, { ...form, ...smallest })
    await simulation.run()
    expect(sorted(got)).toEqual(range(120).flatMap((id) => [id, id]))
    for (const record of got as { id: number; text: string }[]) expect(record.text.length).toBe(record.id * 61)
  })
})
