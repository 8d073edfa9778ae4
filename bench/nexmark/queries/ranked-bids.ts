/** Prices in three ranks, and days and minutes in UTC: what queries 15 to 17 count by. */

import { count, distinct, where } from 'sluice'

interface Priced {
  readonly price: number
}

const CHEAP_BELOW = 10_000
const DEAR_FROM = 1_000_000

const isCheap = ({ price }: Priced): boolean => price < CHEAP_BELOW
const isMiddling = ({ price }: Priced): boolean => price >= CHEAP_BELOW && price < DEAR_FROM
const isDear = ({ price }: Priced): boolean => price >= DEAR_FROM

interface RankedBid extends Priced {
  readonly bidder: number
  readonly auction: number
}

const bidder = (bid: RankedBid): number => bid.bidder
const auction = (bid: RankedBid): number => bid.auction

/** How many bids there are, over all and by rank. */
export const bidCounts = {
  bids: count(),
  bids1: where<Priced, number>(isCheap, count()),
  bids2: where<Priced, number>(isMiddling, count()),
  bids3: where<Priced, number>(isDear, count()),
}

/** How many different bidders and auctions they have. */
export const distinctCounts = {
  bidders: distinct(bidder),
  bidders1: where<RankedBid, number>(isCheap, distinct(bidder)),
  bidders2: where<RankedBid, number>(isMiddling, distinct(bidder)),
  bidders3: where<RankedBid, number>(isDear, distinct(bidder)),
  auctions: distinct(auction),
  auctions1: where<RankedBid, number>(isCheap, distinct(auction)),
  auctions2: where<RankedBid, number>(isMiddling, distinct(auction)),
  auctions3: where<RankedBid, number>(isDear, distinct(auction)),
}

const DAY_MS = 86_400_000
let lastDay = Number.NaN
let lastDayText = ''

/** As `2015-07-15`. Days come in runs, so the text is made once for each run. */
export function dayOf(time: number): string {
  const day = Math.floor(time / DAY_MS)
  if (day !== lastDay) {
    lastDay = day
    lastDayText = new Date(time).toISOString().slice(0, 10)
  }
  return lastDayText
}

const MINUTE_MS = 60_000
const MINUTES = Array.from({ length: DAY_MS / MINUTE_MS }, (_, minute) => new Date(minute * MINUTE_MS).toISOString().slice(11, 16))

/** As `13:37`. */
export function minuteOf(time: number): string {
  return MINUTES[Math.floor((time % DAY_MS) / MINUTE_MS)] as string
}
