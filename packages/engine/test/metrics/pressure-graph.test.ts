import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JobSettings } from '../../src/graph/logical-graph.js'
import { SubtaskState } from '../../src/metrics/metric-layout.js'
import { type PressureGraph, pressureGraph } from '../../src/metrics/pressure-graph.js'
import { zeroMetrics } from '../../src/metrics/read-metrics.js'
import { planJob } from '../../src/plan/plan-job.js'
import { resolveSettings } from '../../src/plan/settings.js'
import { async, GraphBuilder, map, sink, source } from '../support/graph-builder.js'
import { MetricsBoard } from '../support/metrics-board.js'

class Scene {
  readonly board: MetricsBoard
  readonly #graph
  readonly #plan

  constructor(builder: GraphBuilder, settings: JobSettings = {}) {
    this.#graph = builder.build()
    this.#plan = planJob(this.#graph, resolveSettings(this.#graph.settings, { cores: 2, chaining: false, ...settings }))
    this.board = new MetricsBoard(this.#plan)
  }

  /** Of the first second. */
  pressure(): PressureGraph {
    return pressureGraph(this.#graph, this.#plan, zeroMetrics(this.#plan, 0), this.board.read(1_000))
  }
}

const line = (): GraphBuilder =>
  new GraphBuilder({ parallelism: 1 })
    .node('flights', source)
    .node('parse', map)
    .node('write', sink)
    .edge('flights', 'parse')
    .edge('parse', 'write')

describe('the pressure graph', () => {
  it('takes no edge in the middle for the cause', () => {
    const scene = new Scene(line())
    scene.board
      .subtask('flights', 0, { busyMs: 290, backpressuredMs: 710 })
      .channel('flights -> parse', 0, {
        blockedMs: 710,
        stalls: 9,
        longestStallMs: 300,
        bytes: 5_000,
        consumedBytes: 4_000,
        windowBytes: 2_000,
      })
      .subtask('parse', 0, { busyMs: 400, backpressuredMs: 600 })
      .channel('parse -> write', 0, { blockedMs: 600 })
      .subtask('write', 0, { busyMs: 980, idleMs: 20 })
    const { operators, edges, sources, bottleneck } = scene.pressure()
    const write = { kind: 'operator', operator: 'write', workers: [expect.any(Number) as number] }
    expect(edges[0]).toMatchObject({
      edge: 'flights -> parse',
      onPath: true,
      flow: {
        heldShare: 0.71,
        heldMs: 710,
        longestStallMs: 300,
        fill: 0.5,
        window: 2_000,
        level: 'HIGH',
        causes: [{ ...write, share: 1 }],
      },
    })
    expect(edges[1]?.flow).toMatchObject({ heldShare: 0.6, causes: [{ ...write, share: 1 }] })
    expect(sources).toEqual([{ source: 'flights', heldBack: 0.71, on: [{ ...write, share: 0.71 }] }])
    expect(operators.map(({ name, role, busy, heldBack }) => [name, role, busy, heldBack])).toEqual([
      ['flights', 'source', 0.29, 0.71],
      ['parse', 'map', 0.4, 0.6],
      ['write', 'sink', 0.98, 0],
    ])
    expect(bottleneck?.operator).toBe('write')
  })

  it('says for whom a source waited that feeds several, each with its part', () => {
    const builder = new GraphBuilder({ parallelism: 1 }).node('in', source)
    for (const name of ['slow', 'slower', 'fast']) builder.node(name, sink).edge('in', name)
    const scene = new Scene(builder)
    scene.board
      .subtask('in', 0, { busyMs: 200, backpressuredMs: 800 })
      .channel('in -> slow', 0, { blockedMs: 200 })
      .channel('in -> slower', 0, { blockedMs: 600 })
      .subtask('slow', 0, { busyMs: 900 })
      .subtask('slower', 0, { busyMs: 950 })
    const { sources, edges } = scene.pressure()
    expect(sources[0]?.heldBack).toBeCloseTo(0.8)
    expect(sources[0]?.on.map(({ operator, share }) => [operator, Math.round(share * 100)])).toEqual([
      ['slower', 60],
      ['slow', 20],
    ])
    expect(edges.map(({ onPath }) => onPath)).toEqual([false, true, false])
    expect(edges[2]?.flow).toMatchObject({ heldShare: 0, causes: [] })
  })

  it('names a limit and a worker as what they are', () => {
    const scene = new Scene(
      new GraphBuilder({ parallelism: 1 })
        .node('in', source)
        .node('limit', map, { limit: 'rate of 10/s' })
        .node('join', map)
        .node('out', sink)
        .edge('in', 'limit')
        .edge('in', 'join')
        .edge('limit', 'out')
        .edge('join', 'out'),
      { workers: 1 },
    )
    scene.board
      .subtask('in', 0, { backpressuredMs: 1_000 })
      .channel('in -> limit', 0, { blockedMs: 500 })
      .channel('in -> join', 0, { blockedMs: 250 })
      .subtask('limit', 0, { busyMs: 900, state: SubtaskState.waiting, stateSinceMs: 1_000 })
      .subtask('join', 0, { busyMs: 100, queuedMs: 800 })
    expect(scene.pressure().sources[0]?.on).toEqual([
      { kind: 'limit', operator: 'limit', workers: [0], share: expect.closeTo(2 / 3) as number },
      { kind: 'worker', operator: 'join', workers: [0], share: expect.closeTo(1 / 3) as number },
    ])
  })

  it('shares the time of a chain out by what was timed, and gives what is waited for to who waits', () => {
    const chained = new Scene(line(), { chaining: true })
    chained.board.subtask('flights', 0, { busyMs: 800 }).sampled('flights', 0, 0, 10).sampled('flights', 0, 1, 30)
    const { operators, edges, sources, bottleneck } = chained.pressure()
    expect(operators.map(({ name, busy }) => [name, busy])).toEqual([
      ['flights', 0.2],
      ['parse', expect.closeTo(0.6)],
      ['write', 0],
    ])
    expect(edges.map(({ edge, flow }) => [edge, flow])).toEqual([
      ['flights -> parse', undefined],
      ['parse -> write', undefined],
    ])
    expect([sources, bottleneck]).toEqual([[], undefined])
    const awaited = new Scene(
      new GraphBuilder({ parallelism: 1 })
        .node('in', source)
        .node('call', async())
        .node('after', sink)
        .edge('in', 'call')
        .edge('call', 'after'),
      { chaining: true },
    )
    awaited.board.subtask('call', 0, { busyMs: 900, state: SubtaskState.waiting, stateSinceMs: 1_000 }).sampled('call', 0, 1, 5)
    expect(awaited.pressure().operators.map(({ name, busy }) => [name, busy])).toEqual([
      ['in', 0],
      ['call', 0.9],
      ['after', 0],
    ])
  })

  it('tells what operators hold, is quiet over no time, and is plain data', () => {
    const scene = new Scene(line())
    scene.board.subtask('parse', 0, { heldRecords: 17 })
    const pressure = scene.pressure()
    expect(pressure.operators.map(({ heldRecords }) => heldRecords)).toEqual([0, 17, 0])
    expect(JSON.parse(JSON.stringify(pressure))).toEqual(pressure)
  })

  it('gives parts that add up, whatever was measured', () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    const ms = fc.integer({ min: 0, max: 1_000 })
    fc.assert(
      fc.property(
        fc.array(fc.record({ busyMs: ms, queuedMs: ms, backpressuredMs: ms, idleMs: ms }), { minLength: 5, maxLength: 5 }),
        fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 6, maxLength: 6 }),
        (times, blocked) => {
          const builder = new GraphBuilder({ parallelism: 1 })
          for (const name of names) builder.node(name, name === 'a' || name === 'b' ? source : name === 'e' ? sink : map)
          const edges = ['a c', 'b c', 'a d', 'c d', 'c e', 'd e'].map((edge) => edge.split(' ') as [string, string])
          for (const [from, to] of edges) builder.edge(from, to)
          const scene = new Scene(builder)
          names.forEach((name, at) => scene.board.subtask(name, 0, times[at] ?? {}))
          edges.forEach(([from, to], at) => scene.board.channel(`${from} -> ${to}`, 0, { blockedMs: blocked[at] ?? 0 }))
          const { edges: held, sources } = scene.pressure()
          for (const { flow } of held) {
            const sum = flow?.causes.reduce((total, { share }) => total + share, 0)
            expect(sum).toBeCloseTo((flow?.heldMs ?? 0) > 0 ? 1 : 0, 6)
          }
          for (const { heldBack, on } of sources) {
            expect(heldBack).toBeLessThanOrEqual(1)
            expect(on.reduce((total, { share }) => total + share, 0)).toBeCloseTo(heldBack, 6)
          }
        },
      ),
    )
  })
})
