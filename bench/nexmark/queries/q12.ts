/** Query 12, processing time windows: how many bids of a bidder arrive within 10 seconds by the clock. Its rows differ from run to run; their sum does not. */
import { count, defineJob, tumbling } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'append' }

export default defineJob({ name: 'nexmark-q12', params: queryParams }, (job, params) => {
  const counts = nexmarkRecords(job, params, 'bids', ['bidder'])
    .keyBy((bid) => bid.bidder)
    .window(tumbling('10s', { time: 'processing' }))
    .aggregate('bids-per-bidder', { bids: count() })
    .map(({ key, window, bids }) => ({ bidder: key, bids, start: window.start, end: window.end }))
  return results(job, params, counts)
})
