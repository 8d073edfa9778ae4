/** What a job calls is down for 30 s: what it sends meanwhile, how it comes back, and whether anything is lost. */
import type { MetricsSnapshot } from '@sluice/engine'
import type { RunHandle } from 'sluice'
import { type Trace, meanRate, peakRate, ratesOver, reachesAfterMs } from '../harness/dynamics.js'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { type Outage, OutageServer } from '../harness/outage-server.js'
import { sleep } from '../harness/sleep.js'
import { startJob } from '../harness/start-job.js'
import { BATCH_RECORDS, BUDGET, FAILURES, OPEN_FOR_MS, OutageCount, type outageModes, PROBES } from '../jobs/outage.job.js'

const JOB = new URL('../jobs/outage.job.js', import.meta.url)
const IDS_MAX = 2 ** 20
const CONCURRENCY = 32
/** Requests of `webhook`, which have eight records each. */
const WEBHOOK_CONCURRENCY = 8
const SERVICE_MS = 20
/** Of the variant that puts aside what fails: it must not be as fast as failing is. */
const RATE_OF_FAIL = 500
const PHASES = { warmMs: 5_000, beforeMs: 10_000, outageMs: 30_000, afterMs: 20_000 }
const QUICK_PHASES = { warmMs: 1_000, beforeMs: 1_000, outageMs: 3_000, afterMs: 3_000 }
const SAMPLE_MS = 50
/** What one value of a chart, and of the peak, is a mean over. */
const STRETCH_MS = 500
/** The throughput is back at this share of what it was. */
const BACK_SHARE = 0.95
/** At the end some thousand records wait for their calls: that takes seconds, and on a machine that has other things to do many times as long. */
const STOP_TIMEOUT_MS = 120_000
/** Retries that a budget may have saved up: over ten seconds. */
const BUDGET_SECONDS = 10

type Mode = Exclude<(typeof outageModes)[number], 'replay'>

export interface OutageVariant {
  readonly mode: Mode
  readonly outage: Outage
}

/** @throws Error where a record is lost, arrives twice, or more was sent while the server was down than the bound allows. */
export async function measureOutage(variant: OutageVariant, { quick }: MeasureOptions): Promise<Measurement> {
  const server = await OutageServer.start({ serviceMs: SERVICE_MS, idsMax: IDS_MAX })
  try {
    return await new OutageRun(server, variant, quick ? QUICK_PHASES : PHASES).measure()
  } finally {
    server.close()
  }
}

class OutageRun {
  readonly #server: OutageServer
  readonly #variant: OutageVariant
  readonly #phases: typeof PHASES
  readonly #counts = new SharedArrayBuffer((OutageCount.ids + IDS_MAX) * 4)
  readonly #arrived = new SharedArrayBuffer(IDS_MAX)
  readonly #words = new Int32Array(this.#counts)
  /** `made`: requests sent; `taken`: results that arrived. */
  readonly #trace = { timesMs: [] as number[], made: [] as number[], taken: [] as number[] }
  /** Sampled with it: 0 closed, 0.5 half-open, 1 open. */
  readonly #breaker: number[] = []

  constructor(server: OutageServer, variant: OutageVariant, phases: typeof PHASES) {
    this.#server = server
    this.#variant = variant
    this.#phases = phases
  }

  async measure(): Promise<Measurement> {
    const { mode, outage } = this.#variant
    const { warmMs, beforeMs, outageMs, afterMs } = this.#phases
    const handle = await startJob(JOB, { params: this.#params(mode), settings: { stopTimeoutMs: STOP_TIMEOUT_MS } })
    await sleep(warmMs)
    const startMs = performance.now()
    const sampler = setInterval(() => this.#sample(handle, performance.now() - startMs), SAMPLE_MS)
    await sleep(beforeMs)
    const downMs = performance.now() - startMs
    const sentBefore = this.#sent(handle)
    await this.#server.down(outage)
    await sleep(outageMs)
    const upMs = performance.now() - startMs
    const sentWhileDown = this.#sent(handle) - sentBefore
    await this.#server.up()
    await sleep(afterMs)
    clearInterval(sampler)
    const endMs = this.#trace.timesMs.at(-1) ?? 0
    const requestsPerRecord = (this.#trace.made.at(-1) ?? 0) / (this.#trace.taken.at(-1) ?? 0)
    await handle.drain()
    const { recordsIn, aborted } = await handle.finished
    if (aborted) throw new Error(`the records in flight were given up ${STOP_TIMEOUT_MS / 1000} s after the drain began`)
    const letters = this.#count('letters')
    if (letters > 0) await this.#replay()
    await this.#check(recordsIn)
    this.#checkBound(sentWhileDown, upMs - downMs)
    return this.#measurement({ requestsPerRecord, recordsIn, letters, sentWhileDown, downMs, upMs, endMs })
  }

  #params(mode: Mode | 'replay'): Readonly<Record<string, unknown>> {
    const rate = mode === 'fail' ? RATE_OF_FAIL : 0
    return { mode, port: this.#server.port, concurrency: this.#concurrency, rate, counts: this.#counts, arrived: this.#arrived }
  }

  get #concurrency(): number {
    return this.#variant.mode === 'webhook' ? WEBHOOK_CONCURRENCY : CONCURRENCY
  }

  #calls(handle: RunHandle<unknown>): MetricsSnapshot['operators'][number][number]['calls'] {
    return handle
      .metrics()
      ?.operators.flat()
      .find((operator) => operator.calls !== undefined)?.calls
  }

  /** A sink's own requests are known by what its guard counts. */
  #sent(handle: RunHandle<unknown>): number {
    return this.#variant.mode === 'webhook' ? (this.#calls(handle)?.attempts ?? 0) : this.#count('sent')
  }

  #count(name: 'sent' | 'done' | 'letters'): number {
    return Atomics.load(this.#words, OutageCount[name])
  }

  #sample(handle: RunHandle<unknown>, atMs: number): void {
    const calls = this.#calls(handle)
    const answered = calls === undefined ? 0 : calls.attempts - calls.failures - calls.underWay.now
    this.#trace.timesMs.push(atMs)
    this.#trace.made.push(this.#sent(handle))
    this.#trace.taken.push(this.#variant.mode === 'webhook' ? answered * BATCH_RECORDS : this.#count('done'))
    this.#breaker.push(calls?.breaker === 'open' ? 1 : calls?.breaker === 'half-open' ? 0.5 : 0)
  }

