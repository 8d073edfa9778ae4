/** Three hops between threads in front of a sink that takes records for a while and then returns from none. Every record notes in shared memory that it was taken. */
import { defineJob, forEach, generate } from 'sluice'
import { z } from 'zod'

const shared = z.instanceof(SharedArrayBuffer)

const params = z.object({
  /** Records that the source makes. */
  count: z.int(),
  /** Float64: records made; by index, how often each was taken. */
  made: shared,
  taken: shared,
  /** Records that each sink takes before it stalls; 0: it never does. */
  stallAfter: z.int(),
})

export default defineJob({ name: 'bench-stall', params }, (job, { count, made, taken, stallAfter }) => {
  const words = new Float64Array(made)
  const times = new Uint8Array(taken)
  const sink = { taken: 0 }
  const pass = (record: { readonly index: number; readonly value: number }) => ({ index: record.index, value: record.value + 1 })
  job
    .source(
      'records',
      generate(
        (index) => {
          words[0] = (words[0] as number) + 1
          return { index, value: 0 }
        },
        { count },
      ),
    )
    .rebalance()
    .map(pass)
    .rebalance()
    .map(pass)
    .rebalance()
    .sink(
      'stalled',
      forEach((record) => {
        if (stallAfter > 0 && sink.taken >= stallAfter) return new Promise(() => {})
        sink.taken++
        times[record.index] = (times[record.index] as number) + 1
        return undefined
      }),
    )
})
