/** Query 4, average price for a category: per category the mean of the highest bids of its auctions. Of bids, those count that came while the auction was open. */
import { defineJob, first, max, mean } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'table', key: ['category'] }

export default defineJob({ name: 'nexmark-q4', params: queryParams }, (job, params) => {
  const auctions = nexmarkRecords(job, params, 'auctions', ['id', 'category', 'dateTime', 'expires'])
  const bids = nexmarkRecords(job, params, 'bids', ['auction', 'price', 'dateTime'])
  const means = auctions
    .keyBy((auction) => auction.id)
    .join(
      'bids-of-auction',
      bids.keyBy((bid) => bid.auction),
      (auction, bid) => ({
        auction: auction.id,
        category: auction.category,
        price: bid.price,
        inTime: bid.dateTime >= auction.dateTime && bid.dateTime <= auction.expires,
      }),
    )
    .filter((pair) => pair.inTime)
    .keyBy((pair) => pair.auction, { partitioned: true })
    .aggregate('highest', { price: max((pair) => pair.price), category: first((pair) => pair.category) }, { emit: 'end' })
    .keyBy((auction) => auction.category)
    .aggregate('mean', { meanPrice: mean((auction) => auction.price) }, { emit: 'end' })
    .map(({ key, meanPrice }) => ({ category: key, meanPrice }))
  return results(job, params, means)
})
