/** Query 15, bidding statistics: per day the bids and the distinct bidders and auctions, over all and by rank of price. */
import { defineJob } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'
import { bidCounts, dayOf, distinctCounts } from './ranked-bids.js'

export const output: QueryOutput = { kind: 'table', key: ['day'] }

export default defineJob({ name: 'nexmark-q15', params: queryParams }, (job, params) => {
  const days = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'dateTime'])
    .keyBy((bid) => dayOf(bid.dateTime))
    .aggregate('statistics', { ...bidCounts, ...distinctCounts }, { emit: 'end' })
    .map(({ key, ...statistics }) => ({ day: key, ...statistics }))
  return results(job, params, days)
})
