/** Query 5, hot items: the auctions with the most bids in the last 10 seconds, every 2 seconds. Auctions with as many bids share the place. */
import { aggregator, count, defineJob, sliding, tumbling } from 'sluice'
import { nexmarkSource, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'append' }

interface AuctionCount {
  readonly windowStart: number
  readonly auction: number
  readonly bids: number
}

interface Hottest {
  bids: number
  auctions: number[]
  windowStart: number
}

/** The auctions with the most bids, and how many. */
const hottest = aggregator({
  create: (): Hottest => ({ bids: 0, auctions: [], windowStart: 0 }),
  add: (best: Hottest, { auction, bids, windowStart }: AuctionCount): Hottest => {
    if (bids > best.bids) return { bids, auctions: [auction], windowStart }
    if (bids === best.bids) best.auctions.push(auction)
    return best
  },
  merge: (left: Hottest, right: Hottest): Hottest => {
    if (left.bids !== right.bids) return left.bids > right.bids ? left : right
    return { ...left, auctions: [...left.auctions, ...right.auctions] }
  },
  result: ({ bids, auctions, windowStart }: Hottest) => ({ bids, auctions: [...auctions], windowStart }),
})

export default defineJob({ name: 'nexmark-q5', params: queryParams }, (job, params) => {
  const hot = nexmarkSource(job, params, 'bids', ['auction'])
    .keyBy((bid) => bid.auction)
    .window(sliding('10s', '2s'))
    .aggregate('bids-per-auction', { bids: count() })
    .map(({ key, window, bids }): AuctionCount => ({ windowStart: window.start, auction: key, bids }))
    // The counts of one window have its last ms as their time: one tumbling window of the slide holds them and no others.
    .windowAll(tumbling('2s'))
    .aggregate('hottest', { best: hottest })
    .flatMap(({ best }) => best.auctions.map((auction) => ({ windowStart: best.windowStart, auction, bids: best.bids })))
  return results(job, params, hot)
})
