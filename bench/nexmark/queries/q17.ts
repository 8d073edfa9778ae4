/** Query 17, auction statistics: per auction and day how many bids there are by rank of price, and the prices in figures. */
import { defineJob, max, mean, min, sum } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'
import { bidCounts, dayOf } from './ranked-bids.js'

export const output: QueryOutput = { kind: 'table', key: ['auction', 'day'] }

export default defineJob({ name: 'nexmark-q17', params: queryParams }, (job, params) => {
  const auctions = nexmarkRecords(job, params, 'bids', ['auction', 'price', 'dateTime'])
    .keyBy((bid) => [bid.auction, dayOf(bid.dateTime)])
    .aggregate(
      'statistics',
      {
        ...bidCounts,
        minPrice: min((bid) => bid.price),
        maxPrice: max((bid) => bid.price),
        meanPrice: mean((bid) => bid.price),
        sumPrice: sum((bid) => bid.price),
      },
      { emit: 'end' },
    )
    .map(({ key: [auction, day], ...statistics }) => ({ auction, day, ...statistics }))
  return results(job, params, auctions)
})
