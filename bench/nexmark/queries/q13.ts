/** Query 13, bounded side input: every bid with a row of a small table that is read once. */
import { defineJob, fromArray } from 'sluice'
import { SIDE_ROWS, sideTable } from '../events/side-table.js'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'append' }

export default defineJob({ name: 'nexmark-q13', params: queryParams }, (job, params) => {
  const enriched = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'dateTime']).lookupJoin(
    'side-table',
    fromArray(sideTable()),
    (bid, row) => ({ auction: bid.auction, bidder: bid.bidder, price: bid.price, dateTime: bid.dateTime, value: row?.value ?? '' }),
    { on: (bid) => bid.auction % SIDE_ROWS, key: (row) => row.key },
  )
  return results(job, params, enriched)
})
