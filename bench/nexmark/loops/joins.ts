/** Loops that join: queries 3, 4, 6, 9, 20, 23. An id is given once, so whoever has met its partner need not be kept for others. */
import type { ResultRows } from '../queries/result-rows.js'
import { IntTable } from './int-table.js'
import type { Loop, LoopInput } from './loop-input.js'

const STATES = new Set(['OR', 'ID', 'CA'])
const CATEGORY = 10

export const q3: Loop<ResultRows['q3']> = (input, emit) => {
  const persons = new Map<number, { readonly name: string; readonly city: string; readonly state: string }>()
  const waiting = new Map<number, number[]>()
  input.on('persons', ['id', 'name', 'city', 'state'], ({ id, name, city, state }) => {
    if (!STATES.has(state)) return
    persons.set(id, { name, city, state })
    for (const auction of waiting.get(id) ?? []) emit({ name, city, state, id: auction })
    waiting.delete(id)
  })
  input.on('auctions', ['id', 'seller', 'category'], ({ id, seller, category }) => {
    if (category !== CATEGORY) return
    const person = persons.get(seller)
    if (person === undefined) append(waiting, seller, id)
    else emit({ name: person.name, city: person.city, state: person.state, id })
  })
}

function append<T>(lists: Map<number, T[]>, key: number, value: T): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}

interface Timed {
  readonly dateTime: number
}

/** Brings bids to their auctions: those that come before their auction wait for it. */
function bidsOfAuctions<A extends { readonly id: number }, B extends Timed & { readonly auction: number }>(
  meet: (auction: A, slot: number, bid: B) => void,
): {
  readonly auctions: A[]
  readonly onAuction: (auction: A) => void
  readonly onBid: (bid: B) => void
} {
  const table = new IntTable()
  const auctions: A[] = []
  const waiting = new Map<number, B[]>()
  return {
    auctions,
    onAuction(auction) {
      const slot = table.slotOf(auction.id)
      auctions.push(auction)
      const bids = waiting.get(auction.id)
      if (bids === undefined) return
      for (const bid of bids) meet(auction, slot, bid)
      waiting.delete(auction.id)
    },
    onBid(bid) {
      const slot = table.find(bid.auction)
      if (slot < 0) append(waiting, bid.auction, bid)
      else meet(auctions[slot] as A, slot, bid)
    },
  }
}

export const q4: Loop<ResultRows['q4']> = (input, emit) => {
  const best: number[] = []
  interface Auction extends Timed {
    readonly id: number
    readonly category: number
    readonly expires: number
  }
  interface Bid extends Timed {
    readonly auction: number
    readonly price: number
  }
  const { auctions, onAuction, onBid } = bidsOfAuctions<Auction, Bid>((auction, slot, { price, dateTime }) => {
    if (dateTime >= auction.dateTime && dateTime <= auction.expires && price > (best[slot] ?? -1)) best[slot] = price
  })
  input.on('auctions', ['id', 'category', 'dateTime', 'expires'], (auction) => {
    best.push(-1)
    onAuction(auction)
  })
  input.on('bids', ['auction', 'price', 'dateTime'], onBid)
  return () => {
    const totals = new Map<number, { sum: number; count: number }>()
    auctions.forEach(({ category }, slot) => {
      const price = best[slot] as number
      if (price < 0) return
      const total = totals.get(category) ?? { sum: 0, count: 0 }
      total.sum += price
      total.count++
      totals.set(category, total)
    })
    for (const [category, { sum, count }] of totals) emit({ category, meanPrice: sum / count })
  }
}

const CLOSED_MAX = 10

export const q6: Loop<ResultRows['q6']> = (input, emit) => {
  const best: number[] = []
  interface Auction {
    readonly id: number
    readonly seller: number
    readonly reserve: number
    readonly expires: number
  }
  interface Bid extends Timed {
    readonly auction: number
    readonly price: number
  }
  const { auctions, onAuction, onBid } = bidsOfAuctions<Auction, Bid>((auction, slot, { price, dateTime }) => {
    if (price >= auction.reserve && dateTime < auction.expires && price > (best[slot] as number)) best[slot] = price
  })
  input.on('auctions', ['id', 'seller', 'reserve', 'expires'], (auction) => {
    best.push(-1)
    onAuction(auction)
  })
  input.on('bids', ['auction', 'price', 'dateTime'], onBid)
  return () => {
    const closed = new Map<number, { readonly id: number; readonly expires: number; readonly price: number }[]>()
    auctions.forEach(({ id, seller, expires }, slot) => {
      const price = best[slot] as number
      if (price >= 0) append(closed, seller, { id, expires, price })
    })
    for (const [seller, sold] of closed) {
      const recent = sold.sort((left, right) => right.expires - left.expires || right.id - left.id).slice(0, CLOSED_MAX)
      const sum = recent.reduce((total, { price }) => total + price, 0)
      emit({ seller, meanPrice: Math.floor((2 * sum + recent.length) / (2 * recent.length)) })
    }
  }
}

