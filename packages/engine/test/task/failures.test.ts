/** Errors in every place a user's code may stand: coded, located, thrown once, and everything that was opened is closed. */
import { describe, expect, it } from 'vitest'
import type { OperatorSpec, SourceBatch } from '../../src/graph/operator-spec.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'
import { collectInto, flatMap, general, indexSource, map, readerOf, sink, splitSource } from '../support/specs.js'

const WATERMARKS = { strategy: { outOfOrdernessMs: 0 }, idleAfterMs: undefined, perRecord: false }

const boom = (): never => {
  throw new TypeError('boom')
}
const at = (limit: number, record: unknown): unknown => ((record as number) === limit ? boom() : record)

interface Place {
  readonly source?: OperatorSpec
  readonly operator?: OperatorSpec
  readonly sink?: OperatorSpec
  readonly named?: string
  readonly code?: string
  readonly message?: string
}

const places: [string, Place][] = [
  ['a source function', { source: indexSource(1000, (index) => at(400, index)), named: 'numbers' }],
  [
    'the list of splits',
    {
      source: { kind: 'source', reads: 'splits', splits: boom, open: () => readerOf([]), replayable: true },
      named: 'numbers',
      code: 'SLUICE_SOURCE_FAILED',
    },
  ],
  [
    'the list of splits, later',
    {
      source: { kind: 'source', reads: 'splits', splits: async () => boom(), open: () => readerOf([]), replayable: true },
      named: 'numbers',
      code: 'SLUICE_SOURCE_FAILED',
    },
  ],
  ['opening a split', { source: splitSource([1], boom), named: 'numbers', code: 'SLUICE_SOURCE_FAILED' }],
  ['the first batch', { source: splitSource([1], () => ({ next: boom })), named: 'numbers', code: 'SLUICE_SOURCE_FAILED' }],
  [
    'a later batch',
    {
      source: splitSource([1], () => {
        let batches = 0
        return { next: () => (++batches > 3 ? boom() : { records: [batches] }) }
      }),
      named: 'numbers',
      code: 'SLUICE_SOURCE_FAILED',
    },
  ],
  [
    'a later batch, asynchronously',
    {
      source: splitSource([1], () => {
        let batches = 0
        return { next: async (): Promise<SourceBatch> => (++batches > 3 ? boom() : { records: [batches] }) }
      }),
      named: 'numbers',
      code: 'SLUICE_SOURCE_FAILED',
    },
  ],
  [
    'closing a reader at the end of its split',
    { source: splitSource([1], () => readerOf([{ records: [1] }], boom)), named: 'numbers', code: 'SLUICE_SOURCE_FAILED' },
  ],
  ['map', { operator: map((record) => at(400, record)) }],
  ['filter', { operator: { kind: 'filter', fn: (record) => at(400, record) } }],
  ['timestamps', { operator: { kind: 'timestamps', watermarks: WATERMARKS, fn: (record) => at(400, record) as number } }],
  [
    'a timestamp that is none',
    {
      operator: { kind: 'timestamps', watermarks: WATERMARKS, fn: () => 'noon' as unknown as number },
      code: 'SLUICE_TIMESTAMP_INVALID',
      message: 'A timestamp function returned the text "noon".',
    },
  ],
  [
    'a predicate that is asynchronous',
    {
      operator: { kind: 'filter', fn: () => Promise.resolve(true) },
      code: 'SLUICE_RECORD_PROMISE',
      message: 'A predicate returned a Promise, which would let every record pass.',
    },
  ],
  ['flatMap', { operator: flatMap((record) => [at(400, record)]) }],
  [
    'a generator, between two elements',
    {
      operator: flatMap(function* (record) {
        yield record
        yield at(400, record)
      }),
    },
  ],
  [
    'a flatMap that returns no iterable',
    { operator: flatMap(() => 7 as unknown as []), message: 'A function that returns an array or iterable returned a number.' },
  ],
  ['creating an operator', { operator: general(boom) }],
  ['opening an operator', { operator: general(() => ({ open: boom, process() {} })) }],
  ['opening an operator, later', { operator: general(() => ({ open: async () => boom(), process() {} })) }],
  ['process', { operator: general(() => ({ process: (value) => void at(400, value) })) }],
  [
    'what process expands',
    {
      operator: general((context) => ({
        process: (value, timestamp) =>
          context.expand(
            (function* () {
              yield at(400, value)
            })(),
            timestamp,
          ),
      })),
    },
  ],
  ['onEnd', { operator: general(() => ({ process() {}, onEnd: boom })) }],
  [
    'what onEnd yields',
    {
      operator: general(() => ({
        process() {},
        *onEnd() {
          yield 1
          boom()
        },
      })),
    },
  ],
  ['onDeadline', { operator: general((context) => ({ process: () => context.setDeadline(context.now()), onDeadline: boom })) }],
  ['creating a sink', { sink: sink(boom), named: 'out', code: 'SLUICE_SINK_FAILED' }],
  ['opening a sink', { sink: sink(() => ({ open: boom, write() {} })), named: 'out', code: 'SLUICE_SINK_FAILED' }],
  ['opening a sink, later', { sink: sink(() => ({ open: async () => boom(), write() {} })), named: 'out', code: 'SLUICE_SINK_FAILED' }],
  ['write', { sink: sink(() => ({ write: boom })), named: 'out', code: 'SLUICE_SINK_FAILED' }],
  ['write, later', { sink: sink(() => ({ write: async () => boom() })), named: 'out', code: 'SLUICE_SINK_FAILED' }],
  ['finish', { sink: sink(() => ({ write() {}, finish: boom })), named: 'out', code: 'SLUICE_SINK_FAILED' }],
  ['finish, later', { sink: sink(() => ({ write() {}, finish: async () => boom() })), named: 'out', code: 'SLUICE_SINK_FAILED' }],
]

