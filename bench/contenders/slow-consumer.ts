/** A consumer becomes ten times slower and, ten seconds later, as fast as before: how the source follows, how it comes back, and what the edges held. */
import { type MetricsSnapshot, windowBytesMax } from '@sluice/engine'
import { followsAfterMs, longestPauseMs, meanRate, peakRate, ratesOver, reachesAfterMs, type Trace } from '../harness/dynamics.js'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { JobSampler } from '../harness/job-sampler.js'
import { sleep } from '../harness/sleep.js'
import { metricsOf, startJob } from '../harness/start-job.js'
import { roundsPerMicrosecond } from '../records/busy-work.js'

const JOB = new URL('../jobs/slow-consumer.job.js', import.meta.url)
const WORK_US = 5
const SLOWDOWN = 10
/** Before the consumer becomes slow, while it is, and behind that; the first part is warm-up. */
const PHASES = { warmMs: 2_000, beforeMs: 3_000, slowMs: 10_000, afterMs: 6_000 }
const QUICK_PHASES = { warmMs: 1_500, beforeMs: 1_000, slowMs: 2_500, afterMs: 2_500 }
const SHARE = 0.05
/** What moves at once, on every edge. */
const FRAME_RECORDS = 256
const HORIZON_MS = 2_000
const QUICK_HORIZON_MS = 1_000
const STRETCH_MS = 200
/** Of the drawing. */
const POINT_MS = 100

/** What the edges are like at one instant. */
interface EdgesSample {
  /** The largest share of its window that an edge has in use. */
  readonly fillMax: number
  readonly fillMean: number
  /** Window of the first and of the last edge, in bytes. */
  readonly firstWindow: number
  readonly lastWindow: number
}

export async function measureSlowConsumer(hops: number, { quick }: MeasureOptions): Promise<Measurement> {
  const phases = quick ? QUICK_PHASES : PHASES
  const perMicrosecond = roundsPerMicrosecond()
  const pace = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  const words = new Int32Array(pace)
  const setPace = (us: number): void => {
    words[0] = Math.round(us * perMicrosecond)
  }
  setPace(WORK_US)
  const timesMs: number[] = []
  const made: number[] = []
  const taken: number[] = []
  const edges: EdgesSample[] = []
  const trace: Trace = { timesMs, made, taken }
  let largestWindow = Number.NaN
  const handle = await startJob(JOB, {
    params: { hops, pace },
    listen: ({ events }) =>
      events.once('planned', ({ plan: { channels } }) => {
        if (channels.length !== hops || channels.some(({ kind }) => kind !== 'ring'))
          throw new Error(`the plan has not ${hops} rings in a row`)
        largestWindow = windowBytesMax(channels[0]?.capacityBytes ?? 0, channels[0]?.maxFrameBytes ?? 0)
      }),
  })
  const stalls: number[] = []
  const sampler = new JobSampler(handle, {
    boundBytes: () => largestWindow,
    onSample: (metrics) => {
      timesMs.push(metrics.atMs)
      made.push(metrics.subtasks[0]?.recordsIn ?? 0)
      taken.push(metrics.subtasks.at(-1)?.recordsIn ?? 0)
      stalls.push(metrics.channels.reduce((sum, channel) => sum + channel.stalls, 0))
      edges.push(describeEdges(metrics))
    },
  })
  await sleep(phases.warmMs + phases.beforeMs)
  const slowFromMs = metricsOf(handle).atMs
  setPace(WORK_US * SLOWDOWN)
  const before = process.resourceUsage().voluntaryContextSwitches
  await sleep(phases.slowMs)
  const slowToMs = metricsOf(handle).atMs
  setPace(WORK_US)
  const switches = process.resourceUsage().voluntaryContextSwitches - before
  await sleep(phases.afterMs)
  const endMs = metricsOf(handle).atMs
  sampler.end()
  await handle.stop()
  await handle.finished
  const rateBefore = meanRate(trace, made, slowFromMs - phases.beforeMs, slowFromMs)
  const rateSlow = meanRate(trace, taken, slowFromMs + phases.slowMs / 4, slowToMs)
  const follow = { share: SHARE, slack: FRAME_RECORDS * hops, horizonMs: quick ? QUICK_HORIZON_MS : HORIZON_MS }
  const reactionMs = followsAfterMs(trace, slowFromMs, slowToMs, follow)
  const recoveryMs = reachesAfterMs(trace, slowToMs, endMs, (1 - SHARE) * rateBefore, STRETCH_MS)
  if (Number.isNaN(reactionMs) || Number.isNaN(recoveryMs))
    throw new Error(`the source did not ${Number.isNaN(reactionMs) ? 'follow the consumer' : 'come back'} in time`)
  const stallsAt = (atMs: number): number => stalls[timesMs.findIndex((timeMs) => timeMs >= atMs)] ?? Number.NaN
  return {
    value: reactionMs,
    details: {
      'recovery ms': recoveryMs,
      'overshoot %': Math.max(0, (peakRate(trace, slowToMs, endMs, STRETCH_MS) / rateBefore - 1) * 100),
      'longest pause ms': longestPauseMs(trace, slowFromMs, slowToMs),
      'rate before, k/s': rateBefore / 1e3,
      'rate slow, k/s': rateSlow / 1e3,
      'stalls per s while slow': ((stallsAt(slowToMs) - stallsAt(slowFromMs)) * 1000) / (slowToMs - slowFromMs),
      'threads put to sleep per s': (switches * 1000) / (slowToMs - slowFromMs),
      'peak fill of the largest window %': sampler.fillMax * 100,
    },
    series: seriesOf(trace, edges, slowFromMs),
  }
}

function describeEdges({ channels }: MetricsSnapshot): EdgesSample {
  const fills = channels.map(({ bytes, consumedBytes, windowBytes }) =>
    windowBytes > 0 ? Math.max(0, bytes - consumedBytes) / windowBytes : 0,
  )
  return {
    fillMax: Math.max(...fills),
    fillMean: fills.reduce((sum, fill) => sum + fill, 0) / fills.length,
    firstWindow: channels[0]?.windowBytes ?? 0,
    lastWindow: channels.at(-1)?.windowBytes ?? 0,
  }
}

/** Seconds from when the consumer became slow. */
function seriesOf(trace: Trace, edges: readonly EdgesSample[], originMs: number): Measurement['series'] {
  const source = ratesOver(trace, trace.made, POINT_MS)
  const sample = (atMs: number): EdgesSample =>
    edges[
      Math.max(
        0,
        trace.timesMs.findIndex((timeMs) => timeMs >= atMs),
      )
    ] as EdgesSample
  return {
    seconds: source.map(({ atMs }) => (atMs - originMs) / 1000),
    source: source.map(({ rate }) => Math.round(rate)),
    consumer: ratesOver(trace, trace.taken, POINT_MS).map(({ rate }) => Math.round(rate)),
    fillMean: source.map(({ atMs }) => round3(sample(atMs).fillMean)),
    firstWindow: source.map(({ atMs }) => sample(atMs).firstWindow),
    lastWindow: source.map(({ atMs }) => sample(atMs).lastWindow),
  }
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000
}