const AUCTION = ['id', 'itemName', 'description', 'initialBid', 'reserve', 'dateTime', 'expires', 'seller', 'category', 'extra'] as const
type AuctionRow = Pick<ResultRows['q9'], (typeof AUCTION)[number]>

export const q9: Loop<ResultRows['q9']> = (input, emit) => {
  interface Bid extends Timed {
    readonly auction: number
    readonly bidder: number
    readonly price: number
    readonly extra: string
    readonly number: number
  }
  const winners: (Bid | undefined)[] = []
  const { auctions, onAuction, onBid } = bidsOfAuctions<AuctionRow, Bid>((auction, slot, bid) => {
    if (bid.dateTime < auction.dateTime || bid.dateTime > auction.expires) return
    const winner = winners[slot]
    if (winner === undefined || beats(bid, winner)) winners[slot] = bid
  })
  input.on('auctions', AUCTION, (auction) => {
    winners.push(undefined)
    onAuction(auction)
  })
  input.on('bids', ['auction', 'bidder', 'price', 'dateTime', 'extra', 'number'], onBid)
  return () => {
    auctions.forEach((auction, slot) => {
      const winner = winners[slot]
      if (winner === undefined) return
      const { bidder, price, dateTime, extra } = winner
      emit({ ...auction, bidder, price, bidDateTime: dateTime, bidExtra: extra })
    })
  }
}

interface Ranked extends Timed {
  readonly price: number
  readonly number: number
}

function beats(bid: Ranked, winner: Ranked): boolean {
  if (bid.price !== winner.price) return bid.price > winner.price
  if (bid.dateTime !== winner.dateTime) return bid.dateTime < winner.dateTime
  return bid.number < winner.number
}

export const q20: Loop<ResultRows['q20']> = (input: LoopInput, emit) => {
  type Bid = Pick<ResultRows['q20'], 'auction' | 'bidder' | 'price' | 'channel' | 'url' | 'dateTime' | 'extra'>
  const { onAuction, onBid } = bidsOfAuctions<AuctionRow, Bid>(
    (auction, _slot, { auction: id, bidder, price, channel, url, dateTime, extra }) => {
      if (auction.category !== CATEGORY) return
      emit({
        auction: id,
        bidder,
        price,
        channel,
        url,
        bidDateTime: dateTime,
        bidExtra: extra,
        itemName: auction.itemName,
        description: auction.description,
        initialBid: auction.initialBid,
        reserve: auction.reserve,
        dateTime: auction.dateTime,
        expires: auction.expires,
        seller: auction.seller,
        category: auction.category,
        extra: auction.extra,
      })
    },
  )
  input.on('auctions', AUCTION, onAuction)
  input.on('bids', ['auction', 'bidder', 'price', 'channel', 'url', 'dateTime', 'extra'], onBid)
}

/** A person can be a bidder and a seller: each new bid meets the auctions so far, each new auction the bids so far. */
export const q23: Loop<ResultRows['q23']> = (input, emit) => {
  type Bid = Pick<ResultRows['q23'], 'auction' | 'bidder' | 'price' | 'dateTime'>
  type Person = Pick<ResultRows['q23'], 'name' | 'city' | 'state'>
  interface Auction {
    readonly id: number
    readonly itemName: string
    readonly category: number
  }
  const table = new IntTable()
  const people: { person: Person | undefined; readonly auctions: Auction[]; readonly bids: Bid[] }[] = []
  const stateOf = (id: number): (typeof people)[number] => {
    const slot = table.slotOf(id)
    if (slot === people.length) people.push({ person: undefined, auctions: [], bids: [] })
    return people[slot] as (typeof people)[number]
  }
  const give = ({ name, city, state }: Person, { id, itemName, category }: Auction, bid: Bid): void => {
    const { auction, bidder, price, dateTime } = bid
    emit({ auction, bidder, price, dateTime, name, city, state, sold: id, itemName, category })
  }
  input.on('persons', ['id', 'name', 'city', 'state'], (person) => {
    const state = stateOf(person.id)
    state.person = person
    for (const auction of state.auctions) for (const bid of state.bids) give(person, auction, bid)
  })
  input.on('auctions', ['id', 'seller', 'itemName', 'category'], (auction) => {
    const { person, auctions, bids } = stateOf(auction.seller)
    auctions.push(auction)
    if (person !== undefined) for (const bid of bids) give(person, auction, bid)
  })
  input.on('bids', ['auction', 'bidder', 'price', 'dateTime'], (bid) => {
    const { person, auctions, bids } = stateOf(bid.bidder)
    bids.push(bid)
    if (person !== undefined) for (const auction of auctions) give(person, auction, bid)
  })
}
