/** The columns of every query's rows in order, and the queries there are. */
import type { ResultRows } from './result-rows.js'

/** Queries whose results can be compared with an oracle: all but q10, which writes files, and q12, which asks the clock. */
export type ComparedQuery = keyof ResultRows

type Columns = { readonly [Q in ComparedQuery]: readonly (keyof ResultRows[Q] & string)[] }

const BIDS = ['bids', 'bids1', 'bids2', 'bids3'] as const
const DISTINCT = ['bidders', 'bidders1', 'bidders2', 'bidders3', 'auctions', 'auctions1', 'auctions2', 'auctions3'] as const
const BID_ROW = ['auction', 'bidder', 'price', 'channel', 'url', 'dateTime', 'extra'] as const
const AUCTION_ROW = ['itemName', 'description', 'initialBid', 'reserve', 'dateTime', 'expires', 'seller', 'category', 'extra'] as const

export const resultColumns: Columns = {
  q0: ['auction', 'bidder', 'price', 'dateTime', 'extra'],
  q1: ['auction', 'bidder', 'price', 'dateTime', 'extra'],
  q2: ['auction', 'price'],
  q3: ['name', 'city', 'state', 'id'],
  q4: ['category', 'meanPrice'],
  q5: ['windowStart', 'auction', 'bids'],
  q6: ['seller', 'meanPrice'],
  q7: ['auction', 'bidder', 'price', 'dateTime', 'extra'],
  q8: ['windowStart', 'id', 'name'],
  q9: ['id', ...AUCTION_ROW, 'bidder', 'price', 'bidDateTime', 'bidExtra'],
  q11: ['bidder', 'bids', 'start', 'end'],
  q13: ['auction', 'bidder', 'price', 'dateTime', 'value'],
  q14: ['auction', 'bidder', 'price', 'timeType', 'dateTime', 'extra', 'letters'],
  q15: ['day', ...BIDS, ...DISTINCT],
  q16: ['channel', 'day', 'minute', ...BIDS, ...DISTINCT],
  q17: ['auction', 'day', ...BIDS, 'minPrice', 'maxPrice', 'sumPrice', 'meanPrice'],
  q18: BID_ROW,
  q19: ['rank', ...BID_ROW],
  q20: ['auction', 'bidder', 'price', 'channel', 'url', 'bidDateTime', 'bidExtra', ...AUCTION_ROW],
  q21: ['auction', 'bidder', 'price', 'channel', 'channelId'],
  q22: ['auction', 'bidder', 'price', 'channel', 'dir1', 'dir2', 'dir3'],
  q23: ['auction', 'bidder', 'price', 'dateTime', 'name', 'city', 'state', 'sold', 'itemName', 'category'],
}

export const COMPARED_QUERIES: readonly ComparedQuery[] = Object.keys(resultColumns) as ComparedQuery[]

/** Means that are not rounded: equal where they differ by less than one in 10^9. */
export const meanColumns: { readonly [Q in ComparedQuery]?: readonly string[] } = { q4: ['meanPrice'], q17: ['meanPrice'] }

export const ALL_QUERIES: readonly string[] = Array.from({ length: 24 }, (_, index) => `q${index}`)

export function isCompared(query: string): query is ComparedQuery {
  return Object.hasOwn(resultColumns, query)
}
