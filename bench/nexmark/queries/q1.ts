/** Query 1, currency conversion: every bid with its price in euro, exactly, in thousandths of a cent. */
import { defineJob } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'append' }

const EURO_PER_THOUSAND_DOLLARS = 908

export default defineJob({ name: 'nexmark-q1', params: queryParams }, (job, params) => {
  const converted = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'dateTime', 'extra']).map(
    ({ auction, bidder, price, dateTime, extra }) => ({ auction, bidder, price: EURO_PER_THOUSAND_DOLLARS * price, dateTime, extra }),
  )
  return results(job, params, converted)
})
