/** The keyed exchange: every subtask of the source sends to every subtask of the count, which gives its results at the end. */
import { count, defineJob, forEach, generate } from 'sluice'
import { z } from 'zod'
import { channelBid } from '../records/keyed.js'
import { meteredSource } from '../records/metered-source.js'
import { meterParams } from './meter-params.js'

const params = z.object({
  ...meterParams,
  taken: z.instanceof(SharedArrayBuffer),
  /** One Float64: records counted, over all keys. */
  counted: z.instanceof(SharedArrayBuffer),
})

export default defineJob({ name: 'bench-exchange', params }, (job, { board, taken, span, counted }) => {
  const total = new Float64Array(counted)
  job
    .source('bids', generate(meteredSource(channelBid.make, { board, taken, span })))
    .keyBy((bid) => bid.auction)
    .aggregate('per-auction', { bids: count() }, { emit: 'end' })
    .sink(
      'total',
      forEach((auction) => void (total[0] = (total[0] as number) + auction.bids)),
      { parallelism: 1 },
    )
})
