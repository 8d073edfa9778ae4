/** Query 19, auction top-10 price: the ten highest bids of each auction. */
import { defineJob } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'table', key: ['auction', 'rank'] }

const BIDS = 10

export default defineJob({ name: 'nexmark-q19', params: queryParams }, (job, params) => {
  const highest = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'channel', 'url', 'dateTime', 'extra', 'number'])
    .keyBy((bid) => bid.auction)
    .topN('highest', BIDS, (left, right) => right.price - left.price || left.number - right.number, { emit: 'end' })
    .map(({ op, key, value }) => ({
      op,
      key,
      value: value.map(({ auction, bidder, price, channel, url, dateTime, extra }) => ({
        auction,
        bidder,
        price,
        channel,
        url,
        dateTime,
        extra,
      })),
    }))
  return results(job, params, highest)
})
