/** Query 15, bidding statistics: per day the bids and the distinct bidders and auctions, over all and by rank of price. */
import { count, defineJob, distinct, where } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'
import { dayOf, isCheap, isDear, isMiddling } from './ranked-bids.js'

export const output: QueryOutput = { kind: 'table', key: ['day'] }

export default defineJob({ name: 'nexmark-q15', params: queryParams }, (job, params) => {
  const days = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'dateTime'])
    .keyBy((bid) => dayOf(bid.dateTime))
    .aggregate(
      'statistics',
      {
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
    .map(({ key, ...statistics }) => ({ day: key, ...statistics }))
  return results(job, params, days)
})
