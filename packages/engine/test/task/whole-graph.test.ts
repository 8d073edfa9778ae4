import { describe, expect, it } from 'vitest'
import type { OperatorSpec } from '../../src/graph/operator-spec.js'
import { graphOf, type RunGraphOptions, startGraph } from '../support/run-graph.js'

const numbers = (count: number): OperatorSpec => ({
  kind: 'source',
  reads: 'index',
  fn: (index) => ({ id: index, text: `t${index % 7}` }),
  count,
  ratePerSecond: undefined,
})

function collectInto(records: unknown[]): OperatorSpec {
  return {
    kind: 'sink',
    create: () => ({
      write: (batch) => {
        records.push(...batch)
      },
    }),
  }
}

const forms: [string, RunGraphOptions][] = [
  ['generated', { codeGeneration: true }],
  ['interpreted', { codeGeneration: false }],
]

describe.each(forms)('a whole graph, %s', (_, form) => {
  it.each([
    ['chained on one thread', { workers: 0 }],
    ['over local edges', { workers: 0, chaining: false }],
    ['over rings', { workers: 2, parallelism: 1, chaining: false }],
    ['over the smallest rings', { workers: 2, parallelism: 1, chaining: false, ringBytes: 4096 }],
  ])('carries every record in order: %s', async (_name, options) => {
    const records: { id: number }[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: numbers(10_000) },
        { name: 'double', spec: { kind: 'map', fn: (record: { id: number; text: string }) => ({ id: record.id * 2, text: record.text }) } },
        { name: 'even', spec: { kind: 'filter', fn: (record: { id: number }) => record.id % 3 === 0 } },
        { name: 'twice', spec: { kind: 'flatMap', fn: (record: { id: number }) => [record, { ...record, id: record.id + 1 }] } },
        { name: 'out', spec: collectInto(records) },
      ],
      [
        { from: 'numbers', to: 'double' },
        { from: 'double', to: 'even' },
        { from: 'even', to: 'twice' },
        { from: 'twice', to: 'out' },
      ],
    )
    await startGraph(graph, { ...form, ...options }).done
    const expected = Array.from({ length: 10_000 }, (_unused, index) => index * 2)
      .filter((id) => id % 3 === 0)
      .flatMap((id) => [id, id + 1])
    expect(records.map((record) => record.id)).toEqual(expected)
  })

  it('keeps the order per key and loses nothing over a keyed exchange', async () => {
    const records: { id: number; text: string }[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: numbers(20_000) },
        { name: 'pass', spec: { kind: 'map', fn: (record: unknown) => record } },
        { name: 'out', spec: collectInto(records) },
      ],
      [
        { from: 'numbers', to: 'pass', partitioning: 'hash', keyOf: (record: { text: string }) => record.text },
        { from: 'pass', to: 'out' },
      ],
    )
    const run = startGraph(graph, { ...form, workers: 2, parallelism: 2, ringBytes: 4096 })
    await run.done
    expect(records).toHaveLength(20_000)
    expect(new Set(records.map((record) => record.id)).size).toBe(20_000)
  })

  it('carries records larger than a frame in fragments', async () => {
    const records: { id: number; text: string }[] = []
    const graph = graphOf(
      [
        {
          name: 'large',
          spec: {
            kind: 'source',
            reads: 'index',
            fn: (index) => ({ id: index, text: 'ä'.repeat(index * 37) }),
            count: 200,
            ratePerSecond: undefined,
          },
        },
        { name: 'out', spec: collectInto(records) },
      ],
      [{ from: 'large', to: 'out' }],
    )
    await startGraph(graph, { ...form, workers: 2, parallelism: 1, chaining: false, ringBytes: 4096 }).done
    expect(records.map((record) => record.text.length)).toEqual(Array.from({ length: 200 }, (_unused, index) => index * 37))
  })

  it('suspends a generator of flatMap while there is no credit', async () => {
    let ahead = 0
    let pulled = 0
    let written = 0
    const graph = graphOf(
      [
        { name: 'one', spec: { kind: 'source', reads: 'index', fn: (index) => index, count: 1, ratePerSecond: undefined } },
        {
          name: 'many',
          spec: {
            kind: 'flatMap',
            fn: function* () {
              for (let k = 0; k < 50_000; k++) {
                pulled++
                ahead = Math.max(ahead, pulled - written)
                yield { k, text: 'x'.repeat(40) }
              }
            },
          },
        },
        {
          name: 'out',
          spec: {
            kind: 'sink',
            create: () => ({
              write: (batch) => {
                written += batch.length
              },
            }),
          },
        },
      ],
      [
        { from: 'one', to: 'many' },
        { from: 'many', to: 'out' },
      ],
    )
    await startGraph(graph, { ...form, workers: 2, parallelism: 1, chaining: false, ringBytes: 4096 }).done
    expect(written).toBe(50_000)
    expect(ahead).toBeLessThan(1000)
  })

  it('awaits asynchronous operators, ordered and not', async () => {
    for (const ordered of [true, false]) {
      const records: { id: number }[] = []
      let inFlight = 0
      let most = 0
      const graph = graphOf(
        [
          { name: 'numbers', spec: numbers(500) },
          {
            name: 'ask',
            spec: {
              kind: 'async',
              fn: async (record: { id: number }) => {
                most = Math.max(most, ++inFlight)
                await new Promise((resolve) => setImmediate(resolve))
                if (record.id % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
                inFlight--
                return record
              },
              concurrency: 8,
              ordered,
              timeoutMs: 60_000,
              discardsResults: false,
              mayChain: false,
            },
          },
          { name: 'out', spec: collectInto(records) },
        ],
        [
          { from: 'numbers', to: 'ask' },
          { from: 'ask', to: 'out' },
        ],
      )
      await startGraph(graph, { ...form, workers: 2, parallelism: 1 }).done
      const ids = records.map((record) => record.id)
      expect(most).toBe(8)
      const all = Array.from({ length: 500 }, (_unused, index) => index)
      if (ordered) expect(ids).toEqual(all)
      else expect(ids.toSorted((left, right) => left - right)).toEqual(all)
    }
  })

  it('names the operator whose function threw', async () => {
    const graph = graphOf(
      [
        { name: 'numbers', spec: numbers(5000) },
        { name: 'fine', spec: { kind: 'map', fn: (record: unknown) => record } },
        {
          name: 'breaks',
          declaredAt: 'job.ts:7:3',
          spec: {
            kind: 'map',
            fn: (record: { id: number }) => {
              if (record.id === 4321) throw new TypeError('no such field')
              return record
            },
          },
        },
        { name: 'out', spec: collectInto([]) },
      ],
      [
        { from: 'numbers', to: 'fine' },
        { from: 'fine', to: 'breaks' },
        { from: 'breaks', to: 'out' },
      ],
    )
    await expect(startGraph(graph, { ...form, workers: 0 }).done).rejects.toMatchObject({
      code: 'SLUICE_OPERATOR_FAILED',
      message: 'breaks (subtask 0) threw TypeError: no such field',
      coordinates: { operator: 'breaks', subtask: 0, declaredAt: 'job.ts:7:3' },
    })
  })
})
