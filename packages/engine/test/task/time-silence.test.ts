/** Sources that fall silent and come back at random: whatever is late is counted, everything else is in exactly one window. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { OperatorSpec } from '../../src/graph/operator-spec.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation } from '../support/simulation.js'
import { asyncMap, collectInto } from '../support/specs.js'
import { countWindows, type Seen, splits, timestamps, type Timed, watch, type WindowResult } from '../support/time-specs.js'

const nightly = process.env['SLUICE_TEST_MODE'] === 'nightly'

interface Wave {
  readonly waitMs: number
  readonly records: number
  readonly stepMs: number
}

const wave: fc.Arbitrary<Wave> = fc.record({
  waitMs: fc.oneof(fc.nat(20), fc.integer({ min: 100, max: 5000 })),
  records: fc.nat(30),
  stepMs: fc.integer({ min: -5, max: 200 }),
})

const choices = fc.record({
  waves: fc.array(fc.array(wave, { maxLength: 8 }), { minLength: 1, maxLength: 4 }),
  idleAfterMs: fc.constantFrom(50, 500, undefined),
  aligned: fc.boolean(),
  slow: fc.boolean(),
  parallelism: fc.integer({ min: 1, max: 3 }),
  slowSink: fc.boolean(),
})

const setting = fc.record({
  seed: fc.nat(),
  workers: fc.nat(2),
  ringBytes: fc.constantFrom(4096, 65_536),
  codeGeneration: fc.boolean(),
  tickMsMax: fc.constantFrom(0.05, 2),
})

it('nothing disappears silently', { timeout: 3_600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(choices, setting, async ({ waves, idleAfterMs, aligned, slow, parallelism, slowSink }, options) => {
      const results: WindowResult[] = []
      const seen: Seen[] = []
      let given = 0
      const source = (list: readonly Wave[]): OperatorSpec =>
        splits(1, () => {
          let next = 0
          let t = 0
          return {
            next: async () => {
              const one = list[next++]
              if (one === undefined) return undefined
              await simulation.delay(one.waitMs)
              given += one.records
              return { records: Array.from({ length: one.records }, () => ({ t: (t += one.stepMs) })) }
            },
          }
        })
      const alignment = aligned ? { group: 'all', maxDriftMs: 1000 } : undefined
      const nodes: Parameters<typeof graphOf>[0][number][] = waves.flatMap((list, index) => [
        { name: `source ${index}`, spec: source(list), parallelism: 1 },
        { name: `time ${index}`, spec: timestamps({ idleAfterMs, alignment }), parallelism: 1 },
      ])
      const edges: Parameters<typeof graphOf>[1][number][] = waves.map((_, index) => ({ from: `source ${index}`, to: `time ${index}` }))
      const keyOf = ({ t }: Timed): number => t % 3
      const between = (record: Timed) => (slow ? simulation.delay((record.t * 31) % 7).then(() => record) : record)
      nodes.push({ name: 'between', spec: asyncMap(between, { concurrency: 7 }), parallelism })
      nodes.push({ name: 'windows', spec: countWindows(500, keyOf), parallelism })
      nodes.push({ name: 'watch', spec: watch(seen), parallelism: 1 })
      nodes.push({
        name: 'out',
        spec: slowSink
          ? { kind: 'sink', create: () => ({ write: (batch) => (results.push(...(batch as WindowResult[])), simulation.delay(50)) }) }
          : collectInto(results),
        parallelism: 1,
      })
      waves.forEach((_, index) => edges.push({ from: `time ${index}`, to: 'between', timed: true }))
      edges.push({ from: 'between', to: 'windows', timed: true, partitioning: 'hash', keyOf })
      edges.push({ from: 'windows', to: 'watch', timed: true })
      edges.push({ from: 'watch', to: 'out', timed: true })
      const simulation: Simulation = new Simulation(graphOf(nodes, edges), { memoryBytes: 1 << 30, spinsMax: 200_000, ...options })
      await simulation.run()
      const late = simulation.snapshot().subtasks.reduce((sum, { lateRecords }) => sum + lateRecords, 0)
      expect(results.reduce((sum, { count }) => sum + count, 0) + late).toBe(given)
      expect(new Set(results.map(({ key, end }) => `${end} ${key}`)).size).toBe(results.length)
      const marks = seen.flatMap(({ watermark }) => watermark ?? [])
      expect(marks).toEqual([...new Set(marks)].sort((left, right) => left - right))
      // On parallel ways the word that a source is active again may come later than the watermarks of those that are.
      if (idleAfterMs === undefined)
        for (const { value, at } of seen) if (value !== undefined) expect(value.t).toBeGreaterThan(at ?? Number.NaN)
    }),
    { numRuns: nightly ? 2000 : 60 },
  )
})
