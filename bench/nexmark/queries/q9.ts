/** Query 9, winning bids: each auction with its highest bid, the earliest of equal ones, among those that came while it was open. */
import { defineJob } from 'sluice'
import { AUCTION_COLUMNS, nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'table', key: ['id'] }

export default defineJob({ name: 'nexmark-q9', params: queryParams }, (job, params) => {
  const auctions = nexmarkRecords(job, params, 'auctions', AUCTION_COLUMNS)
  const bids = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'dateTime', 'extra', 'number'])
  const winners = auctions
    .keyBy((auction) => auction.id)
    .join(
      'bids-of-auction',
      bids.keyBy((bid) => bid.auction),
      (auction, bid) => ({ auction, bid }),
    )
    .filter(({ auction, bid }) => bid.dateTime >= auction.dateTime && bid.dateTime <= auction.expires)
    .keyBy(({ auction }) => auction.id, { partitioned: true })
    .reduce(
      'winner',
      (left, right) =>
        right.bid.price > left.bid.price || (right.bid.price === left.bid.price && right.bid.number < left.bid.number) ? right : left,
      { emit: 'end' },
    )
    .map(({ auction, bid }) => ({
      ...auction,
      bidder: bid.bidder,
      price: bid.price,
      bidDateTime: bid.dateTime,
      bidExtra: bid.extra,
    }))
  return results(job, params, winners)
})
