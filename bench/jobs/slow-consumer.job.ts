/** A source as fast as it is let, steps that only hand on, and a consumer whose pace is set from outside while it runs. */
import { defineJob, forEach, generate } from 'sluice'
import { z } from 'zod'
import { work } from '../records/busy-work.js'
import { numbers64 } from '../records/numbers.js'

const params = z.object({
  /** Edges between source and consumer. */
  hops: z.number().int().min(1),
  /** Int32: rounds of work per record. */
  pace: z.instanceof(SharedArrayBuffer),
})

export default defineJob({ name: 'bench-slow-consumer', params }, (job, { hops, pace }) => {
  const words = new Int32Array(pace)
  let stream = job.source('source', generate(numbers64.make)).rebalance()
  for (let hop = 1; hop < hops; hop++) stream = stream.map((record) => record).rebalance()
  let seed = 1
  stream.sink(
    'consumer',
    forEach(() => {
      seed = work(words[0] as number, seed)
    }),
  )
})
