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
      aligning: [],
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

  it('blames a limit that the user set where the stream waits for it', () => {
    const scene = new Scene(
      new GraphBuilder({ parallelism: 1 })
        .node('in', source)
        .node('limit', map, { limit: 'rate of 100/s' })
        .node('out', sink)
        .edge('in', 'limit')
        .edge('limit', 'out'),
    )
    scene.board
      .subtask('in', 0, { busyMs: 20, backpressuredMs: 980 })
      .channel('in -> limit', 0, { blockedMs: 980 })
      .subtask('limit', 0, { busyMs: 900, idleMs: 100 })
    expect(scene.bottleneck()).toMatchObject({
      kind: 'limit',
      operator: 'limit',
      message:
        'limit (subtask 0) is the bottleneck: its rate of 100/s is reached 90 % of the time, holds source in back 98 % of the time through in -> limit',
    })
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

describe('a consumer that aligns a checkpoint', () => {
  /** in -> fast -> join, in -> slow -> format -> join: join waits for the barrier behind slow and reads nothing from fast. */
  const diamond = (settings: JobSettings = {}): Scene =>
    new Scene(
      new GraphBuilder({ parallelism: 1 })
        .node('in', source)
        .node('fast', map)
        .node('slow', map)
        .node('format', map)
        .node('join', sink)
        .edge('in', 'fast')
        .edge('in', 'slow')
        .edge('fast', 'join')
        .edge('slow', 'format')
        .edge('format', 'join'),
      settings,
    )
  const aligning = (scene: Scene): void => {
    scene.board
      .subtask('in', 0, { busyMs: 100, backpressuredMs: 900 })
      .channel('in -> fast', 0, { blockedMs: 890 })
      .subtask('fast', 0, { busyMs: 50, backpressuredMs: 950 })
      .channel('fast -> join', 0, { blockedMs: 940, starvedMs: 70 })
      .channel('in -> slow', 0, { blockedMs: 10 })
      .subtask('slow', 0, { busyMs: 990, idleMs: 10 })
      .channel('slow -> format', 0, { starvedMs: 960 })
      .subtask('format', 0, { busyMs: 40, idleMs: 960 })
      .channel('format -> join', 0, { starvedMs: 900 })
      .subtask('join', 0, { busyMs: 100, idleMs: 900, refusingMs: 830 })
  }

  it('waits for the branch whose barrier is late: that is the bottleneck, and the message says why', () => {
    const scene = diamond()
    aligning(scene)
    expect(scene.bottleneck()).toEqual({
      kind: 'operator',
      operator: 'slow',
      subtask: 0,
      worker: 1,
      busy: 0.99,
      because: ['in -> fast', 'fast -> join', 'format -> join', 'slow -> format'],
      aligning: ['join'],
      heldBackMsPerSecond: [{ source: 'in', ms: expect.any(Number) as number }],
      message: expect.stringMatching(
        /^slow \(subtask 0\) is the bottleneck: busy 99 %, holds source in back 7\d % of the time through in -> fast -> join, which aligns a checkpoint whose barrier is late through slow -> format -> join$/,
      ) as string,
    })
  })

  it('counts a refusal that is still open', () => {
    const scene = diamond()
    aligning(scene)
    scene.board
      .subtask('join', 0, { idleMs: 70, refusingMs: 0, state: SubtaskState.refusing, stateSinceMs: 170 })
      .channel('format -> join', 0, { starvedMs: 70, starvedSinceMs: 170 })
    expect(scene.bottleneck()).toMatchObject({ operator: 'slow', aligning: ['join'] })
  })

  it('is the bottleneck itself where it does not wait, or hardly ever refuses', () => {
    const scene = diamond()
    aligning(scene)
    scene.board.subtask('join', 0, { busyMs: 990, idleMs: 10, refusingMs: 5 })
    expect(scene.bottleneck()).toMatchObject({ operator: 'join', aligning: [], because: ['in -> fast', 'fast -> join'] })
    scene.board.subtask('join', 0, { busyMs: 860, idleMs: 140, refusingMs: 110 }).subtask('slow', 0, { busyMs: 300, idleMs: 700 })
    expect(scene.bottleneck()).toMatchObject({ operator: 'join', aligning: [] })
  })

  it('goes on where the late branch is held back itself, and does not turn in circles', () => {
    const scene = new Scene(
      new GraphBuilder({ parallelism: 1 })
        .node('in', source)
        .node('late', map)
        .node('join', sink)
        .node('disk', sink)
        .edge('in', 'late')
        .edge('in', 'join')
        .edge('late', 'join')
        .edge('late', 'disk'),
    )
    scene.board
      .subtask('in', 0, { backpressuredMs: 900 })
      .channel('in -> join', 0, { blockedMs: 850 })
      .channel('in -> late', 0, { blockedMs: 50 })
      .subtask('late', 0, { busyMs: 100, backpressuredMs: 900 })
      .channel('late -> disk', 0, { blockedMs: 700 })
      .channel('late -> join', 0, { blockedMs: 200, starvedMs: 800 })
      .subtask('join', 0, { busyMs: 100, idleMs: 900, refusingMs: 900 })
      .subtask('disk', 0, { busyMs: 950, idleMs: 50 })
    expect(scene.bottleneck()).toMatchObject({
      operator: 'disk',
      because: ['in -> join', 'late -> join', 'late -> disk'],
      message: expect.stringContaining(
        'through in -> join, which aligns a checkpoint whose barrier is late through late -> join, itself held back through late -> disk',
      ) as string,
    })
  })

  it('finds an end and invents no held-back time, whoever refuses and blocks whom', () => {
    const share = fc.integer({ min: 0, max: 1_000 })
    const shares = (length: number): fc.Arbitrary<number[]> => fc.array(share, { minLength: length, maxLength: length })
    fc.assert(
      fc.property(shares(5), shares(5), shares(4), shares(4), (blocked, starved, idle, refusing) => {
        const scene = diamond()
        const edges = ['in -> fast', 'in -> slow', 'fast -> join', 'slow -> format', 'format -> join']
        for (const [at, edge] of edges.entries()) {
          scene.board.channel(edge, 0, { blockedMs: blocked[at] as number, starvedMs: starved[at] as number })
        }
        for (const [at, task] of ['fast', 'slow', 'format', 'join'].entries()) {
          const idleMs = idle[at] as number
          scene.board.subtask(task, 0, { idleMs, refusingMs: Math.min(idleMs, refusing[at] as number), busyMs: 1_000 - idleMs })
        }
        const bottleneck = scene.bottleneck()
        if (Math.max(...blocked) <= 100) expect(bottleneck).toBeUndefined()
        else {
          const held = bottleneck?.heldBackMsPerSecond.map(({ ms }) => ms) ?? []
          expect(Math.min(...held)).toBeGreaterThan(0)
          expect(Math.max(...held)).toBeLessThanOrEqual(1_000 + 1e-6)
          expect(bottleneck?.because.length).toBeGreaterThan(0)
        }
      }),
      { numRuns: 150 },
    )
  })
})
