/** Loops that keep a table per key: queries 15 to 19. */
import type { ResultRows } from '../queries/result-rows.js'
import { IntTable, PairTable } from './int-table.js'
import type { Loop } from './loop-input.js'

const DAY_MS = 86_400_000
const RANK_2 = 10_000
const RANK_3 = 1_000_000

const rankOf = (price: number): number => (price < RANK_2 ? 1 : price < RANK_3 ? 2 : 3)
const dayText = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10)

/** How many values were seen: over all (0) and in each rank (1 to 3). */
type Tally = [number, number, number, number]

/** Bit 0 of what was seen of a value stands for all, bits 1 to 3 for the ranks. */
function tally(counts: Tally, seen: number, rank: number): number {
  if (seen === 0) counts[0]++
  if ((seen & (1 << rank)) === 0) counts[rank as 1]++
  return seen | 1 | (1 << rank)
}

const named = ([all, first, second, third]: Tally): readonly [number, number, number, number] => [all, first, second, third]

function rankedRow(bids: Tally, bidders: Tally, auctions: Tally): Omit<ResultRows['q15'], 'day'> {
  const [bids0, bids1, bids2, bids3] = named(bids)
  const [bidders0, bidders1, bidders2, bidders3] = named(bidders)
  const [auctions0, auctions1, auctions2, auctions3] = named(auctions)
  return {
    bids: bids0,
    bids1,
    bids2,
    bids3,
    bidders: bidders0,
    bidders1,
    bidders2,
    bidders3,
    auctions: auctions0,
    auctions1,
    auctions2,
    auctions3,
  }
}

class DistinctInts {
  readonly counts: Tally = [0, 0, 0, 0]
  readonly #table = new IntTable()
  readonly #seen: number[] = []

  add(value: number, rank: number): void {
    const slot = this.#table.slotOf(value)
    if (slot === this.#seen.length) this.#seen.push(tally(this.counts, 0, rank))
    else this.#seen[slot] = tally(this.counts, this.#seen[slot] as number, rank)
  }
}

export const q15: Loop<ResultRows['q15']> = (input, emit) => {
  const days = new Map<number, { readonly bids: Tally; readonly bidders: DistinctInts; readonly auctions: DistinctInts }>()
  let currentDay = Number.NaN
  let current: { readonly bids: Tally; readonly bidders: DistinctInts; readonly auctions: DistinctInts } | undefined
  input.on('bids', ['auction', 'bidder', 'price', 'dateTime'], ({ auction, bidder, price, dateTime }) => {
    const day = Math.floor(dateTime / DAY_MS)
    if (day !== currentDay || current === undefined) {
      currentDay = day
      current = days.get(day) ?? { bids: [0, 0, 0, 0], bidders: new DistinctInts(), auctions: new DistinctInts() }
      days.set(day, current)
    }
    const rank = rankOf(price)
    current.bids[0]++
    current.bids[rank as 1]++
    current.bidders.add(bidder, rank)
    current.auctions.add(auction, rank)
  })
  return () => {
    for (const [day, { bids, bidders, auctions }] of days) emit({ day: dayText(day), ...rankedRow(bids, bidders.counts, auctions.counts) })
  }
}

/** Distinct values of every channel in one table. */
class DistinctPairs {
  readonly #table = new PairTable()
  readonly #seen: number[] = []

