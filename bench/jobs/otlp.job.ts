/** What a collector does at each of its ends: `fromOtlp` into nothing, or the same spans again and again to `toOtlp`. */
import { fromOtlp, type Span, toOtlp } from '@sluice/otlp'
import { defineJob, discard, generate } from 'sluice'
import { z } from 'zod'

const params = z.discriminatedUnion('end', [
  z.object({ end: z.literal('receive') }),
  z.object({ end: z.literal('send'), url: z.string(), spans: z.array(z.custom<Span>()), count: z.number() }),
])

export default defineJob({ name: 'bench-otlp', params }, (job, given) => {
  if (given.end === 'receive') job.source('spans', fromOtlp({ signal: 'traces', port: 0 })).sink('out', discard())
  else {
    const { spans, count, url } = given
    job
      .source(
        'spans',
        generate((index) => spans[index % spans.length] as Span, { count }),
      )
      .sink('back end', toOtlp(url, { signal: 'traces', concurrency: 2 }))
  }
})
