import { errors, fromOtlp, slowerThan, type Span, toOtlp } from '@sluice/otlp'
import { defineJob, keepShare, type Stream } from 'sluice'
import { z } from 'zod'

const tailSampled = (spans: Stream<Span>): Stream<Span> =>
  spans
    .keyBy(({ traceId }) => traceId)
    .tailSample('tail', { decideAfter: '5s', policies: [errors(), slowerThan('2s'), keepShare('others', 0.1)] })

/**
 * A collector beside an application: takes its spans on loopback at once, keeps them on disk while the back end is slow or down, and sends them on in the order in which they came.
 * The application never waits for the back end. What waits here is part of each checkpoint: kill it with `kill -9`, and go on with `--restore latest`.
 */
export default defineJob(
  {
    name: 'sidecar',
    params: z.object({
      port: z.number().int().default(4318),
      backEnd: z.string().default('http://127.0.0.1:4319'),
      directory: z.string().default('sidecar-buffer'),
      diskBytes: z
        .number()
        .int()
        .default(256 * 1024 * 1024),
      /** Spans in memory, in front of the disk. */
      records: z.number().int().default(8_000),
      encoding: z.enum(['protobuf', 'json']).default('protobuf'),
      /** Keeps traces that failed or were slow, and a tenth of the others. */
      sample: z.boolean().default(false),
      /** When the application is answered: when the collector has its spans, or when a checkpoint has them. */
      ack: z.enum(['accepted', 'checkpoint']).default('accepted'),
    }),
    // Aligned ones would wait until the back end has taken what is in front of it.
    checkpoint: { interval: '5s', directory: 'sidecar-checkpoints', mode: 'unaligned' },
  },
  (job, { port, backEnd, directory, diskBytes, records, encoding, sample, ack }) => {
    const spans = job.source('spans', fromOtlp({ signal: 'traces', host: '127.0.0.1', port, ack }), { parallelism: 1 })
    const chosen = sample ? tailSampled(spans) : spans
    chosen.shed('buffer', { policy: 'spill', directory, diskBytes, records }, { parallelism: 1 }).sink(
      'back-end',
      toOtlp(backEnd, {
        signal: 'traces',
        encoding,
        time: '200ms',
        timeout: '5s',
        // One request at a time keeps the order; while the back end is down the breaker lets a probe a second through, and nothing is given up.
        concurrency: 1,
        retry: { attempts: 'unlimited', delay: '100ms', delayMax: '1s' },
        circuitBreaker: { failures: 3, openFor: '1s', whileOpen: 'wait' },
      }),
      { parallelism: 1 },
    )
  },
)
