/** What a span costs a job at each end of OTLP over HTTP, with everything that belongs to it: sockets, HTTP, codec, queue, collector of garbage. In CPU time: the peer has its own process. */
import { run } from 'sluice'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { OtlpPeer } from '../harness/otlp-peer.js'
import { OTLP_SPANS, otlpRequest } from './otlp.js'

const JOB = new URL('../jobs/otlp.job.js', import.meta.url)
const REQUESTS = 4_000
const QUICK_REQUESTS = 200
/** Of all requests, in front of those that are measured. */
const WARM_SHARE = 0.25

export type OtlpEnd = 'receive' | 'send'

/** @throws Error where not every span came through */
export async function measureOtlpHttp(end: OtlpEnd, { quick }: MeasureOptions): Promise<Measurement> {
  const requests = quick ? QUICK_REQUESTS : REQUESTS
  const peer = await OtlpPeer.start()
  try {
    const { cpuMs, elapsedMs } = end === 'receive' ? await receive(peer, requests) : await send(peer, requests)
    const cpuNs = (cpuMs * 1e6) / (requests * OTLP_SPANS)
    return {
      value: cpuNs,
      cpuNsPerRecord: cpuNs,
      details: { 'by one core, k spans/s': 1e6 / cpuNs, 'in this run, k spans/s': (requests * OTLP_SPANS) / elapsedMs },
    }
  } finally {
    peer.close()
  }
}

interface Spent {
  /** Of all threads of the process. */
  readonly cpuMs: number
  readonly elapsedMs: number
}

function stopwatch(): () => Spent {
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    return { cpuMs: (user + system) / 1000, elapsedMs: performance.now() - startMs }
  }
}

async function receive(peer: OtlpPeer, requests: number): Promise<Spent> {
  const { bytes } = await otlpRequest()
  await using handle = run(JOB, { params: { end: 'receive' }, workers: 1, parallelism: 1, report: '1h' })
  const port = await new Promise<number>((resolve, reject) => {
    handle.events.once('listening', (listening) => resolve(listening.port))
    handle.finished.catch(reject)
  })
  const warm = Math.round(requests * WARM_SHARE)
  await peer.send(port, bytes, warm)
  const spent = stopwatch()
  await peer.send(port, bytes, requests)
  const measured = spent()
  await handle.stop()
  const { recordsOut } = await handle.finished
  check(recordsOut, (warm + requests) * OTLP_SPANS)
  return measured
}

/** From the first request on: the thread warms up within what is measured. */
async function send(peer: OtlpPeer, requests: number): Promise<Spent> {
  const { spans } = await otlpRequest()
  const count = requests * OTLP_SPANS
  await using handle = run(JOB, { params: { end: 'send', url: peer.url, spans, count }, workers: 1, parallelism: 1, report: '1h' })
  await new Promise<void>((resolve, reject) => {
    handle.events.once('started', () => resolve())
    handle.finished.catch(reject)
  })
  const spent = stopwatch()
  const { recordsOut } = await handle.finished
  check(recordsOut, count)
  return spent()
}

function check(spans: number, expected: number): void {
  if (spans !== expected) throw new Error(`${spans} spans of ${expected} came through`)
}
