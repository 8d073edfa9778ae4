/** Query 2, selection: bids on some auctions. */
import { defineJob } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'append' }

const ONE_IN = 123

export default defineJob({ name: 'nexmark-q2', params: queryParams }, (job, params) => {
  const selected = nexmarkRecords(job, params, 'bids', ['auction', 'price']).filter((bid) => bid.auction % ONE_IN === 0)
  return results(job, params, selected)
})
