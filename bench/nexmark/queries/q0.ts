/** Query 0, pass-through: every bid. What reading and handing on cost. */
import { defineJob } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'append' }

export default defineJob({ name: 'nexmark-q0', params: queryParams }, (job, params) => {
  const bids = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'dateTime', 'extra'])
  return results(job, params, bids)
})
