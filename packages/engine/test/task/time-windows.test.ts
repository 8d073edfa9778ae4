/** Windows over random graphs: whatever the interleaving and the parallelism, every record is counted once, and none is late. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { graphOf } from '../support/run-graph.js'
import { Simulation } from '../support/simulation.js'
import { asyncMap, collectInto, flatMap, indexSource, map, readerOf, range } from '../support/specs.js'
import { countWindows, splits, timestamps, type WindowResult } from '../support/time-specs.js'

const nightly = process.env['SLUICE_TEST_MODE'] === 'nightly'
const BOUND_MS = 300
const SIZE_MS = 500

interface Event {
  readonly t: number
  readonly key: number
}

interface SourceChoice {
  readonly count: number
  readonly parallelism: number
  readonly kind: 'index' | 'split' | 'ordered splits' | 'splits'
}

const sourceChoice: fc.Arbitrary<SourceChoice> = fc.record({
  count: fc.nat(400),
  parallelism: fc.integer({ min: 1, max: 3 }),
  kind: fc.constantFrom('index', 'split', 'ordered splits', 'splits'),
})

/** Out of order, and never by more than the bound. */
const eventOf = (source: number, index: number): Event => ({ t: index * 20 + ((index * 7919 + source * 31) % BOUND_MS), key: index % 5 })

const sourceOf = ({ count, kind }: SourceChoice, source: number, simulationOf: () => Simulation) => {
  if (kind === 'index') return indexSource(count, (index) => eventOf(source, index))
  const parts = kind === 'split' ? 1 : 4
  const size = Math.ceil(count / parts)
  return splits(
    parts,
    async (split) => {
      await simulationOf().delay(split * 3)
      const records = range(count)
        .slice(split * size, (split + 1) * size)
        .map((index) => eventOf(source, index))
      return readerOf(range(Math.ceil(records.length / 37)).map((batch) => ({ records: records.slice(batch * 37, (batch + 1) * 37) })))
    },
    { bounded: true, orderedSplits: kind === 'ordered splits' },
  )
}

/** By window and key. */
function counted(events: readonly Event[], size: number): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { t, key } of events) {
    const name = `${(Math.floor(t / size) + 1) * size} ${key}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

const setting = fc.record({
  seed: fc.nat(),
  workers: fc.nat(3),
  chaining: fc.boolean(),
  ringBytes: fc.constantFrom(4096, 65_536),
  codeGeneration: fc.boolean(),
  tickMsMax: fc.constantFrom(0.05, 1, 20),
})

const choices = fc.record({
  sources: fc.array(sourceChoice, { minLength: 1, maxLength: 3 }),
  between: fc.array(fc.constantFrom('map', 'async', 'unordered', 'flatMap', 'rebalance', 'broadcastOne'), { maxLength: 3 }),
  perRecord: fc.boolean(),
  windows: fc.integer({ min: 1, max: 4 }),
  totals: fc.integer({ min: 1, max: 3 }),
})

it('windows of windows count every record once', { timeout: 3_600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(choices, setting, async ({ sources, between, perRecord, windows, totals }, options) => {
      const small: (WindowResult & { readonly t: number })[] = []
      const large: WindowResult[] = []
      const nodes: Parameters<typeof graphOf>[0][number][] = []
      const edges: Parameters<typeof graphOf>[1][number][] = []
      const time = timestamps({ strategy: { outOfOrdernessMs: BOUND_MS }, perRecord })
      const heads = sources.map((choice, source) => {
        const { parallelism } = choice
        nodes.push({ name: `source ${source}`, spec: sourceOf(choice, source, () => simulation), parallelism })
        nodes.push({ name: `time ${source}`, spec: time, parallelism })
        edges.push({ from: `source ${source}`, to: `time ${source}` })
        return `time ${source}`
      })
      let streams = heads
      between.forEach((kind, index) => {
        const name = `between ${index}`
        const slow = (record: Event) => (record.t % 3 === 0 ? record : simulation.delay((record.t * 7) % 11).then(() => record))
        nodes.push({
          name,
          parallelism: kind === 'broadcastOne' ? 1 : 1 + (index % 3),
          spec:
            kind === 'async' || kind === 'unordered'
              ? asyncMap(slow, { ordered: kind === 'async', concurrency: 5 })
              : kind === 'flatMap'
                ? flatMap((record: Event) => [record])
                : map((record: Event) => record),
        })
        for (const from of streams) {
          const partitioning = kind === 'rebalance' ? 'rebalance' : kind === 'broadcastOne' ? 'broadcast' : undefined
          edges.push({ from, to: name, timed: true, partitioning })
        }
        streams = [name]
      })
      const keyOf = ({ key }: Event) => key
      nodes.push({ name: 'windows', parallelism: windows, spec: countWindows(SIZE_MS, keyOf as never) })
      for (const from of streams) edges.push({ from, to: 'windows', timed: true, partitioning: 'hash', keyOf })
      nodes.push({
        name: 'tap',
        parallelism: windows,
        spec: map((result: WindowResult & { readonly t: number }) => {
          small.push(result)
          return result
        }),
      })
      // Results of windows are events of their own: one per window and key, at the window's end.
      nodes.push({ name: 'totals', parallelism: totals, spec: countWindows(4 * SIZE_MS, keyOf as never) })
      nodes.push({ name: 'out', parallelism: 1, spec: collectInto(large) })
      edges.push({ from: 'windows', to: 'tap', timed: true })
      edges.push({ from: 'tap', to: 'totals', timed: true, partitioning: 'hash', keyOf })
      edges.push({ from: 'totals', to: 'out', timed: true })
      const simulation: Simulation = new Simulation(graphOf(nodes, edges), { memoryBytes: 1 << 30, spinsMax: 200_000, ...options })
      await simulation.run()
      const events = sources.flatMap(({ count }, source) => range(count).map((index) => eventOf(source, index)))
      expect(simulation.snapshot().subtasks.map(({ lateRecords }) => lateRecords)).toEqual(simulation.plan.subtasks.map(() => 0))
      expect(new Map(small.map(({ key, end, count }) => [`${end} ${key}`, count]))).toEqual(counted(events, SIZE_MS))
      expect(small).toHaveLength(counted(events, SIZE_MS).size)
      expect(new Map(large.map(({ key, end, count }) => [`${end} ${key}`, count]))).toEqual(counted(small, 4 * SIZE_MS))
    }),
    { numRuns: nightly ? 2000 : 40 },
  )
})