const forms: [string, SimulationOptions][] = [
  ['generated and chained', { workers: 0 }],
  ['interpreted and chained', { workers: 0, codeGeneration: false }],
  ['over local edges', { workers: 0, chaining: false }],
  ['over rings', { workers: 3, parallelism: 1, chaining: false, ringBytes: 4096 }],
]

/** Counts, by name, how often what was opened was closed. */
class Closings {
  readonly counts: Record<string, { opened: number; closed: number }> = {}

  operator(name: string): OperatorSpec {
    return general((context) => ({
      open: () => void this.#of(name).opened++,
      process: (value, timestamp) => context.emit(value, timestamp),
      close: () => void this.#of(name).closed++,
    }))
  }

  sink(name: string): OperatorSpec {
    return sink(() => ({ open: () => void this.#of(name).opened++, write() {}, close: () => void this.#of(name).closed++ }))
  }

  #of(name: string): { opened: number; closed: number } {
    return (this.counts[name] ??= { opened: 0, closed: 0 })
  }
}

describe.each(forms)('a failure, %s', (_form, options) => {
  it.each(places)('is located: %s', async (_name, place) => {
    const closings = new Closings()
    const graph = graphOf(
      [
        { name: 'numbers', spec: place.source ?? indexSource(1000, (index) => index), declaredAt: 'job.ts:1:1' },
        { name: 'before', spec: closings.operator('before'), declaredAt: 'job.ts:2:1' },
        { name: 'operator', spec: place.operator ?? map((record) => record), declaredAt: 'job.ts:3:1' },
        { name: 'after', spec: map((record) => record), declaredAt: 'job.ts:4:1' },
        { name: 'out', spec: place.sink ?? closings.sink('out'), declaredAt: 'job.ts:5:1' },
        { name: 'other', spec: closings.sink('other'), declaredAt: 'job.ts:6:1' },
      ],
      [
        { from: 'numbers', to: 'before' },
        { from: 'before', to: 'operator' },
        { from: 'operator', to: 'after' },
        { from: 'after', to: 'out' },
        { from: 'before', to: 'other' },
      ],
    )
    const named = place.named ?? 'operator'
    await expect(new Simulation(graph, options).run()).rejects.toMatchObject({
      name: 'SluiceError',
      code: place.code ?? 'SLUICE_OPERATOR_FAILED',
      message: place.message ?? expect.stringMatching(/boom/),
      coordinates: { job: 'test', operator: named, subtask: 0, declaredAt: expect.stringMatching(/^job.ts:[1-5]:1$/) },
    })
    for (const { opened, closed } of Object.values(closings.counts)) {
      expect(opened).toBeLessThanOrEqual(1)
      expect(closed).toBeLessThanOrEqual(1)
      expect(closed).toBeGreaterThanOrEqual(opened)
    }
  })

  it('is located in the key function, with the edge', async () => {
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(1000, (index) => index) },
        { name: 'keyed', spec: map((record) => record), parallelism: 2 },
        { name: 'out', spec: collectInto([]) },
      ],
      [
        { from: 'numbers', to: 'keyed', partitioning: 'hash', keyOf: (record: number) => at(400, record) },
        { from: 'keyed', to: 'out' },
      ],
    )
    await expect(new Simulation(graph, options).run()).rejects.toMatchObject({
      code: 'SLUICE_OPERATOR_FAILED',
      coordinates: { operator: 'keyed', edge: 'numbers -> keyed' },
    })
  })