  add(group: number, value: number, rank: number, counts: Tally): void {
    const slot = this.#table.slotOf(group, value)
    if (slot === this.#seen.length) this.#seen.push(tally(counts, 0, rank))
    else this.#seen[slot] = tally(counts, this.#seen[slot] as number, rank)
  }
}

interface ChannelDay {
  readonly channel: string
  readonly index: number
  last: number
  readonly bids: Tally
  readonly bidders: Tally
  readonly auctions: Tally
}

export const q16: Loop<ResultRows['q16']> = (input, emit) => {
  const days = new Map<number, Map<string, ChannelDay>>()
  const bidders = new DistinctPairs()
  const auctions = new DistinctPairs()
  let currentDay = Number.NaN
  let channels = new Map<string, ChannelDay>()
  let groups = 0
  input.on('bids', ['auction', 'bidder', 'price', 'channel', 'dateTime'], ({ auction, bidder, price, channel, dateTime }) => {
    const day = Math.floor(dateTime / DAY_MS)
    if (day !== currentDay) {
      currentDay = day
      channels = days.get(day) ?? new Map<string, ChannelDay>()
      days.set(day, channels)
    }
    let group = channels.get(channel)
    if (group === undefined) {
      group = { channel, index: groups++, last: 0, bids: [0, 0, 0, 0], bidders: [0, 0, 0, 0], auctions: [0, 0, 0, 0] }
      channels.set(channel, group)
    }
    if (dateTime > group.last) group.last = dateTime
    const rank = rankOf(price)
    group.bids[0]++
    group.bids[rank as 1]++
    bidders.add(group.index, bidder, rank, group.bidders)
    auctions.add(group.index, auction, rank, group.auctions)
  })
  return () => {
    for (const [day, groups] of days) {
      for (const group of groups.values()) {
        const minute = new Date(group.last).toISOString().slice(11, 16)
        emit({ channel: group.channel, day: dayText(day), minute, ...rankedRow(group.bids, group.bidders, group.auctions) })
      }
    }
  }
}

interface AuctionDay {
  readonly auction: number
  readonly bids: Tally
  min: number
  max: number
  sum: number
}

export const q17: Loop<ResultRows['q17']> = (input, emit) => {
  const days = new Map<number, { readonly table: IntTable; readonly auctions: AuctionDay[] }>()
  let currentDay = Number.NaN
  let current: { readonly table: IntTable; readonly auctions: AuctionDay[] } = { table: new IntTable(), auctions: [] }
  input.on('bids', ['auction', 'price', 'dateTime'], ({ auction, price, dateTime }) => {
    const day = Math.floor(dateTime / DAY_MS)
    if (day !== currentDay) {
      currentDay = day
      current = days.get(day) ?? { table: new IntTable(), auctions: [] }
      days.set(day, current)
    }
    const { table, auctions } = current
    const slot = table.slotOf(auction)
    if (slot === auctions.length) auctions.push({ auction, bids: [0, 0, 0, 0], min: price, max: price, sum: 0 })
    const group = auctions[slot] as AuctionDay
    group.bids[0]++
    group.bids[rankOf(price) as 1]++
    if (price < group.min) group.min = price
    if (price > group.max) group.max = price
    group.sum += price
  })
  return () => {
    for (const [day, { auctions }] of days) {
      for (const { auction, bids: counts, min, max, sum } of auctions) {
        const [bids, bids1, bids2, bids3] = counts
        const prices = { minPrice: min, maxPrice: max, meanPrice: sum / bids, sumPrice: sum }
        emit({ auction, day: dayText(day), bids, bids1, bids2, bids3, ...prices })
      }
    }
  }
}

const BID = ['auction', 'bidder', 'price', 'channel', 'url', 'dateTime', 'extra', 'number'] as const
type NumberedBid = ResultRows['q18'] & { readonly number: number }

export const q18: Loop<ResultRows['q18']> = (input, emit) => {
  const table = new PairTable()
  const last: NumberedBid[] = []
  input.on('bids', BID, (bid) => {
    const slot = table.slotOf(bid.bidder, bid.auction)
    if (slot === last.length) last.push(bid)
    else {
      const before = last[slot] as NumberedBid
      if (bid.dateTime > before.dateTime || (bid.dateTime === before.dateTime && bid.number < before.number)) last[slot] = bid
    }
  })
  return () => last.forEach(emit)
}

const TOP = 10

export const q19: Loop<ResultRows['q19']> = (input, emit) => {
  const table = new IntTable()
  const tops: NumberedBid[][] = []
  input.on('bids', BID, (bid) => {
    const slot = table.slotOf(bid.auction)
    if (slot === tops.length) tops.push([])
    const top = tops[slot] as NumberedBid[]
    let at = top.length
    if (at === TOP) {
      const least = top[TOP - 1] as NumberedBid
      if (bid.price < least.price || (bid.price === least.price && bid.number > least.number)) return
      at--
    } else top.push(bid)
    for (; at > 0; at--) {
      const above = top[at - 1] as NumberedBid
      if (above.price > bid.price || (above.price === bid.price && above.number < bid.number)) break
      top[at] = above
    }
    top[at] = bid
  })
  return () => {
    for (const top of tops) {
      top.forEach(({ auction, bidder, price, channel, url, dateTime, extra }, index) =>
        emit({ rank: index + 1, auction, bidder, price, channel, url, dateTime, extra }),
      )
    }
  }
}
