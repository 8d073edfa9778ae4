/** Pull edges in whole graphs: nobody makes a record that its consumer did not ask for. */
import { describe, expect, it } from 'vitest'
import type { OperatorContext } from '../../src/graph/operator-context.js'
import type { HoldingOperator, OperatorSpec } from '../../src/graph/operator-spec.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'
import { asyncMap, collectInto, flatMap, general, indexSource, map, range } from '../support/specs.js'

const COUNT = 60

const layouts: [string, SimulationOptions][] = [
  ['chained', { workers: 1, parallelism: 1 }],
  ['a local edge', { workers: 1, parallelism: 1, chaining: false }],
  ['a ring', { workers: 2, parallelism: 1, chaining: false }],
  ['a ring of 4 KiB', { workers: 2, parallelism: 1, chaining: false, ringBytes: 4096 }],
  ['a ring, interpreted', { workers: 2, parallelism: 1, chaining: false, codeGeneration: false }],
]

interface Counts {
  made: number
  taken: number
  /** Made and not taken yet, at most, where a record is taken. */
  aheadMax: number
}

const newCounts = (): Counts => ({ made: 0, taken: 0, aheadMax: 0 })

const counted = (counts: Counts): OperatorSpec => indexSource(COUNT, (index) => (counts.made++, index))

const taking = (counts: Counts): OperatorSpec =>
  map((record: number) => {
    counts.aheadMax = Math.max(counts.aheadMax, counts.made - counts.taken)
    counts.taken++
    return record
  })

/** Records that were published on an edge and not processed, at most, at any reading of the clock. */
function watchChannels(simulation: Simulation, edge: string): { max: number } {
  const seen = { max: 0 }
  const ids = simulation.plan.edges.find(({ name }) => name === edge)?.channels ?? []
  simulation.onClock(() => {
    const { channels } = simulation.snapshot()
    for (const id of ids) {
      const channel = channels[id]
      if (channel !== undefined) seen.max = Math.max(seen.max, channel.records - channel.consumedRecords)
    }
  })
  return seen
}

describe.each(layouts)('a pull edge, %s', (name, options) => {
  it.each([1, 2, 7])('of %i: the source was asked for no more than were taken, and so many besides', async (prefetch) => {
    const counts = newCounts()
    const out: number[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: counted(counts) },
        { name: 'take', spec: taking(counts) },
        { name: 'out', spec: collectInto(out) },
      ],
      [
        { from: 'numbers', to: 'take' },
        { from: 'take', to: 'out' },
      ],
    )
    for (let seed = 1; seed <= 5; seed++) {
      Object.assign(counts, newCounts())
      out.length = 0
      await new Simulation(graph, { ...options, seed, edges: { 'numbers -> take': { prefetch } } }).run()
      expect(out).toEqual(range(COUNT))
      expect(counts.aheadMax).toBeLessThanOrEqual(prefetch)
      if (prefetch > 1 && name !== 'chained') expect(counts.aheadMax, 'asks for the next ones meanwhile').toBeGreaterThan(1)
    }
  })

  it('asks an expansion for one element at a time', async () => {
    const counts = newCounts()
    const out: number[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(5, (index) => index) },
        {
          name: 'many',
          spec: flatMap(function* (record: number) {
            for (let k = 0; k < 10; k++) {
              counts.made++
              yield record * 10 + k
            }
          }),
        },
        { name: 'take', spec: taking(counts) },
        { name: 'out', spec: collectInto(out) },
      ],
      [
        { from: 'numbers', to: 'many' },
        { from: 'many', to: 'take' },
        { from: 'take', to: 'out' },
      ],
    )
    await new Simulation(graph, { ...options, edges: { 'many -> take': { prefetch: 1 } } }).run()
    expect(out).toEqual(range(50))
    expect(counts.aheadMax).toBe(1)
  })

  it('hands on what one call gives as it is asked for', async () => {
    const out: number[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(8, (index) => index) },
        {
          name: 'five',
          spec: general((context) => ({
            process: (record) => {
              for (let k = 0; k < 5; k++) context.emit((record as number) * 5 + k, Number.NaN)
            },
          })),
        },
        { name: 'take', spec: map((record) => record) },
        { name: 'out', spec: collectInto(out) },
      ],
      [
        { from: 'numbers', to: 'five' },
        { from: 'five', to: 'take' },
        { from: 'take', to: 'out' },
      ],
    )
    const simulation = new Simulation(graph, { ...options, edges: { 'five -> take': { prefetch: 2 } } })
    const seen = watchChannels(simulation, 'five -> take')
    await simulation.run()
    expect(out).toEqual(range(40))
    expect(seen.max).toBeLessThanOrEqual(2)
  })
})