  it('is located where a record cannot be encoded: the operator that emitted it, of whichever branch', async () => {
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(1000, (index) => index) },
        { name: 'make', spec: map((index: number) => (index === 400 ? { call: boom } : { index })) },
        { name: 'beside', spec: map((record) => record) },
        { name: 'first', spec: collectInto([]) },
        { name: 'second', spec: collectInto([]), parallelism: 2 },
      ],
      [
        { from: 'numbers', to: 'make' },
        { from: 'make', to: 'beside' },
        { from: 'beside', to: 'first' },
        { from: 'make', to: 'second', partitioning: 'broadcast' },
      ],
    )
    // On local edges one record of a frame is encoded; with checkRecords, every one.
    await expect(new Simulation(graph, { ...options, checkRecords: true }).run()).rejects.toMatchObject({
      code: 'SLUICE_RECORD_NOT_ENCODABLE',
      coordinates: { operator: 'make' },
    })
  })

  it('refuses a record above the limit, with operator and edge', async () => {
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(100, (index) => ({ text: 'x'.repeat(index * 100) })) },
        { name: 'out', spec: collectInto([]), parallelism: 2 },
      ],
      [{ from: 'numbers', to: 'out', partitioning: 'rebalance' }],
    )
    await expect(new Simulation(graph, { ...options, maxRecordBytes: 5000, checkRecords: true }).run()).rejects.toMatchObject({
      code: 'SLUICE_RECORD_TOO_LARGE',
      coordinates: { operator: 'numbers', edge: 'numbers -> out' },
    })
  })

  it('freezes records with checkRecords, so that who changes one is told', async () => {
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(100, (index) => ({ index, inner: { list: [1] } })) },
        { name: 'pass', spec: map((record) => record), parallelism: 2 },
        {
          name: 'changes',
          spec: map((record: { inner: { list: number[] } }) => {
            record.inner.list.push(2)
            return record
          }),
          parallelism: 1,
        },
        { name: 'out', spec: collectInto([]), parallelism: 1 },
      ],
      [
        { from: 'numbers', to: 'pass', partitioning: 'rebalance' },
        { from: 'pass', to: 'changes' },
        { from: 'changes', to: 'out' },
      ],
    )
    const run = new Simulation(graph, { ...options, checkRecords: true }).run()
    // Over a ring a consumer has a record of its own; on a local edge it shares the producer's.
    if (options.workers === 0)
      await expect(run).rejects.toMatchObject({ code: 'SLUICE_OPERATOR_FAILED', coordinates: { operator: 'changes' } })
    else await expect(run).resolves.toBe(undefined)
  })
})
