import { describe, expect, it } from 'vitest'
import { measureInterval } from '../../src/metrics/interval.js'
import { layoutMetrics, SubtaskState } from '../../src/metrics/metric-layout.js'
import { levelOf } from '../../src/metrics/pressure-level.js'
import { zeroMetrics } from '../../src/metrics/read-metrics.js'
import { reportInterval } from '../../src/metrics/report-interval.js'
import { stuckSubtasks } from '../../src/metrics/stuck-subtasks.js'
import { planJob } from '../../src/plan/plan-job.js'
import { resolveSettings } from '../../src/plan/settings.js'
import { async, GraphBuilder, map, sink, source } from '../support/graph-builder.js'
import { MetricsBoard } from '../support/metrics-board.js'

const graph = new GraphBuilder()
  .node('in', source)
  .node('parse', map)
  .node('sum', map)
  .node('out', sink)
  .edge('in', 'parse')
  .edge('parse', 'sum', { partitioning: 'hash' })
  .edge('sum', 'out')
  .build()
const plan = planJob(graph, resolveSettings({}, { cores: 2 }))
const started = 1_000
const report = (board: MetricsBoard, nowMs: number, from = zeroMetrics(plan, started)) =>
  reportInterval(graph, plan, from, board.read(nowMs))

describe('levelOf', () => {
  it.each([
    [0, 'OK'],
    [0.1, 'OK'],
    [0.1001, 'LOW'],
    [0.5, 'LOW'],
    [0.5001, 'HIGH'],
    [1, 'HIGH'],
  ])('%d -> %s', (share, level) => expect(levelOf(share)).toBe(level))
})

describe('readMetrics', () => {
  it.each([
    ['idle', 'idleMs'],
    ['queued', 'queuedMs'],
    ['backpressured', 'backpressuredMs'],
    ['busy', 'busyMs'],
    ['waiting', 'busyMs'],
    ['finished', 'idleMs'],
  ] as const)('counts an open %s interval to %s, up to now', (state, total) => {
    const board = new MetricsBoard(plan).subtask('in', 0, { [total]: 10, state: SubtaskState[state], stateSinceMs: 1_500 })
    const snapshot = board.read(1_700)
    expect(snapshot.subtasks[0]?.[total]).toBe(210)
    const { busyMs = 0, queuedMs = 0, backpressuredMs = 0, idleMs = 0 } = snapshot.subtasks[0] ?? {}
    expect(busyMs + queuedMs + backpressuredMs + idleMs).toBe(210)
  })

  it('counts nothing before the start, and nothing negative where the clocks of two reads cross', () => {
    const board = new MetricsBoard(plan)
    expect(board.read(9_000).subtasks[0]).toMatchObject({ idleMs: 0, watermark: Number.NEGATIVE_INFINITY })
    expect(zeroMetrics(plan, 9_000).subtasks[0]).toMatchObject({ blockedChannel: -1, activeOperator: -1 })
    expect(board.subtask('in', 0, { stateSinceMs: 9_001 }).read(9_000).subtasks[0]?.idleMs).toBe(0)
  })

  it('counts open stalls and open starvation', () => {
    const board = new MetricsBoard(plan)
      .channel('parse -> sum', 1, { blockedMs: 40, stallSinceMs: 1_400, stalls: 2, longestStallMs: 30 })
      .channel('parse -> sum', 2, { starvedMs: 5, starvedSinceMs: 1_450 })
    const { channels } = board.read(1_500)
    expect(channels[1]).toMatchObject({ blockedMs: 140, openStallMs: 100, longestStallMs: 30 })
    expect(channels[2]).toMatchObject({ starvedMs: 55, openStallMs: 0 })
  })

  it('keeps every word apart', () => {
    const board = new MetricsBoard(plan)
    for (let at = 0; at < board.words.length; at++) board.words[at] = at + 1
    const layout = layoutMetrics(plan)
    const snapshot = board.read(0)
    expect(snapshot.subtasks[3]?.recordsIn).toBe(layout.subtaskAt(3) + 6 + 1)
    expect(snapshot.channels[3]?.windowShrinks).toBe(layout.channelAt(3) + 15 + 1)
    expect(snapshot.operators[3]?.[1]?.sampledRecords).toBe(layout.operatorAt(3, 1) + 1 + 1)
  })
})