describe.each(layouts.slice(1))('a pull edge, %s', (_name, options) => {
  it('asks again when an asynchronous operator has accepted a record', async () => {
    let made = 0
    let accepted = 0
    let aheadMax = 0
    const out: number[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(COUNT, (index) => (made++, index)) },
        {
          name: 'device',
          spec: asyncMap(
            async (record: number) => {
              aheadMax = Math.max(aheadMax, made - accepted)
              accepted++
              await simulation.delay(5)
              return record
            },
            { concurrency: 3 },
          ),
        },
        { name: 'out', spec: collectInto(out) },
      ],
      [
        { from: 'numbers', to: 'device' },
        { from: 'device', to: 'out' },
      ],
    )
    const simulation: Simulation = new Simulation(graph, { ...options, edges: { 'numbers -> device': { prefetch: 1 } } })
    await simulation.run()
    expect(out).toEqual(range(COUNT))
    expect(aheadMax).toBe(1)
  })

  it('tells an operator that holds records back that there is no credit', async () => {
    const counts = newCounts()
    const out: number[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(COUNT, (index) => index) },
        {
          name: 'hold',
          spec: { kind: 'general', holds: true, create: (context: OperatorContext) => heldBack(context, () => counts.made++) },
        },
        { name: 'take', spec: taking(counts) },
        { name: 'out', spec: collectInto(out) },
      ],
      [
        { from: 'numbers', to: 'hold' },
        { from: 'hold', to: 'take' },
        { from: 'take', to: 'out' },
      ],
    )
    await new Simulation(graph, { ...options, edges: { 'hold -> take': { prefetch: 1 } } }).run()
    expect(out).toEqual(range(COUNT))
    expect(counts.aheadMax).toBe(1)
  })

  it('counts every channel of a broadcast', async () => {
    let made = 0
    let taken = 0
    let aheadMax = 0
    const out: number[] = []
    const take = map((record: number) => {
      aheadMax = Math.max(aheadMax, made * 2 - taken++)
      return record
    })
    const graph = graphOf(
      [
        { name: 'numbers', spec: indexSource(COUNT, (index) => (made++, index)) },
        { name: 'take', spec: take, parallelism: 2 },
        { name: 'out', spec: collectInto(out) },
      ],
      [
        { from: 'numbers', to: 'take', partitioning: 'broadcast' },
        { from: 'take', to: 'out' },
      ],
    )
    await new Simulation(graph, { ...options, edges: { 'numbers -> take': { prefetch: 1 } } }).run()
    expect(out.length).toBe(2 * COUNT)
    expect(aheadMax).toBeLessThanOrEqual(2)
  })

  it('wants the next record when the one before was processed, of every consumer that a record may go to', async () => {
    const counts = newCounts()
    const out: number[] = []
    const graph = graphOf(
      [
        { name: 'numbers', spec: counted(counts) },
        { name: 'take', spec: taking(counts), parallelism: 3 },
        { name: 'out', spec: collectInto(out) },
      ],
      [
        { from: 'numbers', to: 'take', partitioning: 'rebalance' },
        { from: 'take', to: 'out' },
      ],
    )
    await new Simulation(graph, { ...options, edges: { 'numbers -> take': { prefetch: 1 } } }).run()
    expect([...out].sort((left, right) => left - right)).toEqual(range(COUNT))
    expect(counts.aheadMax).toBe(1)
  })
})

/** Gives records on while there is credit. */
function heldBack(context: OperatorContext, onRelease: () => void): HoldingOperator {
  const held: { readonly value: unknown; readonly timestamp: number }[] = []
  return {
    process: (value, timestamp) => void held.push({ value, timestamp }),
    get holding() {
      return held.length
    },
    get releasable() {
      return held.length > 0 && context.hasCredit()
    },
    release() {
      if (!this.releasable) return false
      const { value, timestamp } = held.shift() as { readonly value: unknown; readonly timestamp: number }
      onRelease()
      context.emit(value, timestamp)
      return true
    },
    holdWatermark: (watermark, idle) => context.passWatermark(watermark, idle),
  }
}
