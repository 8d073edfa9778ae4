/** 200,000 spans a second through a tail sample: which traces it keeps, whether they are whole, and what it holds. */
import { run } from 'sluice'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { FAILED_BIT } from '../jobs/telemetry.job.js'

const JOB = new URL('../jobs/telemetry.job.js', import.meta.url)
const TRACES_MAX = 2 ** 21
const RATE = 200_000
const SECONDS = 30
const QUICK = { rate: 20_000, seconds: 5 }
/** Longer than a trace of ten times the usual length takes. */
const DECIDE_AFTER_MS = 2_500
const MEMORY = '1gb'
const SAMPLE_MS = 250

/** What is enough for traces of ten times the usual length. */
const ROOMY = { records: 1_200_000, bytes: 256 * 1024 * 1024, recordsPerTrace: 4_000 }
/** What is not. */
const TIGHT = { records: 250_000, bytes: 128 * 1024 * 1024, recordsPerTrace: 500 }

export interface TelemetryVariant {
  /** `usual`: traces of 1 to 200 spans; `long`: ten times that; `tight`: long ones that find too little room. */
  readonly traces: 'usual' | 'long' | 'tight'
}

/** @throws Error where a trace that failed is not whole, a trace is kept in part, or more is held than the bounds allow. */
export async function measureTelemetry({ traces }: TelemetryVariant, { quick }: MeasureOptions): Promise<Measurement> {
  const rate = quick ? QUICK.rate : RATE
  const spans = rate * (quick ? QUICK.seconds : SECONDS)
  const made = new SharedArrayBuffer(TRACES_MAX * 2)
  const kept = new SharedArrayBuffer(TRACES_MAX * 2)
  const factor = traces === 'usual' ? 1 : 10
  const room = traces === 'tight' ? TIGHT : ROOMY
  // A short run has fewer spans; its memory is as much smaller.
  const bounds = { ...room, records: (room.records * rate) / RATE, bytes: (room.bytes * rate) / RATE }
  // Each trace has a span in a millisecond: 200 of them take a fifth of a second. Late spans are two seconds behind.
  const shape = { lanes: rate / 1_000, lateBehind: 2 * rate, lengthMin: factor, lengthMax: 200 * factor }
  const handle = run(JOB, {
    params: { spans, rate, ...shape, decideAfterMs: DECIDE_AFTER_MS, ...bounds, made, kept },
    workers: 2,
    parallelism: 1,
    memory: MEMORY,
    report: SAMPLE_MS,
  })
  const seen = { seconds: [] as number[], megabytes: [] as number[], resident: [] as number[] }
  let residentMax = 0
  let startMs = performance.now()
  handle.events.once('started', () => {
    startMs = performance.now()
  })
  handle.events.on('report', () => {
    const subtasks = handle.metrics()?.subtasks ?? []
    const resident = process.memoryUsage.rss() / 2 ** 20
    residentMax = Math.max(residentMax, resident)
    seen.seconds.push(round((performance.now() - startMs) / 1000))
    seen.megabytes.push(round(subtasks.reduce((sum, { stateBytes }) => sum + stateBytes, 0) / 2 ** 20))
    seen.resident.push(round(resident))
  })
  const { userMetrics } = await handle.finished
  const elapsedMs = performance.now() - startMs
  const total = (name: string): number =>
    userMetrics.reduce((sum, metric) => (metric.operator === 'tail' && metric.name === name ? sum + metric.value : sum), 0)
  const peak = { records: total('heldRecordsPeak'), bytes: total('heldBytesPeak') }
  if (peak.records === 0 || peak.records > bounds.records || peak.bytes > bounds.bytes)
    throw new Error(`it held up to ${peak.records} records and ${peak.bytes} bytes, and may hold ${bounds.records} and ${bounds.bytes}`)
  const early = total('earlyFull') + total('earlyRecordsPerTrace')
  const counted = countTraces(new Uint16Array(made), new Uint16Array(kept))
  if (traces !== 'tight') checkWhole(counted, early)
  else if (early === 0) throw new Error('traces of ten times the length found room: nothing was bounded')
  // What follows a decision is never on the other side, early or not.
  if (counted.inPart > 0) throw new Error(`${counted.inPart} traces were kept in part`)
  return {
    value: spans / elapsedMs,
    details: {
      'spans offered, k/s': rate / 1000,
      traces: counted.traces,
      'traces that failed': counted.failed,
      'of them whole': counted.failedWhole,
      'traces kept in part': counted.inPart,
      'late spans kept': total('lateKept'),
      'late spans dropped': total('lateDropped'),
      'decided early': early,
      'held records at most': peak.records,
      'bound of records': bounds.records,
      'held MB at most': peak.bytes / 2 ** 20,
      'bound of MB': bounds.bytes / 2 ** 20,
      'resident MB at most': residentMax,
    },
    series: seen,
  }
}

interface Counted {
  readonly traces: number
  readonly failed: number
  readonly failedWhole: number
  /** Kept, but not all of it. */
  readonly inPart: number
}

function countTraces(made: Uint16Array, kept: Uint16Array): Counted {
  let traces = 0
  let failed = 0
  let failedWhole = 0
  let inPart = 0
  for (let trace = 0; trace < made.length && made[trace] !== 0; trace++) {
    const spans = (made[trace] as number) & ~FAILED_BIT
    const fails = ((made[trace] as number) & FAILED_BIT) !== 0
    traces++
    if (kept[trace] !== 0 && kept[trace] !== spans) inPart++
    if (!fails) continue
    failed++
    if (kept[trace] === spans) failedWhole++
  }
  return { traces, failed, failedWhole, inPart }
}

/** Where nothing was decided early, every trace that failed is whole. */
function checkWhole({ failed, failedWhole }: Counted, early: number): void {
  if (early > 0) throw new Error(`${early} traces were decided early: the memory is too small for this figure`)
  if (failedWhole !== failed) throw new Error(`${failed} traces failed, and ${failedWhole} of them were kept whole`)
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
