import { describe, expect, it } from 'vitest'
import { HeadroomWatch } from '../../src/metrics/headroom-watch.js'
import { zeroMetrics } from '../../src/metrics/read-metrics.js'
import { type IntervalReport, reportInterval } from '../../src/metrics/report-interval.js'
import { planJob } from '../../src/plan/plan-job.js'
import { resolveSettings } from '../../src/plan/settings.js'
import { GraphBuilder, sink, source } from '../support/graph-builder.js'
import { MetricsBoard } from '../support/metrics-board.js'

const graph = new GraphBuilder({ parallelism: 1 }).node('in', source).node('out', sink).edge('in', 'out').build()
const plan = planJob(graph, resolveSettings({}, { cores: 1, chaining: false }))

/** A second in which so many records came, the sink was busy for so long and held the source for so long. */
function second(recordsIn: number, busyMs: number, blockedMs = 0, finished = 0): IntervalReport {
  const board = new MetricsBoard(plan)
    .subtask('in', 0, { recordsIn, busyMs: 10, backpressuredMs: blockedMs, finished })
    .subtask('out', 0, { busyMs })
    .channel('in -> out', 0, { blockedMs })
  return reportInterval(graph, plan, zeroMetrics(plan, 0), board.read(1_000))
}

function watch(...reports: readonly IntervalReport[]) {
  const headroom = new HeadroomWatch()
  const seen = reports.map((report) => headroom.look(report))
  return { last: seen.at(-1), whole: headroom.whole(reports.at(-1)?.headroom) }
}

const close = (value: number): number => expect.closeTo(value) as number

describe('the headroom of a run', () => {
  it('is estimated while flow control has not started', () => {
    const { last, whole } = watch(second(100, 200), second(400, 800), second(200, 400))
    expect(last).toMatchObject({ how: 'estimated', recordsPerSecond: 200, recordsPerSecondPeak: 400, headroom: close(0.59) })
    // Against the peak: at 400 a second the thread was used for 810 ms of it.
    expect(whole).toMatchObject({
      how: 'estimated',
      recordsPerSecondPeak: 400,
      headroom: close(0.19),
      recordsPerSecondMax: close(400 / 0.81),
    })
  })

  it('is measured once flow control has started, against the highest load that was carried without', () => {
    const { last, whole } = watch(second(300, 500), second(500, 980, 400), second(100, 200))
    expect(last).toMatchObject({ how: 'measured', headroom: close(0.8), recordsPerSecond: 100, recordsPerSecondMax: 500 })
    expect(whole).toMatchObject({ how: 'measured', headroom: close(0.4), recordsPerSecondPeak: 300, recordsPerSecondMax: 500 })
  })

  it('is nothing while a source is held, and where nothing else was seen', () => {
    const { last, whole } = watch(second(500, 980, 400), second(510, 990, 420))
    expect(last).toMatchObject({ how: 'measured', headroom: 0, recordsPerSecondMax: 510, recordsPerSecondPeak: 0 })
    expect(whole).toMatchObject({ how: 'measured', headroom: 0, recordsPerSecondPeak: 0 })
  })

  it('is estimated again where more was carried than what was measured: a slow start proves nothing', () => {
    const { last } = watch(second(50, 900, 500), second(400, 500))
    expect(last).toMatchObject({ how: 'estimated', headroom: close(0.49), recordsPerSecondPeak: 400 })
  })

  it('learns nothing from an interval in which sources end, or in which nothing came', () => {
    expect(watch(second(400, 500), second(20, 900, 500, 1)).whole).toMatchObject({ how: 'estimated', recordsPerSecondPeak: 400 })
    expect(watch(second(400, 500), second(0, 900, 500)).whole).toMatchObject({ how: 'estimated', recordsPerSecondPeak: 400 })
  })

  it('of a run without any report is that of the whole', () => {
    const { headroom } = second(100, 400)
    expect(new HeadroomWatch().whole(headroom)).toEqual(headroom)
    expect(new HeadroomWatch().whole(undefined)).toBeUndefined()
  })
})
