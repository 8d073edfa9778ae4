/** Twice as many records over a port as the job can take: what is accepted arrives once, the rest is refused or waits, memory stays flat. */
import type { RunHandle } from 'sluice'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { jsonOfProcess } from '../harness/json-of-process.js'
import { sleep } from '../harness/sleep.js'
import { metricsOf, startJob } from '../harness/start-job.js'
import type { LoadOptions, LoadResult } from '../loads/load.js'
import { createHistogram, percentile } from '../records/latency-histogram.js'

const JOB = new URL('../jobs/ingress.job.js', import.meta.url)
const OVERLOAD = 2
const CAPACITY = { warmMs: 1_500, measureMs: 2_000 }
const SAMPLE_MS = 250
/** How long what was sent may take to arrive behind the end. */
const ARRIVE_MS_MAX = 40_000
const IDS_MAX = 2 ** 22
const MIB = 2 ** 20
/** How much the mean of the last quarter may lie above that of the second. */
const GROWTH_MAX = 1.15
const GROWTH_BYTES_MAX = 16 * MIB

export type IngressProtocol = 'http1' | 'http2' | 'tcp'

export interface IngressLoad {
  readonly connections: number
  readonly seconds: number
}

const WAIT_MS: Readonly<Record<IngressProtocol, number>> = { http1: 0.5, http2: 0.5, tcp: 0.1 }
const FULL: IngressLoad = { connections: 1_000, seconds: 60 }
const QUICK: IngressLoad = { connections: 100, seconds: 5 }
/** Of the capacity, what connections that ask for little send over TCP. */
const LIGHT_SHARE = 0.1

/** @throws Error where something that was accepted did not arrive, arrived twice, or arrived although it was refused */
export async function measureIngress(
  protocol: IngressProtocol,
  { quick }: MeasureOptions,
  { connections, seconds }: IngressLoad = quick ? QUICK : FULL,
): Promise<Measurement> {
  const waitMs = WAIT_MS[protocol]
  const delivered = new SharedArrayBuffer(IDS_MAX)
  const histogram = createHistogram(seconds + ARRIVE_MS_MAX / 1000 + 10)
  const shared = { waitMs, histogram, startMs: Date.now(), queue: queueOf(protocol, connections) }
  const capacity = await capacityOf({ ...shared, protocol: 'none', delivered: new SharedArrayBuffer(1) })
  let port = 0
  const startMs = Date.now()
  const handle = await startJob(JOB, {
    params: { ...shared, startMs, protocol: protocol === 'tcp' ? 'tcp' : 'http', delivered },
    settings: { stopTimeoutMs: 1 },
    listen: ({ events }) =>
      events.on('listening', (listening) => {
        port = listening.port
      }),
  })
  while (port === 0) await sleep(10)
  const options: LoadOptions = { port, connections, seconds, rate: capacity * (protocol === 'tcp' ? LIGHT_SHARE : OVERLOAD) }
  const memory: number[] = []
  const timer = setInterval(() => memory.push(process.memoryUsage.rss()), SAMPLE_MS)
  const entry = new URL(`../loads/${protocol}-load.js`, import.meta.url)
  const loadedMs = (Date.now() - startMs) / 1000
  const result = (await jsonOfProcess(entry, [JSON.stringify(options)], (seconds + 60) * 1000)) as LoadResult
  clearInterval(timer)
  const wasAccepted = protocol === 'tcp' ? (id: number): boolean => id < result.sent : bitsOf(result.accepted)
  const accepted = countOf(result.sent, wasAccepted)
  await arrive(handle, accepted)
  await handle.stop()
  await handle.finished
  check(result, new Uint8Array(delivered), wasAccepted, protocol)
  const words = new Int32Array(histogram)
  const from = Math.floor(loadedMs)
  const growth = growthOf(memory)
  if (seconds >= FULL.seconds && growth.ratio > GROWTH_MAX && growth.bytes > GROWTH_BYTES_MAX)
    throw new Error(`memory grew from ${growth.before / MIB} to ${growth.after / MIB} MiB`)
  const tcp = protocol === 'tcp'
  const p99 = tcp ? percentile(words, from, from + seconds, 0.99) : (result.p99 ?? Number.NaN)
  const refused = result.statuses['429'] ?? 0
  return {
    value: p99,
    details: {
      'p50 ms': tcp ? percentile(words, from, from + seconds, 0.5) : (result.p50 ?? Number.NaN),
      'capacity, records/s': capacity,
      'sent, per s': result.sent / seconds,
      'accepted, per s': accepted / seconds,
      'refused, per s': refused / seconds,
      accepted,
      refused,
      connections,
      ...(result.blockedShare === undefined ? {} : { 'writers blocked %': result.blockedShare * 100 }),
      'memory at the beginning, MiB': growth.before / MIB,
      'memory at the end, MiB': growth.after / MIB,
    },
    series: {
      seconds: Array.from({ length: seconds }, (_, second) => second),
      accepted: result.acceptedPerSecond,
      refused: result.refusedPerSecond,
      p99: Array.from({ length: seconds }, (_, second) =>
        round(tcp ? percentile(words, from + second, from + second + 1, 0.99) : (result.p99PerSecond[second] ?? Number.NaN)),
      ),
      memory: Array.from({ length: seconds }, (_, second) =>
        round((memory[Math.min(memory.length - 1, (second * 1000) / SAMPLE_MS)] ?? Number.NaN) / MIB),
      ),
    },
  }
}

