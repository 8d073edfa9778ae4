import { defineJob, generate, keepIfAny, keepIfLonger, keepShare, print } from 'sluice'
import { z } from 'zod'

interface Span {
  readonly trace: number
  readonly name: string
  readonly startMs: number
  readonly endMs: number
  readonly failed: boolean
}

/** Ten spans of each trace, mixed with those of 99 others. Every 50th trace has one span that fails, every 70th one that is slow. */
function spanOf(index: number): Span {
  const part = Math.floor(index / 100) % 10
  const trace = Math.floor(index / 1_000) * 100 + (index % 100)
  const startMs = part * 10
  return {
    trace,
    name: `step ${part}`,
    startMs,
    endMs: startMs + (trace % 70 === 0 && part === 5 ? 2_500 : 8),
    failed: trace % 50 === 0 && part === 9,
  }
}

/** Traces that fail or are slow are kept whole, and one of a hundred others. */
export default defineJob(
  { name: 'tail-sampling', params: z.object({ spans: z.number().int().default(20_000), decideAfterMs: z.number().default(1_000) }) },
  (job, { spans, decideAfterMs }) => {
    job
      .source('spans', generate(spanOf, { count: spans, rate: 10_000 }))
      .keyBy(({ trace }) => trace)
      .tailSample('kept', {
        decideAfter: decideAfterMs,
        policies: [
          keepIfAny('errors', ({ failed }) => failed),
          keepIfLonger('slow', '2s', ({ startMs, endMs }) => [startMs, endMs]),
          keepShare('others', 0.01),
        ],
        traces: 5_000,
        bytes: '8mb',
      })
      .keyBy(({ trace }) => trace)
      .reduce(
        'spans-per-trace',
        (left, right) => ({ ...right, name: `${left.name}, ${right.name}`, failed: left.failed || right.failed }),
        {
          emit: 'end',
        },
      )
      .sink('out', print())
  },
)
