/** Query 20, expand bid with auction: bids on auctions of one category with all that is known of the auction. */
import { defineJob } from 'sluice'
import { AUCTION_COLUMNS, nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'append' }

const CATEGORY = 10

export default defineJob({ name: 'nexmark-q20', params: queryParams }, (job, params) => {
  const auctions = nexmarkRecords(job, params, 'auctions', AUCTION_COLUMNS).filter((auction) => auction.category === CATEGORY)
  const bids = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'channel', 'url', 'dateTime', 'extra'])
  const expanded = bids
    .keyBy((bid) => bid.auction)
    .join(
      'auction-of-bid',
      auctions.keyBy((auction) => auction.id),
      (bid, auction) => ({
        itemName: auction.itemName,
        description: auction.description,
        initialBid: auction.initialBid,
        reserve: auction.reserve,
        dateTime: auction.dateTime,
        expires: auction.expires,
        seller: auction.seller,
        category: auction.category,
        extra: auction.extra,
        auction: bid.auction,
        bidder: bid.bidder,
        price: bid.price,
        channel: bid.channel,
        url: bid.url,
        bidDateTime: bid.dateTime,
        bidExtra: bid.extra,
      }),
    )
  return results(job, params, expanded)
})