/** Of HTTP fewer than there are requests at once: who waits for an answer sends nothing more, so that nothing would ever be refused. */
function queueOf(protocol: IngressProtocol, connections: number): number {
  return protocol === 'tcp' ? connections : Math.ceil(connections / 2)
}

async function capacityOf(params: Readonly<Record<string, unknown>>): Promise<number> {
  const handle = await startJob(JOB, { params, settings: { stopTimeoutMs: 1 } })
  await sleep(CAPACITY.warmMs)
  const before = metricsOf(handle)
  await sleep(CAPACITY.measureMs)
  const after = metricsOf(handle)
  await handle.stop()
  await handle.finished.catch(() => {})
  const taken = (after.subtasks.at(-1)?.recordsIn ?? 0) - (before.subtasks.at(-1)?.recordsIn ?? 0)
  return (taken * 1000) / (after.atMs - before.atMs)
}

async function arrive(handle: RunHandle<unknown>, records: number): Promise<void> {
  const limitMs = performance.now() + ARRIVE_MS_MAX
  const arrived = (): number => metricsOf(handle).subtasks.at(-1)?.recordsIn ?? 0
  while (arrived() < records) {
    if (performance.now() > limitMs) throw new Error(`${arrived()} of ${records} records arrived within ${ARRIVE_MS_MAX / 1000} s`)
    await sleep(20)
  }
  // What should not have come would come now.
  await sleep(200)
}

function check(
  { sent, statuses, errors }: LoadResult,
  delivered: Uint8Array,
  wasAccepted: (id: number) => boolean,
  protocol: IngressProtocol,
): void {
  const wrongs: string[] = []
  for (let id = 0; id < sent; id++) {
    const expected = wasAccepted(id) ? 1 : 0
    if (delivered[id] !== expected) wrongs.push(`${id} was ${expected === 1 ? 'accepted' : 'refused'} and came ${delivered[id]} times`)
  }
  if (errors > 0) wrongs.push(`${errors} connections or requests failed`)
  const others = Object.keys(statuses).filter((status) => status !== '200' && status !== '429')
  if (others.length > 0) wrongs.push(`answers of ${others.join(', ')}`)
  if (protocol !== 'tcp' && (statuses['429'] ?? 0) === 0) wrongs.push('nothing was refused: the load was too low')
  if (wrongs.length > 0) throw new Error(`${wrongs.length} wrong: ${wrongs.slice(0, 5).join('; ')}`)
}

function bitsOf(text: string): (id: number) => boolean {
  const bits = Buffer.from(text, 'base64')
  return (id) => ((bits[id >> 3] ?? 0) & (1 << (id & 7))) !== 0
}

function countOf(ids: number, is: (id: number) => boolean): number {
  let count = 0
  for (let id = 0; id < ids; id++) if (is(id)) count++
  return count
}

function growthOf(memory: readonly number[]): {
  readonly before: number
  readonly after: number
  readonly ratio: number
  readonly bytes: number
} {
  const before = mean(memory.slice(memory.length >> 2, memory.length >> 1))
  const after = mean(memory.slice(-Math.max(1, memory.length >> 2)))
  return { before, after, ratio: after / before, bytes: after - before }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