describe('edge pressure', () => {
  it('adds channels up where they add up and takes the worst where one matters', () => {
    const board = new MetricsBoard(plan)
      .channel('parse -> sum', 0, { bytes: 6_000, records: 60, consumedBytes: 5_000, windowBytes: 10_000, blockedMs: 100, starvedMs: 400 })
      .channel('parse -> sum', 1, { bytes: 4_000, records: 40, consumedBytes: 1_000, windowBytes: 4_000, blockedMs: 1_200, starvedMs: 0 })
    const before = board.read(2_000)
    board
      .channel('parse -> sum', 0, { bytes: 16_000, records: 160, consumedBytes: 15_000, blockedMs: 300, starvedMs: 1_000 })
      .channel('parse -> sum', 1, { bytes: 8_000, records: 80, consumedBytes: 5_000, blockedMs: 2_400, starvedMs: 0 })
    const [edge] = report(board, 4_000, before).edges
    expect(edge).toMatchObject({
      edge: 'parse -> sum',
      from: 'parse',
      to: 'sum',
      partitioning: 'hash',
      channels: 4,
      recordsPerSecond: 70,
      bytesPerSecond: 7_000,
      bytesEstimated: true,
      fill: 0.75,
      window: 4_000,
      blockedMsPerSecond: { max: 600, mean: 175 },
      starvedMsPerSecond: 75,
      level: 'HIGH',
    })
  })

  it('takes the level of the hottest channel', () => {
    const board = new MetricsBoard(plan).channel('parse -> sum', 3, { blockedMs: 110 })
    expect(report(board, started + 1_000).edges[0]).toMatchObject({ level: 'LOW', blockedMsPerSecond: { max: 110, mean: 27.5 } })
  })

  it.each([
    ['the open stall, up to now', { blockedMs: 0, stalls: 0, longestStallMs: 20, stallSinceMs: 2_500 }, 500],
    ['the longest so far when it is new', { blockedMs: 90, stalls: 3, longestStallMs: 60, stallSinceMs: 0 }, 60],
    ['else the mean of those in the interval', { blockedMs: 30, stalls: 3, longestStallMs: 20, stallSinceMs: 0 }, 10],
    ['nothing where nothing stalled', { blockedMs: 0, stalls: 0, longestStallMs: 20, stallSinceMs: 0 }, 0],
  ])('longest stall: %s', (_, words, expected) => {
    const board = new MetricsBoard(plan).channel('parse -> sum', 0, { longestStallMs: 20 })
    const before = board.read(2_000)
    board.channel('parse -> sum', 0, words)
    expect(report(board, 3_000, before).edges[0]?.longestStallMs).toBe(expected)
  })

  it('counts a stall that has been open since before the interval as blocked all the time', () => {
    const board = new MetricsBoard(plan).channel('parse -> sum', 0, { stallSinceMs: 1_200 })
    const before = board.read(2_000)
    expect(report(board, 3_000, before).edges[0]).toMatchObject({
      blockedMsPerSecond: { max: 1_000 },
      longestStallMs: 1_800,
      level: 'HIGH',
    })
  })

  it.each([
    ['nothing waits: no time', { bytes: 500, consumedBytes: 500 }, {}, 0],
    ['a busy consumer takes it at its rate', { bytes: 1_500, consumedBytes: 1_000 }, { busyMs: 1_000 }, 500],
    ['an idle one would take it at once', { bytes: 1_010, consumedBytes: 1_000 }, { busyMs: 10, idleMs: 990 }, 0.1],
    ['staged bytes wait too', { bytes: 1_000, consumedBytes: 1_000, stagedBytes: 100 }, { busyMs: 1_000 }, 100],
    ['one that took nothing: at least as long as it took nothing', { bytes: 10, bytesPerBusySecond: 1_000 }, { busyMs: 1_000 }, 1_000],
    ['one that had nothing till now: the last known rate', { bytes: 10, bytesPerBusySecond: 1_000 }, { idleMs: 1_000 }, 10],
  ])('queue time: %s', (_, channel, consumer, expected) => {
    const board = new MetricsBoard(plan).channel('parse -> sum', 0, channel).subtask('sum', 0, consumer)
    expect(report(board, started + 1_000).edges[0]?.queueMs).toBeCloseTo(expected, 6)
  })

  it('measures the fill of a pull edge in the records that were asked for', () => {
    const pulled = new GraphBuilder({ parallelism: 1, chaining: false, edges: { 'in -> out': { prefetch: 8 } } })
      .node('in', source)
      .node('out', sink)
      .edge('in', 'out')
      .build()
    const planned = planJob(pulled, resolveSettings(pulled.settings, { cores: 1 }))
    const board = new MetricsBoard(planned).channel('in -> out', 0, {
      records: 106,
      consumedRecords: 100,
      bytes: 600,
      consumedBytes: 0,
      windowBytes: 600,
    })
    expect(reportInterval(pulled, planned, zeroMetrics(planned, 0), board.read(1_000)).edges[0]).toMatchObject({ fill: 0.75, prefetch: 8 })
  })

  it('is quiet over an interval of no length', () => {
    const [edge] = report(new MetricsBoard(plan), started).edges
    expect(edge).toMatchObject({ recordsPerSecond: 0, fill: 0, blockedMsPerSecond: { max: 0, mean: 0 }, level: 'OK', queueMs: 0 })
  })
})

