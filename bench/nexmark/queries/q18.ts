/** Query 18, find last bid: the last bid of each bidder on each auction. */
import { defineJob } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'table', key: ['bidder', 'auction'] }

export default defineJob({ name: 'nexmark-q18', params: queryParams }, (job, params) => {
  const last = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'channel', 'url', 'dateTime', 'extra', 'number'])
    .keyBy((bid) => [bid.bidder, bid.auction])
    .reduce(
      'last',
      (left, right) => (right.dateTime > left.dateTime || (right.dateTime === left.dateTime && right.number < left.number) ? right : left),
      { emit: 'end' },
    )
    .select('auction', 'bidder', 'price', 'channel', 'url', 'dateTime', 'extra')
  return results(job, params, last)
})
