/** What an edge can hold is a number that the plan prints: with a stalled sink, no more than that has left the source. */
import { describe, expect, it } from 'vitest'
import { Command } from '../../src/control/control-layout.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'
import { asyncMap, flatMap, general, indexSource, map, sink, splitSource } from '../support/specs.js'
import type { OperatorSpec } from '../../src/graph/operator-spec.js'

/** 8 bytes of number, 40 of text, and what the codec adds. */
const recordOf = (index: number) => ({ id: index + 0.5, text: 'x'.repeat(40) })
const RECORD_BYTES = 50

const stalled = (): OperatorSpec => sink(() => ({ write: () => new Promise<void>(() => {}) }))

/** Runs until nothing moves any more, then aborts; says what the source gave and what reached the sink. */
async function stall(
  nodes: (counted: (record: unknown) => unknown) => Parameters<typeof graphOf>[0],
  edges: Parameters<typeof graphOf>[1],
  options: SimulationOptions,
): Promise<{ readonly given: number; readonly written: number; readonly boundBytes: number; readonly simulation: Simulation }> {
  let given = 0
  const graph = graphOf(
    nodes((record) => {
      given++
      return record
    }),
    edges,
  )
  const simulation = new Simulation(graph, options)
  simulation.onStall(() => simulation.command(Command.abort))
  await simulation.run()
  const written = simulation.snapshot().subtasks.reduce((sum, { recordsIn }, id) => {
    const task = simulation.plan.tasks[simulation.plan.subtasks[id]?.task ?? -1]
    const last = graph.nodes[task?.nodes.at(-1) ?? -1]
    return last?.spec.kind === 'sink' ? sum + recordsIn : sum
  }, 0)
  const boundBytes = simulation.plan.memory.edgeBoundBytes.reduce((sum, bytes) => sum + bytes, 0)
  return { given, written, boundBytes, simulation }
}

const settings: [string, SimulationOptions][] = [
  ['rings of 4 KiB', { workers: 2, parallelism: 1, chaining: false, ringBytes: 4096, maxRecordBytes: 512 }],
  ['rings of 64 KiB', { workers: 2, parallelism: 1, chaining: false, ringBytes: 65_536, maxRecordBytes: 8192 }],
  [
    'rings of 4 KiB, the largest windows',
    { workers: 2, parallelism: 1, chaining: false, ringBytes: 4096, maxRecordBytes: 512, adaptiveWindow: false },
  ],
  ['local edges', { workers: 0, chaining: false, ringBytes: 65_536, maxRecordBytes: 8192, adaptiveWindow: false }],
]

describe.each(settings)('with a stalled sink, %s', (_name, options) => {
  it('the source gives no more than the edge can hold', async () => {
    const { given, written, boundBytes, simulation } = await stall(
      (counted) => [
        { name: 'numbers', spec: indexSource(undefined, (index) => counted(recordOf(index))) },
        { name: 'out', spec: stalled() },
      ],
      [{ from: 'numbers', to: 'out' }],
      options,
    )
    const heldBytes = (given - written) * RECORD_BYTES
    expect(heldBytes).toBeLessThanOrEqual(boundBytes)
    expect(given).toBeGreaterThan(10)
    const [channel] = simulation.snapshot().channels
    expect((channel?.bytes ?? 0) - (channel?.consumedBytes ?? 0)).toBeLessThanOrEqual(options.ringBytes ?? 0)
  })

  it('nor over several edges and expansions', async () => {
    const { given, written, boundBytes } = await stall(
      (counted) => [
        { name: 'one', spec: indexSource(undefined, (index) => index) },
        {
          name: 'many',
          spec: flatMap(function* (record: number) {
            for (let k = 0; k < 10_000; k++) yield counted(recordOf(record * 10_000 + k))
          }),
        },
        { name: 'pass', spec: map((record) => record) },
        { name: 'rows', spec: general((context) => ({ process: (record, timestamp) => context.expand([record], timestamp) })) },
        { name: 'out', spec: stalled() },
      ],
      [
        { from: 'one', to: 'many' },
        { from: 'many', to: 'pass' },
        { from: 'pass', to: 'rows' },
        { from: 'rows', to: 'out' },
      ],
      options,
    )
    expect((given - written) * RECORD_BYTES).toBeLessThanOrEqual(boundBytes)
  })

  it('nor through an asynchronous operator that never answers', async () => {
    const { given, boundBytes } = await stall(
      (counted) => [
        { name: 'numbers', spec: indexSource(undefined, (index) => counted(recordOf(index))) },
        { name: 'ask', spec: asyncMap(() => new Promise(() => {}), { concurrency: 20, timeoutMs: Number.POSITIVE_INFINITY }) },
        { name: 'out', spec: sink(() => ({ write() {} })) },
      ],
      [
        { from: 'numbers', to: 'ask' },
        { from: 'ask', to: 'out' },
      ],
      options,
    )
    expect(given * RECORD_BYTES).toBeLessThanOrEqual(boundBytes)
    expect(given).toBeGreaterThan(20)
  })

  it('nor as dead letters, of which a batch may have many', async () => {
    const { given, boundBytes } = await stall(
      (counted) => [
        {
          name: 'read',
          ports: ['out', 'deadLetters'],
          spec: splitSource([0], () => ({
            next: () => ({
              records: [],
              deadLetters: Array.from({ length: 5000 }, (_, index) => ({
                get operator() {
                  counted(undefined)
                  return 'read'
                },
                input: recordOf(index),
                reason: 'no',
                position: undefined,
              })),
            }),
          })),
        },
        { name: 'good', spec: sink(() => ({ write() {} })) },
        { name: 'bad', spec: stalled() },
      ],
      [
        { from: 'read', to: 'good' },
        { from: 'read', to: 'bad', port: 1 },
      ],
      options,
    )
    expect(given).toBeGreaterThan(5)
    // Each is looked at more than once by the codec.
    expect(given).toBeLessThan((4 * boundBytes) / RECORD_BYTES)
  })
})