describe('subtasks', () => {
  it('gives rates that add up to a second, with the open state', () => {
    const board = new MetricsBoard(plan).channel('parse -> sum', 3, { records: 390 }).subtask('in', 1, {
      busyMs: 300,
      queuedMs: 100,
      backpressuredMs: 200,
      idleMs: 0,
      state: SubtaskState.idle,
      stateSinceMs: started + 600,
      recordsIn: 500,
      recordsWritten: 10,
      watermark: 77,
      stateBytes: 8,
    })
    const subtask = report(board, started + 1_000).subtasks[1]
    expect(subtask).toMatchObject({
      task: 'in -> parse',
      subtask: 1,
      worker: 1,
      state: 'idle',
      busyMsPerSecond: 300,
      queuedMsPerSecond: 100,
      backpressuredMsPerSecond: 200,
      idleMsPerSecond: 400,
      recordsInPerSecond: 500,
      recordsOutPerSecond: 400,
      watermark: 77,
      stateBytes: 8,
      finished: false,
    })
  })

  it('never reports negative rates when a read was torn', () => {
    const board = new MetricsBoard(plan).subtask('in', 0, { busyMs: 300, recordsIn: 5 })
    const before = board.read(2_000)
    board.subtask('in', 0, { busyMs: 299, recordsIn: 4 })
    expect(report(board, 3_000, before).subtasks[0]).toMatchObject({ busyMsPerSecond: 0, recordsInPerSecond: 0 })
    expect(measureInterval(before, board.read(1_999)).elapsedMs).toBe(0)
  })
})

