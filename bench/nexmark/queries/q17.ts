/** Query 17, auction statistics: per auction and day how many bids there are by rank of price, and the prices in figures. */
import { count, defineJob, max, mean, min, sum, where } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'
import { dayOf, isCheap, isDear, isMiddling } from './ranked-bids.js'

export const output: QueryOutput = { kind: 'table', key: ['auction', 'day'] }

export default defineJob({ name: 'nexmark-q17', params: queryParams }, (job, params) => {
  const auctions = nexmarkRecords(job, params, 'bids', ['auction', 'price', 'dateTime'])
    .keyBy((bid) => [bid.auction, dayOf(bid.dateTime)])
    .aggregate(
      'statistics',
      {
        bids: count(),
        bids1: where(isCheap, count()),
        bids2: where(isMiddling, count()),
        bids3: where(isDear, count()),
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
