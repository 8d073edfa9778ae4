import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DROP_REASONS_MAX, DROP_WORDS, DropCounts, OTHER_REASONS, readDropCounts } from '../../src/metrics/drop-counts.js'
import { droppedRecords } from '../../src/metrics/dropped-records.js'
import { readMetrics } from '../../src/metrics/read-metrics.js'
import { reportInterval } from '../../src/metrics/report-interval.js'
import { planJob } from '../../src/plan/plan-job.js'
import { resolveSettings } from '../../src/plan/settings.js'
import { GraphBuilder, map, sink, source } from '../support/graph-builder.js'
import { MetricsBoard } from '../support/metrics-board.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation } from '../support/simulation.js'
import { collectInto, general, indexSource } from '../support/specs.js'

describe('losses in shared words', () => {
  const at = 16
  const board = () => new Float64Array(at + 2 * DROP_WORDS)

  it('come out as they went in', () => {
    const words = board()
    const counts = new DropCounts(words, at)
    expect(readDropCounts(words, at)).toEqual([])
    counts.add('queue full', 2)
    counts.add('zu spät', 1)
    counts.add('queue full', 3)
    expect(readDropCounts(words, at)).toEqual([
      { reason: 'queue full', count: 5 },
      { reason: 'zu spät', count: 1 },
    ])
    expect(words.subarray(0, at).every((word) => word === 0)).toBe(true)
    expect(words.subarray(at + DROP_WORDS).every((word) => word === 0)).toBe(true)
  })

  it('are bounded in reasons and in their length, and none is left out of the sum', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ maxLength: 60, unit: 'grapheme' }), fc.nat({ max: 1000 })), { maxLength: 200 }),
        (losses) => {
          const words = board()
          const counts = new DropCounts(words, at)
          for (const [reason, count] of losses) counts.add(reason, count)
          const read = readDropCounts(words, at)
          expect(read.reduce((sum, { count }) => sum + count, 0)).toBe(losses.reduce((sum, [, count]) => sum + count, 0))
          expect(read.length).toBe(Math.min(DROP_REASONS_MAX, new Set(losses.map(([reason]) => reason)).size))
          expect(words.subarray(at + DROP_WORDS).every((word) => word === 0)).toBe(true)
          for (const { reason } of read) expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(32)
        },
      ),
    )
  })

  it('are counted together where an operator gives more reasons than it may', () => {
    const words = board()
    const counts = new DropCounts(words, at)
    for (let reason = 0; reason < 20; reason++) counts.add(`reason ${reason}`, 1)
    expect(readDropCounts(words, at).at(-1)).toEqual({ reason: OTHER_REASONS, count: 20 - DROP_REASONS_MAX + 1 })
  })
})

describe('dropped records', () => {
  const graph = new GraphBuilder({ parallelism: 2 })
    .node('in', source)
    .node('again', source)
    .node('shed', map)
    .node('out', sink)
    .edge('in', 'shed', { partitioning: 'hash' })
    .edge('again', 'shed', { partitioning: 'hash' })
    .edge('shed', 'out')
    .build()
  const plan = planJob(graph, resolveSettings({}, { cores: 2, parallelism: 2 }))

  it('are told per operator, edge and reason, over all subtasks, with what came since', () => {
    const board = new MetricsBoard(plan).dropped('shed', 0, 0, { old: 5 }).dropped('in', 1, 0, { invalid: 1 })
    const before = board.read(1_000)
    board.dropped('shed', 0, 0, { 'n/a': 0 }).dropped('shed', 1, 0, { full: 40, old: 2 })
    expect(droppedRecords(graph, plan, before, board.read(3_000))).toEqual([
      { operator: 'in', reason: 'invalid', edge: undefined, count: 0, total: 1, perSecond: 0 },
      { operator: 'shed', reason: 'full', edge: 'in -> shed, again -> shed', count: 40, total: 40, perSecond: 20 },
      { operator: 'shed', reason: 'old', edge: 'in -> shed, again -> shed', count: 2, total: 7, perSecond: 1 },
      { operator: 'shed', reason: 'n/a', edge: 'in -> shed, again -> shed', count: 0, total: 0, perSecond: 0 },
    ])
    expect(reportInterval(graph, plan, before, board.read(3_000)).dropped).toHaveLength(4)
  })
})

it.each([undefined, 700])('every loss of a real operator is there at the end, also where it fails at record %s', async (failsAt) => {
  const out: unknown[] = []
  const shed = general((context) => ({
    process(value) {
      const { id } = value as { id: number }
      if (id === failsAt) throw new Error('enough')
      if (id % 2 === 0) context.countDropped(1, 'even')
      else if (id % 3 === 0) context.countDropped(1, 'three')
      else context.emit(value, Number.NaN)
    },
  }))
  const graph = graphOf(
    [
      { name: 'ids', spec: indexSource(1_000, (id) => ({ id })) },
      { name: 'shed', spec: shed },
      { name: 'out', spec: collectInto(out) },
    ],
    [
      { from: 'ids', to: 'shed' },
      { from: 'shed', to: 'out' },
    ],
  )
  const simulation = new Simulation(graph, { workers: 1, parallelism: 1 })
  if (failsAt === undefined) await simulation.run()
  else await expect(simulation.run()).rejects.toThrow('enough')
  const seen = Array.from({ length: failsAt ?? 1_000 }, (_, id) => id)
  const { operators, subtasks } = readMetrics(simulation.plan, simulation.metrics, simulation.nowMs)
  expect(operators.flat().flatMap(({ dropped }) => dropped)).toEqual([
    { reason: 'even', count: seen.filter((id) => id % 2 === 0).length },
    { reason: 'three', count: seen.filter((id) => id % 2 === 1 && id % 3 === 0).length },
  ])
  expect(subtasks.reduce((sum, { dropped }) => sum + dropped, 0)).toBe(seen.filter((id) => id % 2 === 0 || id % 3 === 0).length)
})
