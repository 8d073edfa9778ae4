/** A source that offers a part of its records at an even pace, in steps, to a consumer of a fixed speed on another thread. */
import { defineJob, forEach, generate } from 'sluice'
import { z } from 'zod'
import { work } from '../records/busy-work.js'
import { numbers64 } from '../records/numbers.js'

const params = z.object({
  /** Records per second that the source makes; 0: as many as it can. */
  rate: z.number(),
  /** Of each step: the share of them that is offered. The last one goes on. */
  shares: z.array(z.number()),
  recordsPerStep: z.number(),
  /** Work per record of the consumer. */
  rounds: z.number(),
})

export default defineJob({ name: 'bench-ramp', params }, (job, { rate, shares, recordsPerStep, rounds }) => {
  const { make } = numbers64
  let seed = 1
  job
    .source(
      'source',
      generate((index) => ({ index, record: make(index) }), rate > 0 ? { rate } : {}),
    )
    .filter(({ index }) => {
      const share = shares[Math.min(shares.length - 1, Math.floor(index / recordsPerStep))] as number
      // Evenly: as soon as another whole record has come together.
      return Math.floor((index + 1) * share) > Math.floor(index * share)
    })
    .map(({ record }) => record)
    .rebalance()
    .sink(
      'consumer',
      forEach(() => {
        seed = work(rounds, seed)
      }),
    )
})
