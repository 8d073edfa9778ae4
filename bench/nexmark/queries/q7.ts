/** Query 7, highest bid: the bids with the highest price of each 10 seconds. */
import { aggregator, defineJob, tumbling } from 'sluice'
import { nexmarkSource, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'append' }

interface PricedBid {
  readonly auction: number
  readonly bidder: number
  readonly price: number
  readonly dateTime: number
  readonly extra: string
}

/** The bids with the highest price: one, or several that share it. */
const highest = aggregator({
  create: (): readonly PricedBid[] => [],
  add: (best: readonly PricedBid[], bid: PricedBid): readonly PricedBid[] => {
    const price = best[0]?.price ?? Number.NEGATIVE_INFINITY
    if (bid.price < price) return best
    return bid.price > price ? [bid] : [...best, bid]
  },
  merge: (left: readonly PricedBid[], right: readonly PricedBid[]): readonly PricedBid[] => {
    const [leftPrice = Number.NEGATIVE_INFINITY, rightPrice = Number.NEGATIVE_INFINITY] = [left[0]?.price, right[0]?.price]
    return leftPrice > rightPrice ? left : leftPrice < rightPrice ? right : [...left, ...right]
  },
  result: (best: readonly PricedBid[]): readonly PricedBid[] => [...best],
})

export default defineJob({ name: 'nexmark-q7', params: queryParams }, (job, params) => {
  const highestBids = nexmarkSource(job, params, 'bids', ['auction', 'bidder', 'price', 'dateTime', 'extra'])
    .windowAll(tumbling('10s'))
    .aggregate('highest', { bids: highest })
    .flatMap(({ bids }) => bids)
  return results(job, params, highestBids)
})
