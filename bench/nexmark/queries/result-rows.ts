/**
 * The rows that each query gives, field by field: job, hand-written loop and oracle agree on them. Times are ms since the epoch. Prices in
 * euro are exact integers: 908 * price is thousandths of a cent. Where bids tie, the one with the lower event number counts.
 */
import type { Auction, Bid, Person } from '../generator/model.js'

type BidRow = Pick<Bid, 'auction' | 'bidder' | 'price' | 'channel' | 'url' | 'dateTime' | 'extra'>

/** Bids with a price below 10,000 (1), from there to below 1,000,000 (2), and the rest (3). */
interface RankedBids {
  readonly bids: number
  readonly bids1: number
  readonly bids2: number
  readonly bids3: number
}

/** Distinct bidders and auctions, over all bids and by rank. */
interface RankedDistinct {
  readonly bidders: number
  readonly bidders1: number
  readonly bidders2: number
  readonly bidders3: number
  readonly auctions: number
  readonly auctions1: number
  readonly auctions2: number
  readonly auctions3: number
}

/** UTC, as `2015-07-15`. */
interface OfDay {
  readonly day: string
}

export interface ResultRows {
  readonly q0: Pick<Bid, 'auction' | 'bidder' | 'price' | 'dateTime' | 'extra'>
  /** `price` is 908 * the price of the bid. */
  readonly q1: Pick<Bid, 'auction' | 'bidder' | 'price' | 'dateTime' | 'extra'>
  readonly q2: Pick<Bid, 'auction' | 'price'>
  /** `id` is the auction's, the rest the seller's. */
  readonly q3: Pick<Person, 'name' | 'city' | 'state' | 'id'>
  readonly q4: { readonly category: number; readonly meanPrice: number }
  readonly q5: { readonly windowStart: number; readonly auction: number; readonly bids: number }
  /** `meanPrice` is rounded, halves upwards. */
  readonly q6: { readonly seller: number; readonly meanPrice: number }
  readonly q7: Pick<Bid, 'auction' | 'bidder' | 'price' | 'dateTime' | 'extra'>
  readonly q8: { readonly id: number; readonly name: string; readonly windowStart: number }
  /** The auction with its winning bid. */
  readonly q9: Auction & {
    readonly bidder: number
    readonly price: number
    readonly bidDateTime: number
    readonly bidExtra: string
  }
  /** `start` is the time of the first bid, `end` that of the last and the gap. */
  readonly q11: { readonly bidder: number; readonly bids: number; readonly start: number; readonly end: number }
  readonly q13: Pick<Bid, 'auction' | 'bidder' | 'price' | 'dateTime'> & { readonly value: string }
  /** `price` is 908 * the price of the bid; `timeType` by the UTC hour: 8 to 18 dayTime, to 6 and from 20 nightTime, else otherTime. */
  readonly q14: Pick<Bid, 'auction' | 'bidder' | 'price' | 'dateTime' | 'extra'> & {
    readonly timeType: 'dayTime' | 'nightTime' | 'otherTime'
    /** How often `extra` has the letter c. */
    readonly letters: number
  }
  readonly q15: OfDay & RankedBids & RankedDistinct
  /** `minute` is the latest, as `13:37`. */
  readonly q16: OfDay & RankedBids & RankedDistinct & { readonly channel: string; readonly minute: string }
  readonly q17: OfDay &
    RankedBids & {
      readonly auction: number
      readonly minPrice: number
      readonly maxPrice: number
      readonly meanPrice: number
      readonly sumPrice: number
    }
  /** Of bids of the same ms the first counts as the last. */
  readonly q18: BidRow
  /** `rank` from 1, by price, then by event number. */
  readonly q19: BidRow & { readonly rank: number }
  /** The bid and the auction; fields of both with the same name carry `bid` in front on the bid's side. */
  readonly q20: Omit<Auction, 'id'> &
    Pick<Bid, 'auction' | 'bidder' | 'price' | 'channel' | 'url'> & {
      readonly bidDateTime: number
      readonly bidExtra: string
    }
  readonly q21: Pick<Bid, 'auction' | 'bidder' | 'price' | 'channel'> & { readonly channelId: string }
  readonly q22: Pick<Bid, 'auction' | 'bidder' | 'price' | 'channel'> & {
    readonly dir1: string
    readonly dir2: string
    readonly dir3: string
  }
  /** A bid, its bidder, and an auction that the bidder opened (`sold`). */
  readonly q23: Pick<Bid, 'auction' | 'bidder' | 'price' | 'dateTime'> &
    Pick<Person, 'name' | 'city' | 'state'> & { readonly sold: number; readonly itemName: string; readonly category: number }
}