describe('headroom', () => {
  it('is the gap to the busiest subtask', () => {
    const board = new MetricsBoard(plan)
      .subtask('in', 0, { busyMs: 200, idleMs: 800, recordsIn: 100 })
      .subtask('in', 1, { busyMs: 200, idleMs: 800, recordsIn: 100 })
      .subtask('sum', 1, { busyMs: 500, idleMs: 500 })
    expect(report(board, started + 1_000).headroom).toEqual({
      headroom: expect.closeTo(0.3),
      how: 'estimated',
      limitedBy: 'worker 1',
      recordsPerSecond: 200,
      recordsPerSecondPeak: 200,
      recordsPerSecondMax: expect.closeTo(200 / 0.7),
    })
    board.subtask('in', 1, { busyMs: 0 })
    expect(report(board, started + 1_000).headroom).toMatchObject({ headroom: 0.5, limitedBy: 'sum (subtask 1)' })
  })

  it('is nothing while a source is held back', () => {
    const board = new MetricsBoard(plan).subtask('in', 0, { busyMs: 200, backpressuredMs: 700, recordsIn: 100 })
    expect(report(board, started + 1_000).headroom).toMatchObject({ headroom: 0, recordsPerSecond: 100, recordsPerSecondMax: 100 })
  })

  it('does not count asynchronous work as use of its thread', () => {
    const waiting = new GraphBuilder({ parallelism: 1 })
      .node('in', source)
      .node('call', async({ concurrency: 4, discardsResults: true }))
      .edge('in', 'call')
      .build()
    const planned = planJob(waiting, resolveSettings(waiting.settings, { cores: 1 }))
    const board = new MetricsBoard(planned).subtask('in', 0, { busyMs: 400, recordsIn: 10 }).subtask('call', 0, { busyMs: 800 })
    expect(reportInterval(waiting, planned, zeroMetrics(planned, 0), board.read(1_000)).headroom).toMatchObject({
      headroom: expect.closeTo(0.2),
      limitedBy: 'call (subtask 0)',
    })
  })

  it('counts asynchronous work that is in flight, below its limit too', () => {
    const calls = new GraphBuilder({ parallelism: 1 })
      .node('in', source)
      .node('call', async({ concurrency: 4, discardsResults: true }))
      .edge('in', 'call')
      .build()
    const planned = planJob(calls, resolveSettings(calls.settings, { cores: 1 }))
    const board = new MetricsBoard(planned)
      .subtask('in', 0, { busyMs: 10, recordsIn: 100 })
      .subtask('call', 0, { busyMs: 20, inFlightMs: 2_400, asyncInFlight: 3, inFlightSinceMs: 800 })
    expect(reportInterval(calls, planned, zeroMetrics(planned, 0), board.read(1_000)).headroom).toMatchObject({
      headroom: expect.closeTo(0.25),
      limitedBy: 'call (subtask 0)',
      recordsPerSecondMax: expect.closeTo(100 / 0.75),
    })
  })

  it('takes what is shed for not carried, and waiting for a limit for no use of the thread', () => {
    const shedding = new GraphBuilder({ parallelism: 1, chaining: false })
      .node('in', source)
      .node('limit', map, { limit: 'rate of 9/s' })
      .node('shed', map, { lossy: { because: 'it drops', accepted: true } })
      .node('out', sink)
      .edge('in', 'limit')
      .edge('limit', 'shed')
      .edge('shed', 'out')
      .build()
    const planned = planJob(shedding, resolveSettings(shedding.settings, { cores: 1, workers: 1 }))
    const board = new MetricsBoard(planned)
      .subtask('in', 0, { busyMs: 100, recordsIn: 100 })
      .subtask('limit', 0, { busyMs: 700 })
      .subtask('out', 0, { busyMs: 600 })
    const headroom = () => reportInterval(shedding, planned, zeroMetrics(planned, 0), board.read(1_000)).headroom
    // The thread was used for 700 ms too, but not by the limit.
    expect(headroom()).toMatchObject({ headroom: expect.closeTo(0.3) as number, limitedBy: 'limit (subtask 0)' })
    board.subtask('shed', 0, { backpressuredMs: 900 }).channel('shed -> out', 0, { blockedMs: 900 }).dropped('shed', 0, 0, { full: 80 })
    expect(headroom()).toMatchObject({ headroom: 0, recordsPerSecond: 100, recordsPerSecondMax: 20 })
  })

  it('says nothing where nothing ran', () => {
    expect(report(new MetricsBoard(plan), started + 1_000).headroom).toBeUndefined()
  })
})

describe('stuckSubtasks', () => {
  const stuck = (state: number, sinceMs: number, activeOperator = -1) =>
    stuckSubtasks(
      graph,
      plan,
      new MetricsBoard(plan).subtask('in', 1, { state, stateSinceMs: sinceMs, activeOperator }).read(20_000),
      10_000,
    )

  it('names who has been busy in one step for too long', () => {
    expect(stuck(SubtaskState.busy, 9_000)).toEqual([{ operator: 'in -> parse', subtask: 1, worker: 1, forMs: 11_000 }])
    expect(stuck(SubtaskState.busy, 9_000, 1)).toMatchObject([{ operator: 'parse' }])
  })

  it('lets everything else be', () => {
    expect(stuck(SubtaskState.busy, 10_000)).toEqual([])
    expect(stuck(SubtaskState.busy, 0)).toEqual([])
    for (const state of [SubtaskState.idle, SubtaskState.queued, SubtaskState.backpressured, SubtaskState.waiting, SubtaskState.finished]) {
      expect(stuck(state, 1)).toEqual([])
    }
  })
})
