/** Records that come over a port into a step that takes a known time for each, and ticks them off. */
import { defineJob, forEach, fromHttp, fromTcp, generate } from 'sluice'
import { z } from 'zod'
import { noteLatency } from '../records/latency-histogram.js'

const CONNECTIONS_MAX = 4_096

export const ingressProtocols = ['none', 'http', 'tcp'] as const

const params = z.object({
  /** `none`: as many records as are taken, for the capacity. */
  protocol: z.enum(ingressProtocols),
  /** Records, and requests, that may wait. */
  queue: z.number(),
  /** For each record the thread sleeps so long: it takes no core from whoever sends. */
  waitMs: z.number(),
  /** Uint8: how often each id has come. */
  delivered: z.instanceof(SharedArrayBuffer),
  /** Latencies of records with a time of sending, by second since `startMs` of the clock on the wall. */
  histogram: z.instanceof(SharedArrayBuffer),
  startMs: z.number(),
})

interface Arrived {
  readonly id: number
  /** 0: nobody asks for its latency. */
  readonly sentMs: number
}

export default defineJob({ name: 'bench-ingress', params }, (job, { protocol, queue, waitMs, delivered, histogram, startMs }) => {
  const source =
    protocol === 'http'
      ? fromHttp<Arrived>({ port: 0, path: '/records', queue: { records: queue, requests: queue }, connectionsMax: CONNECTIONS_MAX })
      : protocol === 'tcp'
        ? fromTcp<Arrived>({
            port: 0,
            connectionsMax: CONNECTIONS_MAX,
            queue: { records: queue },
            format: { framing: 'lines', decode: (line) => [lineOf(line)] },
          })
        : generate((): Arrived => ({ id: 0, sentMs: 0 }))
  const counts = new Uint8Array(delivered)
  const latencies = new Int32Array(histogram)
  const bed = new Int32Array(new SharedArrayBuffer(4))
  job
    .source('in', source)
    .rebalance()
    .sink(
      'slow',
      forEach(({ id, sentMs }) => {
        Atomics.wait(bed, 0, 0, waitMs)
        counts[id] = (counts[id] as number) + 1
        if (sentMs === 0) return
        const nowMs = Date.now()
        noteLatency(latencies, Math.floor((nowMs - startMs) / 1000), nowMs - sentMs)
      }),
    )
})

/** `id sentMs padding`, out of the beginning of a line. */
function lineOf(line: Uint8Array): Arrived {
  const [id, sentMs] = Buffer.from(line.buffer, line.byteOffset, Math.min(line.length, 64)).toString('latin1').split(' ')
  return { id: Number(id), sentMs: Number(sentMs) }
}
