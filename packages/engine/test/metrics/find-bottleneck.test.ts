import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JobSettings, LogicalGraph } from '../../src/graph/logical-graph.js'
import { SubtaskState } from '../../src/metrics/metric-layout.js'
import type { Bottleneck } from '../../src/metrics/find-bottleneck.js'
import { zeroMetrics } from '../../src/metrics/read-metrics.js'
import { reportInterval } from '../../src/metrics/report-interval.js'
import { planJob } from '../../src/plan/plan-job.js'
import { resolveSettings } from '../../src/plan/settings.js'
import { async, GraphBuilder, map, sink, source } from '../support/graph-builder.js'
import { MetricsBoard } from '../support/metrics-board.js'

class Scene {
  readonly board: MetricsBoard
  readonly #graph: LogicalGraph
  readonly #plan

  constructor(builder: GraphBuilder, settings: JobSettings = {}) {
    this.#graph = builder.build()
    this.#plan = planJob(this.#graph, resolveSettings(this.#graph.settings, { cores: 2, chaining: false, ...settings }))
    this.board = new MetricsBoard(this.#plan)
  }

  /** A second of `task`: what it does not spend otherwise it spends backpressured on the given channels of its edges. */
  bottleneck(): Bottleneck | undefined {
    return reportInterval(this.#graph, this.#plan, zeroMetrics(this.#plan, 0), this.board.read(1_000)).bottleneck
  }
}

const line = (): GraphBuilder =>
  new GraphBuilder({ parallelism: 1 })
    .node('flights', source)
    .node('parse', map)
    .node('write', sink)
    .edge('flights', 'parse')
    .edge('parse', 'write')

describe('the walk of the wait-for graph', () => {
  it('finds nobody while every edge is OK', () => {
    const scene = new Scene(line())
    scene.board.subtask('flights', 0, { busyMs: 900, backpressuredMs: 100 }).channel('flights -> parse', 0, { blockedMs: 100 })
    expect(scene.bottleneck()).toBeUndefined()
  })

  it('goes through backpressured operators to the one that waits for nobody', () => {
    const scene = new Scene(line())
    scene.board
      .subtask('flights', 0, { busyMs: 290, backpressuredMs: 710 })
      .channel('flights -> parse', 0, { blockedMs: 710 })
      .subtask('parse', 0, { busyMs: 400, backpressuredMs: 600 })
      .channel('parse -> write', 0, { blockedMs: 600 })
      .subtask('write', 0, { busyMs: 980, idleMs: 20 })
    expect(scene.bottleneck()).toEqual({
      kind: 'operator',
      operator: 'write',
      subtask: 0,
      worker: 0,
      busy: 0.98,
      because: ['flights -> parse', 'parse -> write'],
      heldBackMsPerSecond: [{ source: 'flights', ms: 710 }],
      message:
        'write (subtask 0) is the bottleneck: busy 98 %, holds source flights back 71 % of the time through flights -> parse -> write',
    })
  })

  it('stops at an operator that waits only now and then', () => {
    const scene = new Scene(line())
    scene.board
      .subtask('flights', 0, { backpressuredMs: 500 })
      .channel('flights -> parse', 0, { blockedMs: 500 })
      .subtask('parse', 0, { busyMs: 920, backpressuredMs: 80 })
      .channel('parse -> write', 0, { blockedMs: 80 })
    expect(scene.bottleneck()).toMatchObject({ operator: 'parse', because: ['flights -> parse'] })
  })

  it('counts a stall that is still open', () => {
    const scene = new Scene(line())
    scene.board
      .subtask('flights', 0, { state: SubtaskState.backpressured, stateSinceMs: 300 })
      .channel('flights -> parse', 0, { stallSinceMs: 300 })
      .subtask('parse', 0, { state: SubtaskState.busy, stateSinceMs: 250 })
    expect(scene.bottleneck()).toMatchObject({ operator: 'parse', busy: 0.75, heldBackMsPerSecond: [{ source: 'flights', ms: 700 }] })
  })

  it('names the subtask that is hot, and counts what all subtasks of its operator hold back', () => {
    const scene = new Scene(
      new GraphBuilder().node('flights', source).node('write', sink).edge('flights', 'write', { partitioning: 'hash' }),
    )
    for (const subtask of [0, 1]) {
      scene.board
        .subtask('flights', subtask, { busyMs: 200, backpressuredMs: 800 })
        .channel('flights -> write', 2 * subtask, { blockedMs: 200 })
        .channel('flights -> write', 2 * subtask + 1, { blockedMs: 600 })
    }
    scene.board.subtask('write', 0, { busyMs: 500 }).subtask('write', 1, { busyMs: 1_000 })
    expect(scene.bottleneck()?.message).toBe(
      'write (subtask 1) is the bottleneck: busy 100 %, holds source flights back 80 % of the time through flights -> write',
    )
  })

  it('names the slowest of many consumers', () => {
    const builder = new GraphBuilder({ parallelism: 1 }).node('ticks', source)
    for (let consumer = 0; consumer < 12; consumer++) builder.node(`consumer-${consumer}`, sink).edge('ticks', `consumer-${consumer}`)
    const scene = new Scene(builder)
    scene.board.subtask('ticks', 0, { busyMs: 100, backpressuredMs: 900 })
    for (let consumer = 0; consumer < 12; consumer++) {
      scene.board
        .subtask(`consumer-${consumer}`, 0, { busyMs: consumer === 11 ? 700 : 60 * consumer })
        .channel(`ticks -> consumer-${consumer}`, 0, { blockedMs: consumer === 11 ? 500 : 40 })
    }
    expect(scene.bottleneck()).toMatchObject({
      operator: 'consumer-11',
      because: ['ticks -> consumer-11'],
      heldBackMsPerSecond: [{ source: 'ticks', ms: expect.closeTo((900 * 500) / 940) }],
    })
  })

  it('does not blame a consumer that blocks in bursts and has time to spare', () => {
    const builder = new GraphBuilder({ parallelism: 1 }).node('ticks', source)
    for (const name of ['eager', 'nearly', 'slowest']) builder.node(name, sink).edge('ticks', name)
    const scene = new Scene(builder)
    scene.board
      .subtask('ticks', 0, { busyMs: 140, backpressuredMs: 860 })
      .channel('ticks -> eager', 0, { blockedMs: 590 })
      .subtask('eager', 0, { busyMs: 630, idleMs: 370 })
      .channel('ticks -> nearly', 0, { blockedMs: 240 })
      .subtask('nearly', 0, { busyMs: 895, idleMs: 105 })
      .channel('ticks -> slowest', 0, { blockedMs: 290 })
      .subtask('slowest', 0, { busyMs: 970, idleMs: 30 })
    expect(scene.bottleneck()).toMatchObject({ operator: 'slowest', busy: 0.97 })
    scene.board.subtask('eager', 0, { busyMs: 900, idleMs: 100 })
    expect(scene.bottleneck()).toMatchObject({ operator: 'eager' })
  })

  it('does not blame who is always busy and hardly ever holds anybody back', () => {
    const builder = new GraphBuilder({ parallelism: 1 }).node('in', source).node('slow', sink).node('busy', sink)
    const scene = new Scene(builder.edge('in', 'slow').edge('in', 'busy'))
    scene.board
      .subtask('in', 0, { backpressuredMs: 800 })
      .channel('in -> slow', 0, { blockedMs: 780 })
      .subtask('slow', 0, { busyMs: 800 })
      .channel('in -> busy', 0, { blockedMs: 20 })
      .subtask('busy', 0, { busyMs: 1_000 })
    expect(scene.bottleneck()).toMatchObject({ operator: 'slow' })
  })

  it('adds up what comes through both sides of a diamond', () => {
    const builder = new GraphBuilder({ parallelism: 1 })
      .node('in', source)
      .node('left', map)
      .node('right', map)
      .node('other', sink)
      .node('join', sink)
      .edge('in', 'left')
      .edge('in', 'right')
      .edge('in', 'other')
      .edge('left', 'join')
      .edge('right', 'join')
    const scene = new Scene(builder)
    scene.board
      .subtask('in', 0, { backpressuredMs: 1_000 })
      .channel('in -> left', 0, { blockedMs: 250 })
      .channel('in -> right', 0, { blockedMs: 350 })
      .channel('in -> other', 0, { blockedMs: 400 })
      .subtask('left', 0, { backpressuredMs: 900 })
      .channel('left -> join', 0, { blockedMs: 900 })
      .subtask('right', 0, { backpressuredMs: 900 })
      .channel('right -> join', 0, { blockedMs: 900 })
      .subtask('join', 0, { busyMs: 1_000 })
    expect(scene.bottleneck()).toMatchObject({
      operator: 'join',
      because: ['in -> right', 'right -> join'],
      heldBackMsPerSecond: [{ source: 'in', ms: expect.closeTo(600) }],
    })
  })

  it('tells every source how much it is held back', () => {
    const builder = new GraphBuilder({ parallelism: 1 })
      .node('a', source)
      .node('b', source)
      .node('out', sink)
      .edge('a', 'out')
      .edge('b', 'out')
    const scene = new Scene(builder)
    scene.board
      .subtask('a', 0, { backpressuredMs: 500 })
      .channel('a -> out', 0, { blockedMs: 500 })
      .subtask('b', 0, { backpressuredMs: 200 })
      .channel('b -> out', 0, { blockedMs: 200 })
      .subtask('out', 0, { busyMs: 900 })
    expect(scene.bottleneck()?.message).toBe(
      'out (subtask 0) is the bottleneck: busy 90 %, holds source a back 50 % and source b 20 % of the time through a -> out',
    )
  })

  it('begins in the middle where no source is held back', () => {
    const scene = new Scene(line())
    scene.board
      .subtask('parse', 0, { backpressuredMs: 300 })
      .channel('parse -> write', 0, { blockedMs: 300 })
      .subtask('write', 0, { busyMs: 950 })
    expect(scene.bottleneck()?.message).toBe(
      'write (subtask 0) is the bottleneck: busy 95 %, holds parse back 30 % of the time through parse -> write',
    )
  })

  it('blames the worker where the end of the walk is ready but does not run', () => {
    const builder = new GraphBuilder({ parallelism: 1 })
      .node('in', source)
      .node('parse', map)
      .node('join', map)
      .node('out', sink)
      .edge('in', 'parse')
      .edge('in', 'join')
      .edge('parse', 'out')
      .edge('join', 'out')
    const scene = new Scene(builder, { workers: 1 })
    scene.board
      .subtask('in', 0, { busyMs: 100, backpressuredMs: 710 })
      .channel('in -> join', 0, { blockedMs: 710 })
      .subtask('parse', 0, { busyMs: 400, queuedMs: 500 })
      .subtask('join', 0, { busyMs: 350, queuedMs: 600 })
    expect(scene.bottleneck()).toMatchObject({
      kind: 'worker',
      worker: 0,
      operator: 'join',
      message: 'worker 0 is saturated: parse 40 %, join 35 %, in 10 %, holds source in back 71 % of the time through in -> join',
    })
    const hosted = new Scene(builder, { workers: 0 })
    hosted.board
      .subtask('in', 0, { backpressuredMs: 710 })
      .channel('in -> join', 0, { blockedMs: 710 })
      .subtask('join', 0, { busyMs: 350, queuedMs: 600 })
    expect(hosted.bottleneck()?.message).toMatch(/^the calling thread is saturated: join 35 %/)
  })

  it('names the slowest function of a chain', () => {
    const builder = new GraphBuilder({ parallelism: 1 })
      .node('in', source)
      .node('slow', async({ mayChain: false }))
      .node('parse', map)
      .node('write', sink)
      .edge('in', 'slow')
      .edge('slow', 'parse')
      .edge('parse', 'write')
    const scene = new Scene(builder, { chaining: true })
    scene.board
      .subtask('in', 0, { backpressuredMs: 800 })
      .channel('in -> slow', 0, { blockedMs: 800 })
      .subtask('slow', 0, { busyMs: 990 })
      .sampled('slow', 0, 1, 3)
      .sampled('slow', 0, 2, 9)
    expect(scene.bottleneck()).toMatchObject({
      operator: 'write',
      message: 'write (subtask 0) is the bottleneck: busy 99 %, holds source in back 80 % of the time through in -> slow -> write',
    })
    scene.board.subtask('slow', 0, { state: SubtaskState.waiting, stateSinceMs: 990 })
    expect(scene.bottleneck()).toMatchObject({ operator: 'slow', busy: 1 })
    scene.board.subtask('slow', 0, { state: SubtaskState.queued, asyncInFlight: 1 })
    expect(scene.bottleneck()).toMatchObject({ operator: 'slow' })
  })

  it('names both ends of an edge that leaves from the middle of a chain', () => {
    const builder = new GraphBuilder({ parallelism: 1 })
      .node('numbers', source)
      .node('sum', map)
      .node('slow', async({ discardsResults: true }))
      .edge('numbers', 'sum')
      .edge('sum', 'slow')
    const scene = new Scene(builder, { chaining: true })
    scene.board
      .subtask('numbers', 0, { backpressuredMs: 970 })
      .channel('sum -> slow', 0, { blockedMs: 970 })
      .subtask('slow', 0, { busyMs: 990 })
    expect(scene.bottleneck()).toMatchObject({
      because: ['sum -> slow'],
      message: 'slow (subtask 0) is the bottleneck: busy 99 %, holds source numbers back 97 % of the time through numbers -> sum -> slow',
    })
  })

  it('names a sink whose write has not settled', () => {
    const chained = new Scene(
      new GraphBuilder({ parallelism: 1 })
        .node('in', source)
        .node('parse', map)
        .node('out', sink)
        .edge('in', 'parse', { partitioning: 'rebalance' })
        .edge('parse', 'out'),
      { chaining: true },
    )
    chained.board
      .subtask('in', 0, { backpressuredMs: 800 })
      .channel('in -> parse', 0, { blockedMs: 800 })
      .subtask('parse', 0, { busyMs: 500, state: SubtaskState.waiting, stateSinceMs: 1_000 })
      .sampled('parse', 0, 0, 2)
    expect(chained.bottleneck()).toMatchObject({ operator: 'out' })
  })

  it('finds somebody else and invents no held-back time, whatever blocks whom', () => {
    const share = fc.integer({ min: 0, max: 1_000 })
    fc.assert(
      fc.property(fc.array(share, { minLength: 24, maxLength: 24 }), (blocked) => {
        const builder = new GraphBuilder().node('a', source).node('b', map).node('c', map).node('d', sink)
        for (const [from, to] of [
          ['a', 'b'],
          ['a', 'c'],
          ['a', 'd'],
          ['b', 'c'],
          ['b', 'd'],
          ['c', 'd'],
        ] as const) {
          builder.edge(from, to, { partitioning: 'hash' })
        }
        const scene = new Scene(builder)
        const edges = ['a -> b', 'a -> c', 'a -> d', 'b -> c', 'b -> d', 'c -> d']
        for (const [at, blockedMs] of blocked.entries()) scene.board.channel(edges[at >> 2] ?? '', at & 3, { blockedMs })
        const bottleneck = scene.bottleneck()
        const worst = Math.max(...blocked)
        if (worst <= 100) expect(bottleneck).toBeUndefined()
        else {
          const total = bottleneck?.heldBackMsPerSecond.reduce((sum, { ms }) => sum + ms, 0) ?? 0
          expect(total).toBeGreaterThan(0)
          expect(total).toBeLessThanOrEqual(1_000 + 1e-6)
          expect(bottleneck?.because.length).toBeGreaterThan(0)
          expect(bottleneck?.operator).not.toBe('a')
        }
      }),
      { numRuns: 300 },
    )
  })
})