  /** Another run takes the dead letters as its source. */
  async #replay(): Promise<void> {
    await (await startJob(JOB, { params: this.#params('replay') })).finished
  }

  /** Every record that was made has its result, once, and the server answered it. */
  async #check(records: number): Promise<void> {
    if (records > IDS_MAX) throw new Error(`${records} records were made, and ${IDS_MAX} can be told apart`)
    const { ids } = await this.#server.report()
    if (ids !== records) throw new Error(`the server answered ${ids} of ${records} records`)
    if (this.#variant.mode === 'webhook') return
    const arrived = new Uint8Array(this.#arrived)
    let lost = 0
    let repeated = 0
    for (let id = 0; id < IDS_MAX; id++) {
      const times = arrived[id] as number
      if (times !== (id < records ? 1 : 0)) {
        if (times === 0) lost++
        else repeated++
      }
    }
    if (lost > 0 || repeated > 0) throw new Error(`of ${records} records ${lost} were lost and ${repeated} arrived twice`)
  }

  /** Requests in flight when it went down, those that found that out, the budget with what it had saved, and probes. */
  #checkBound(sent: number, forMs: number): void {
    const bound = this.#boundOf(forMs)
    if (bound !== undefined && sent > bound)
      throw new Error(`${sent} requests were sent in ${Math.round(forMs)} ms in which the server was down, and the bound is ${bound}`)
  }

  #boundOf(forMs: number): number | undefined {
    const { mode } = this.#variant
    if (mode === 'naive') return undefined
    const found = this.#concurrency + FAILURES
    if (mode === 'fail') return found + Math.ceil(forMs / OPEN_FOR_MS + 1) * PROBES
    const rate = meanRate(this.#trace, this.#trace.taken, 0, this.#trace.timesMs.at(-1) ?? 0)
    const saved = BUDGET_SECONDS * (BUDGET.perSecond + BUDGET.share * Math.max(rate, (CONCURRENCY * 1000) / SERVICE_MS))
    // Without a breaker every record in the table may use what was saved; with one only what was under way does.
    if (mode === 'retry') return Math.ceil(found + saved + (forMs / 1000) * BUDGET.perSecond)
    return found + Math.ceil(forMs / OPEN_FOR_MS + 1) * PROBES
  }

  #measurement(seen: {
    readonly requestsPerRecord: number
    readonly recordsIn: number
    readonly letters: number
    readonly sentWhileDown: number
    readonly downMs: number
    readonly upMs: number
    readonly endMs: number
  }): Measurement {
    const { requestsPerRecord, recordsIn, letters, sentWhileDown, downMs, upMs, endMs } = seen
    const results: Trace = { ...this.#trace, made: this.#trace.taken }
    const measured = meanRate(results, results.made, 0, downMs)
    // At the start a source with a rate makes what was due before.
    const before = this.#variant.mode === 'fail' ? Math.min(RATE_OF_FAIL, measured) : measured
    const peakBefore = peakRate(this.#trace, 0, downMs, STRETCH_MS)
    const sent = ratesOver(this.#trace, this.#trace.made, STRETCH_MS)
    const done = ratesOver(this.#trace, this.#trace.taken, STRETCH_MS)
    const bound = this.#boundOf(upMs - downMs)
    return {
      value: sentWhileDown,
      details: {
        'per s while down': (sentWhileDown * 1000) / (upMs - downMs),
        ...(bound === undefined ? {} : { bound: bound }),
        'rate before, records/s': before,
        'back after ms': reachesAfterMs(results, upMs, endMs, BACK_SHARE * before, 1_000),
        'peak of requests behind it, to that before': peakRate(this.#trace, upMs, endMs, STRETCH_MS) / peakBefore,
        records: recordsIn,
        lost: 0,
        'dead letters, replayed': letters,
        'requests per record': requestsPerRecord,
      },
      series: {
        seconds: sent.map(({ atMs }) => round((atMs - downMs) / 1000)),
        sent: sent.map(({ rate }) => round(rate)),
        done: done.map(({ rate }) => round(rate)),
        breaker: sent.map(({ atMs }) => this.#breaker[this.#trace.timesMs.findIndex((timeMs) => timeMs >= atMs)] ?? 0),
      },
    }
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
