/** Loops with windows of event time: queries 5, 7, 8, 11. */
import type { ResultRows } from '../queries/result-rows.js'
import { IntTable } from './int-table.js'
import type { Loop } from './loop-input.js'

const WINDOW_MS = 10_000
const SLIDE_MS = 2_000
const PANES = WINDOW_MS / SLIDE_MS

class Counts {
  readonly #table = new IntTable()
  readonly counts: number[] = []

  add(key: number, count: number): void {
    const slot = this.#table.slotOf(key)
    if (slot === this.counts.length) this.counts.push(count)
    else this.counts[slot] = (this.counts[slot] as number) + count
  }

  keys(): Int32Array {
    return this.#table.keys()
  }
}

/** Counts per pane of 2 s; a window adds up five. */
export const q5: Loop<ResultRows['q5']> = (input, emit) => {
  const panes = new Map<number, Counts>()
  let currentPane = Number.NaN
  let current = new Counts()
  let next = Number.NaN
  const paneOf = (pane: number): Counts => {
    let counts = panes.get(pane)
    if (counts === undefined) panes.set(pane, (counts = new Counts()))
    return counts
  }
  const fire = (window: number): void => {
    const total = new Counts()
    for (let pane = window; pane < window + PANES; pane++) {
      const counts = panes.get(pane)
      counts?.keys().forEach((key, slot) => total.add(key, counts.counts[slot] as number))
    }
    const bids = total.counts.reduce((left, right) => Math.max(left, right), 0)
    total.keys().forEach((auction, slot) => {
      if (total.counts[slot] === bids) emit({ windowStart: window * SLIDE_MS, auction, bids })
    })
  }
  const fireUntil = (watermark: number): void => {
    if (panes.size === 0) return
    if (Number.isNaN(next)) next = Math.min(...panes.keys()) - PANES + 1
    const last = Math.max(...panes.keys())
    for (; next <= last && (next + PANES) * SLIDE_MS - 1 <= watermark; next++) {
      fire(next)
      panes.delete(next)
    }
  }
  input.on('bids', ['auction', 'dateTime'], ({ auction, dateTime }) => {
    const pane = Math.floor(dateTime / SLIDE_MS)
    if (pane !== currentPane) {
      currentPane = pane
      current = paneOf(pane)
    }
    current.add(auction, 1)
  })
  input.onWatermark(fireUntil)
  return () => fireUntil(Number.POSITIVE_INFINITY)
}

export const q7: Loop<ResultRows['q7']> = (input, emit) => {
  const windows = new Map<number, ResultRows['q7'][]>()
  let currentWindow = Number.NaN
  let best: ResultRows['q7'][] = []
  let bestPrice = -1
  input.on('bids', ['auction', 'bidder', 'price', 'dateTime', 'extra'], (bid) => {
    const window = Math.floor(bid.dateTime / WINDOW_MS)
    if (window !== currentWindow) {
      currentWindow = window
      best = windows.get(window) ?? []
      windows.set(window, best)
      bestPrice = best[0]?.price ?? -1
    }
    if (bid.price < bestPrice) return
    if (bid.price > bestPrice) {
      best.length = 0
      bestPrice = bid.price
    }
    best.push(bid)
  })
  const fireUntil = (watermark: number): void => {
    for (const [window, bids] of windows) {
      if ((window + 1) * WINDOW_MS - 1 > watermark) continue
      for (const bid of bids) emit(bid)
      windows.delete(window)
    }
  }
  input.onWatermark(fireUntil)
  return () => fireUntil(Number.POSITIVE_INFINITY)
}

/** Persons and sellers of a window; a pair goes out when its second half comes. */
export const q8: Loop<ResultRows['q8']> = (input, emit) => {
  const windows = new Map<number, { readonly persons: Map<number, string>; readonly sellers: Set<number> }>()
  const windowOf = (window: number): { readonly persons: Map<number, string>; readonly sellers: Set<number> } => {
    let state = windows.get(window)
    if (state === undefined) windows.set(window, (state = { persons: new Map(), sellers: new Set() }))
    return state
  }
  input.on('persons', ['id', 'name', 'dateTime'], ({ id, name, dateTime }) => {
    const window = Math.floor(dateTime / WINDOW_MS)
    const { persons, sellers } = windowOf(window)
    persons.set(id, name)
    if (sellers.has(id)) emit({ windowStart: window * WINDOW_MS, id, name })
  })
  input.on('auctions', ['seller', 'dateTime'], ({ seller, dateTime }) => {
    const window = Math.floor(dateTime / WINDOW_MS)
    const { persons, sellers } = windowOf(window)
    if (sellers.has(seller)) return
    sellers.add(seller)
    const name = persons.get(seller)
    if (name !== undefined) emit({ windowStart: window * WINDOW_MS, id: seller, name })
  })
  input.onWatermark((watermark) => {
    for (const window of windows.keys()) if ((window + 1) * WINDOW_MS - 1 <= watermark) windows.delete(window)
  })
}

const GAP_MS = 10_000

interface Session {
  start: number
  last: number
  bids: number
}

/**
 * The newest session of a bidder lies in arrays. Where events are out of order, one may still bridge the gap to the session before: that
 * is kept aside until the watermark has passed it.
 */
export const q11: Loop<ResultRows['q11']> = (input, emit) => {
  const table = new IntTable()
  const bidders: number[] = []
  const starts: number[] = []
  const lasts: number[] = []
  const counts: number[] = []
  const earlier = new Map<number, Session[]>()
  const give = (slot: number, { start, last, bids }: Session): void =>
    emit({ bidder: bidders[slot] as number, bids, start, end: last + GAP_MS })

  const newest = (slot: number): Session => ({ start: starts[slot] as number, last: lasts[slot] as number, bids: counts[slot] as number })

  /** Puts one more bid among all sessions of a bidder. */
  const place = (slot: number, time: number): void => {
    const sessions = [...(earlier.get(slot) ?? []), newest(slot), { start: time, last: time, bids: 1 }]
    sessions.sort((left, right) => left.start - right.start)
    const merged: Session[] = []
    for (const session of sessions) {
      const before = merged.at(-1)
      if (before === undefined || session.start - before.last >= GAP_MS) merged.push({ ...session })
      else {
        before.last = Math.max(before.last, session.last)
        before.bids += session.bids
      }
    }
    const latest = merged.pop() as Session
    starts[slot] = latest.start
    lasts[slot] = latest.last
    counts[slot] = latest.bids
    if (merged.length > 0) earlier.set(slot, merged)
    else earlier.delete(slot)
  }

  input.on('bids', ['bidder', 'dateTime'], ({ bidder, dateTime }) => {
    const slot = table.slotOf(bidder)
    if (slot === bidders.length) {
      bidders.push(bidder)
      starts.push(dateTime)
      lasts.push(dateTime)
      counts.push(1)
    } else if (dateTime >= (starts[slot] as number) && dateTime - (lasts[slot] as number) < GAP_MS) {
      if (dateTime > (lasts[slot] as number)) lasts[slot] = dateTime
      counts[slot] = (counts[slot] as number) + 1
    } else place(slot, dateTime)
  })
  input.onWatermark((watermark) => {
    for (const [slot, sessions] of earlier) {
      const open = sessions.filter((session) => session.last + GAP_MS > watermark || (give(slot, session), false))
      if (open.length > 0) earlier.set(slot, open)
      else earlier.delete(slot)
    }
  })
  return () => {
    for (const [slot, sessions] of earlier) for (const session of sessions) give(slot, session)
    for (let slot = 0; slot < bidders.length; slot++) give(slot, newest(slot))
  }
}
