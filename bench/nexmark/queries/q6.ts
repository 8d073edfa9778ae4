/** Query 6, average selling price by seller: the mean of the prices of each seller's last 10 auctions that closed with a winner. */
import { defineJob } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'table', key: ['seller'] }

const AUCTIONS = 10

export default defineJob({ name: 'nexmark-q6', params: queryParams }, (job, params) => {
  const auctions = nexmarkRecords(job, params, 'auctions', ['id', 'seller', 'reserve', 'expires'])
  const bids = nexmarkRecords(job, params, 'bids', ['auction', 'price', 'dateTime', 'number'])
  const means = auctions
    .keyBy((auction) => auction.id)
    .join(
      'bids-of-auction',
      bids.keyBy((bid) => bid.auction),
      (auction, bid) => ({
        auction: auction.id,
        seller: auction.seller,
        expires: auction.expires,
        price: bid.price,
        number: bid.number,
        wins: bid.price >= auction.reserve && bid.dateTime < auction.expires,
      }),
    )
    .filter((pair) => pair.wins)
    .keyBy((pair) => pair.auction, { partitioned: true })
    .reduce(
      'winner',
      (left, right) => (right.price > left.price || (right.price === left.price && right.number < left.number) ? right : left),
      {
        emit: 'end',
      },
    )
    .keyBy((winner) => winner.seller)
    .topN('last', AUCTIONS, (left, right) => right.expires - left.expires || right.auction - left.auction, { emit: 'end' })
    .map(({ key, value }) => ({
      seller: key,
      meanPrice: Math.round(value.reduce((sum, { price }) => sum + price, 0) / value.length),
    }))
  return results(job, params, means)
})
