/** A sink that takes records for a while, so that the edge opens its window, and then never finishes with one. */
import { defineJob, forEach, generate } from 'sluice'
import { z } from 'zod'
import { kindNames, recordKind } from '../records/kinds.js'

const params = z.object({
  kind: z.enum(kindNames),
  /** Float64: records made, records taken. */
  counts: z.instanceof(SharedArrayBuffer),
  /** Records that the sink takes at once. */
  taken: z.number(),
})

export default defineJob({ name: 'bench-stalled', params }, (job, { kind, counts, taken }) => {
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
          const count = (words[1] as number) + 1
          words[1] = count
          return count < taken ? undefined : new Promise(() => {})
        },
        { concurrency: 1 },
      ),
    )
})
