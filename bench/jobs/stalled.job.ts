/** A sink that takes records and never finishes with them. */
import { defineJob, forEach, generate } from 'sluice'
import { z } from 'zod'
import { kindNames, recordKind } from '../records/kinds.js'

const params = z.object({
  kind: z.enum(kindNames),
  /** Float64: records made, records taken. */
  counts: z.instanceof(SharedArrayBuffer),
})

export default defineJob({ name: 'bench-stalled', params }, (job, { kind, counts }) => {
  const words = new Float64Array(counts)
  const { make } = recordKind(kind)
  job
    .source(
      'records',
      generate((index) => {
        words[0] = index + 1
        return make(index)
      }),
    )
    .rebalance()
    .sink(
      'stalled',
      forEach(
        () => {
          words[1] = (words[1] as number) + 1
          return new Promise(() => {})
        },
        { concurrency: 1 },
      ),
    )
})
