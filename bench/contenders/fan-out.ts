/**
 * One source and twelve consumers at speeds from 1 to 1/2048, the last of which stalls half-way. The consumers are slow by waiting, so that
 * they share the threads and not the cores: the alone-rate of the fast one is what the same job gives it with no other consumer, in the same process.
 */
import type { RunHandle } from 'sluice'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { sleep } from '../harness/sleep.js'
import { metricsOf, startJob } from '../harness/start-job.js'

const JOB = new URL('../jobs/fan-out.job.js', import.meta.url)
const FASTEST = 30_000
/** 2 to the minus this; the last consumer is the one that stalls. */
const SLOWER = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 11]
/** Where nothing sheds: small windows, so that the slowest sets the pace within seconds. */
const LOSSLESS_RING_BYTES = 16 * 1024
/** Two dozen tasks take their time to become fast. */
const SPANS = { warmMs: 4_000, aloneMs: 3_000, stallMs: 1_500, measureMs: 4_000 }
const QUICK_SPANS = { warmMs: 2_500, aloneMs: 800, stallMs: 500, measureMs: 1_000 }

export type FanOutMode = 'lossless' | 'latest' | 'drop-oldest' | 'sample'

interface Rates {
  /** By consumer, in records per second. */
  readonly before: readonly number[]
  readonly stalled: readonly number[]
  /** Cores that the process kept busy, before. */
  readonly cores: number
}

export async function measureFanOut(mode: FanOutMode, { quick }: MeasureOptions): Promise<Measurement> {
  const spans = quick ? QUICK_SPANS : SPANS
  const alone = await ratesOf(mode, [FASTEST], spans, spans.aloneMs)
  const rates = SLOWER.map((exponent) => FASTEST * 2 ** -exponent)
  const together = await ratesOf(mode, rates, spans, spans.measureMs)
  const [aloneRate = 0] = alone.before
  const [fast = 0] = together.before
  const [fastStalled = 0] = together.stalled
  const slowest = Math.min(...together.before)
  return {
    value: (mode === 'lossless' ? fast : Math.min(fast, fastStalled)) / aloneRate,
    details: {
      'alone, records/s': aloneRate,
      'fastest, records/s': fast,
      'fastest while one stalls, records/s': fastStalled,
      'slowest, records/s': slowest,
      'cores busy': together.cores,
      // Of what each one could take: the least over those behind a policy, or over all where nothing sheds.
      'least share of its own pace': Math.min(...together.before.map((rate, consumer) => rate / (rates[consumer] as number))),
    },
    series: {
      pace: rates,
      before: together.before.map((rate) => Math.round(rate * 10) / 10),
      stalled: together.stalled.map((rate) => Math.round(rate * 10) / 10),
    },
  }
}

async function ratesOf(mode: FanOutMode, rates: readonly number[], { warmMs, stallMs }: typeof SPANS, measureMs: number): Promise<Rates> {
  const stalled = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  let sinks: readonly number[] = []
  const handle = await startJob(JOB, {
    params: { mode, rates, stalled },
    settings: { stopTimeoutMs: 1, ...(mode === 'lossless' ? { ringBytes: LOSSLESS_RING_BYTES } : {}) },
    listen: ({ events }) =>
      events.once('planned', ({ plan }) => {
        sinks = rates.map((_, consumer) => plan.subtasks.findIndex(({ task }) => plan.tasks[task]?.name === `consumer${consumer}`))
        if (sinks.includes(-1)) throw new Error('a consumer shares its task')
      }),
  })
  await sleep(warmMs)
  const cpu = process.cpuUsage()
  const before = await between(handle, sinks, measureMs)
  const { user, system } = process.cpuUsage(cpu)
  let after: readonly number[] = []
  // One alone is never the one that stalls.
  if (rates.length > 1) {
    new Int32Array(stalled)[0] = 1
    await sleep(stallMs)
    after = await between(handle, sinks, measureMs)
  }
  // A promise of a consumer never settles: what is in flight is given up at the time limit.
  await handle.stop()
  await handle.finished.catch(() => {})
  return { before, stalled: after, cores: (user + system) / 1e3 / measureMs }
}

async function between(handle: RunHandle<unknown>, sinks: readonly number[], ms: number): Promise<readonly number[]> {
  const first = metricsOf(handle)
  await sleep(ms)
  const last = metricsOf(handle)
  const elapsedMs = last.atMs - first.atMs
  return sinks.map((sink) => (((last.subtasks[sink]?.recordsIn ?? 0) - (first.subtasks[sink]?.recordsIn ?? 0)) * 1000) / elapsedMs)
}
