/** Query 16, channel statistics: as query 15, per channel and day, with the latest minute. */
import { count, defineJob, distinct, max, where } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'
import { dayOf, isCheap, isDear, isMiddling, minuteOf } from './ranked-bids.js'

export const output: QueryOutput = { kind: 'table', key: ['channel', 'day'] }

export default defineJob({ name: 'nexmark-q16', params: queryParams }, (job, params) => {
  const days = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'channel', 'dateTime'])
    .keyBy((bid) => [bid.channel, dayOf(bid.dateTime)])
    .aggregate(
      'statistics',
      {
        minute: max((bid) => minuteOf(bid.dateTime)),
        bids: count(),
        bids1: where(isCheap, count()),
        bids2: where(isMiddling, count()),
        bids3: where(isDear, count()),
        bidders: distinct((bid) => bid.bidder),
        bidders1: where(
          isCheap,
          distinct((bid) => bid.bidder),
        ),
        bidders2: where(
          isMiddling,
          distinct((bid) => bid.bidder),
        ),
        bidders3: where(
          isDear,
          distinct((bid) => bid.bidder),
        ),
        auctions: distinct((bid) => bid.auction),
        auctions1: where(
          isCheap,
          distinct((bid) => bid.auction),
        ),
        auctions2: where(
          isMiddling,
          distinct((bid) => bid.auction),
        ),
        auctions3: where(
          isDear,
          distinct((bid) => bid.auction),
        ),
      },
      { emit: 'end' },
    )
    .map(({ key: [channel, day], ...statistics }) => ({ channel, day, ...statistics }))
  return results(job, params, days)
})
