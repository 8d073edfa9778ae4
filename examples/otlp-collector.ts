import { fromOtlp, toOtlp } from '@sluice/otlp'
import { defineJob, keepIfAny, keepIfLonger, keepShare } from 'sluice'
import { z } from 'zod'

/**
 * A collector: applications send traces, logs and metrics to port 4318, a back end gets what is worth keeping. Whole traces are kept where something failed or
 * was slow, and one of a hundred others; logs below `info` stay here.
 */
export default defineJob(
  {
    name: 'otlp-collector',
    params: z.object({
      port: z.number().int().default(4318),
      to: z.string().default('http://127.0.0.1:14318'),
      decideAfterMs: z.number().default(10_000),
    }),
  },
  (job, { port, to, decideAfterMs }) => {
    // The back end answers 429 or is gone: requests wait and are sent again, and applications are told to come later.
    const backEnd = job.dependency('back end', { concurrency: 8, circuitBreaker: { failures: 5, openFor: '5s', whileOpen: 'wait' } })
    const calls = { retry: { attempts: 'unlimited' as const, delayMax: '10s' as const }, dependency: backEnd }

    job
      .source('spans', fromOtlp({ signal: 'traces', port }))
      .keyBy(({ traceId }) => traceId)
      .tailSample('kept', {
        decideAfter: decideAfterMs,
        policies: [
          keepIfAny('errors', ({ status }) => status.code === 'error'),
          keepIfLonger('slow', '2s', ({ startTimeMs, endTimeMs }) => [startTimeMs, endTimeMs]),
          keepShare('others', 0.01),
        ],
        traces: 50_000,
        bytes: '128mb',
      })
      .sink('traces out', toOtlp(to, { signal: 'traces', concurrency: 4, ...calls }))

    job
      .source('logs', fromOtlp({ signal: 'logs', port }))
      .filter(({ severityNumber }) => severityNumber === 0 || severityNumber >= 9)
      .sink('logs out', toOtlp(to, { signal: 'logs', concurrency: 2, ...calls }))

    job
      .source('points', fromOtlp({ signal: 'metrics', port }))
      .sink('metrics out', toOtlp(to, { signal: 'metrics', concurrency: 2, ...calls }))
  },
)
