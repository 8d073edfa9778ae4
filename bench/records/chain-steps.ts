/** The steps of the chain figures: functions as a user writes them, each with code of its own, each giving a new record. */
import { type Bid, makeBid } from './numbers.js'

export interface Priced {
  readonly auction: number
  readonly price: number
  readonly ts: number
}

export type Step =
  | { readonly kind: 'map'; readonly fn: (record: Priced) => Priced }
  | { readonly kind: 'filter'; readonly fn: (record: Priced) => boolean }

export const makePriced = (index: number): Priced => {
  const bid: Bid = makeBid(index)
  return { auction: bid.auction, price: bid.price, ts: bid.ts }
}

export const priceOf = (record: Priced): number => record.price

const maps: readonly ((record: Priced) => Priced)[] = [
  (r) => ({ auction: r.auction, price: r.price * 0.908, ts: r.ts }),
  (r) => ({ auction: r.auction, price: r.price + 1.5, ts: r.ts }),
  (r) => ({ auction: r.auction ^ 1, price: r.price, ts: r.ts }),
  (r) => ({ auction: r.auction, price: r.price, ts: r.ts + 1 }),
  (r) => ({ auction: r.auction, price: r.price * 1.21, ts: r.ts }),
  (r) => ({ auction: r.auction + 1, price: r.price - 0.25, ts: r.ts }),
  (r) => ({ auction: r.auction & 0xffffff, price: r.price, ts: r.ts }),
  (r) => ({ auction: r.auction, price: r.price * 0.99, ts: r.ts - 1 }),
  (r) => ({ auction: r.auction, price: r.price + 0.125, ts: r.ts }),
  (r) => ({ auction: r.auction ^ 3, price: r.price, ts: r.ts }),
  (r) => ({ auction: r.auction, price: r.price * 1.01, ts: r.ts }),
  (r) => ({ auction: r.auction, price: r.price, ts: r.ts + 2 }),
  (r) => ({ auction: r.auction | 1, price: r.price + 2.5, ts: r.ts }),
  (r) => ({ auction: r.auction, price: r.price * 0.75, ts: r.ts }),
  (r) => ({ auction: r.auction - 1, price: r.price, ts: r.ts }),
  (r) => ({ auction: r.auction, price: r.price + 0.5, ts: r.ts }),
]

/** They let all but a few records pass, so that every step works. */
const filters: readonly ((record: Priced) => boolean)[] = [
  (r) => r.auction % 97 !== 5,
  (r) => r.price !== 7.5,
  (r) => r.ts !== 3,
  (r) => r.price >= 0,
  (r) => r.auction !== 11,
  (r) => r.price < 1e9,
  (r) => r.ts > 1000,
  (r) => r.auction % 101 !== 7,
]

export const chainNames = ['1-map', '4-maps', '16-maps', '16-mixed'] as const
export type ChainName = (typeof chainNames)[number]

const mapSteps = (count: number): Step[] => maps.slice(0, count).map((fn) => ({ kind: 'map', fn }))

export function chainSteps(name: ChainName): readonly Step[] {
  if (name === '1-map') return mapSteps(1)
  if (name === '4-maps') return mapSteps(4)
  if (name === '16-maps') return mapSteps(16)
  return filters.flatMap((fn, index): Step[] => [mapSteps(16)[index] as Step, { kind: 'filter', fn }])
}
