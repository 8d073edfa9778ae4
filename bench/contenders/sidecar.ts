/** The back end of an application's telemetry is down for a minute: what its users see with a collector beside it, and without one. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunHandle, run } from 'sluice'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { sleep } from '../harness/sleep.js'
import { TelemetryBackEnd } from '../harness/telemetry-back-end.js'
import { TracedApplication } from '../harness/traced-application.js'

const SIDECAR = new URL('../../../examples/sidecar.ts', import.meta.url)
/** As long as an exporter waits for its back end. A collector beside the application has no reason to be silent: how long it is then is what is measured. */
const SEND_TIMEOUT_MS = { direct: 1_000, beside: 10_000 }
const PER_SECOND = 200
const PHASES = { warmMs: 3_000, beforeMs: 10_000, downMs: 60_000, afterMs: 20_000 }
const QUICK_PHASES = { warmMs: 1_000, beforeMs: 1_000, downMs: 8_000, afterMs: 3_000 }
const STRETCH_MS = 1_000
/** Memory of the queue in front of the disk: small, so that a minute of spans is seen there. */
const QUEUE_RECORDS = 400
const BUFFER = 'buffer'
const DELIVERED_WITHIN_MS = 60_000

export interface SidecarVariant {
  /** `beside`: the application sends to the collector, on loopback. `direct`: to the back end. */
  readonly sends: 'beside' | 'direct'
}

interface Stretch {
  readonly atMs: number
  readonly tookMs: readonly number[]
  readonly diskBytes: number
}

/** @throws Error where, with the collector, a span is not delivered, or not in order. */
export async function measureSidecar({ sends }: SidecarVariant, { quick }: MeasureOptions): Promise<Measurement> {
  const backEnd = await TelemetryBackEnd.start()
  const directory = mkdtempSync(join(tmpdir(), 'sluice-sidecar-'))
  let collector: Collector | undefined
  let application: TracedApplication | undefined
  try {
    if (sends === 'beside') collector = await startCollector(backEnd.url, directory)
    application = await TracedApplication.start({
      url: collector?.url ?? backEnd.url,
      perSecond: PER_SECOND,
      sendTimeoutMs: SEND_TIMEOUT_MS[sends],
    })
    const outage = new OutageOfBackEnd(backEnd, application, directory, quick ? QUICK_PHASES : PHASES)
    const measurement = await outage.measure(sends === 'beside')
    await collector?.handle.stop()
    return measurement
  } finally {
    application?.close()
    await collector?.handle[Symbol.asyncDispose]()
    backEnd.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

interface Collector {
  readonly handle: RunHandle<unknown>
  readonly url: string
}

async function startCollector(backEnd: string, directory: string): Promise<Collector> {
  const handle = run(SIDECAR, {
    params: { port: 0, backEnd, directory: join(directory, BUFFER), records: QUEUE_RECORDS, encoding: 'json' },
    checkpoint: { directory: join(directory, 'checkpoints') },
    workers: 1,
    report: '1h',
  })
  const url = await new Promise<string>((resolve, reject) => {
    handle.events.once('listening', (listening) => resolve(new URL(listening.url).origin))
    handle.finished.catch(reject)
  })
  return { handle, url }
}

class OutageOfBackEnd {
  readonly #backEnd: TelemetryBackEnd
  readonly #application: TracedApplication
  readonly #directory: string
  readonly #phases: typeof PHASES
  readonly #stretches: Stretch[] = []
  #unsent = 0

  constructor(backEnd: TelemetryBackEnd, application: TracedApplication, directory: string, phases: typeof PHASES) {
    this.#backEnd = backEnd
    this.#application = application
    this.#directory = directory
    this.#phases = phases
  }

  async measure(delivers: boolean): Promise<Measurement> {
    const { warmMs, beforeMs, downMs, afterMs } = this.#phases
    await sleep(warmMs)
    await this.#application.take()
    const startMs = performance.now()
    const sinceStart = (): number => performance.now() - startMs
    const during = async (ms: number): Promise<readonly number[]> => {
      const end = sinceStart() + ms
      const first = this.#stretches.length
      while (sinceStart() < end) {
        await sleep(STRETCH_MS)
        const { tookMs, unsent } = await this.#application.take()
        this.#unsent += unsent
        this.#stretches.push({ atMs: sinceStart(), tookMs, diskBytes: bytesIn(join(this.#directory, BUFFER)) })
      }
      return this.#stretches.slice(first).flatMap((stretch) => stretch.tookMs)
    }
    const before = await during(beforeMs)
    const wentDownMs = sinceStart()
    await this.#backEnd.set('down')
    const down = await during(downMs)
    const cameUpMs = sinceStart()
    await this.#backEnd.set('up')
    const after = await during(afterMs)
    const { begun, unsent } = await this.#application.finish()
    this.#unsent += unsent
    if (delivers && this.#unsent > 0) throw new Error(`${this.#unsent} spans were not taken by the collector`)
    const deliveredMs = delivers ? await this.#awaitAll(begun, performance.now()) : 0
    const arrived = await this.#backEnd.report()
    if (arrived.outOfOrder > 0 && delivers) throw new Error(`${arrived.outOfOrder} spans arrived out of order`)
    return {
      value: quantile(down, 0.99),
      details: {
        'p50 before': quantile(before, 0.5),
        'p99 before': quantile(before, 0.99),
        'p50 while down': quantile(down, 0.5),
        'p50 after': quantile(after, 0.5),
        'p99 after': quantile(after, 0.99),
        requests: begun,
        'spans that did not arrive': begun - arrived.spans,
        'out of order': arrived.outOfOrder,
        'arrived twice': arrived.repeated,
        'on disk at most, kB': Math.max(...this.#stretches.map(({ diskBytes }) => diskBytes)) / 1_000,
        'delivered behind the last request, ms': deliveredMs,
        'down for ms': cameUpMs - wentDownMs,
      },
      series: {
        seconds: this.#stretches.map(({ atMs }) => round((atMs - wentDownMs) / 1_000)),
        p50: this.#stretches.map(({ tookMs }) => round(quantile(tookMs, 0.5))),
        p99: this.#stretches.map(({ tookMs }) => round(quantile(tookMs, 0.99))),
        disk: this.#stretches.map(({ diskBytes }) => round(diskBytes / 1_000)),
      },
    }
  }

  async #awaitAll(spans: number, sinceMs: number): Promise<number> {
    for (;;) {
      const arrived = await this.#backEnd.report()
      if (arrived.spans === spans) return performance.now() - sinceMs
      if (performance.now() - sinceMs > DELIVERED_WITHIN_MS) throw new Error(`${arrived.spans} of ${spans} spans have arrived`)
      await sleep(50)
    }
  }
}

function bytesIn(directory: string): number {
  if (!existsSync(directory)) return 0
  return readdirSync(directory).reduce((sum, name) => sum + (statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0), 0)
}

/** 0 where there are no values. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
