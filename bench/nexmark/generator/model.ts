/** The event model of Nexmark: an online auction with people, auctions and bids. Ids are integers, money is cents, times are ms since the epoch. */

export interface Person {
  readonly id: number
  readonly name: string
  readonly emailAddress: string
  readonly creditCard: string
  readonly city: string
  readonly state: string
  readonly dateTime: number
  /** Padding up to the target size of an event. */
  readonly extra: string
}

export interface Auction {
  readonly id: number
  readonly itemName: string
  readonly description: string
  readonly initialBid: number
  /** The least price at which the item is sold. */
  readonly reserve: number
  readonly dateTime: number
  readonly expires: number
  readonly seller: number
  readonly category: number
  readonly extra: string
}

export interface Bid {
  readonly auction: number
  readonly bidder: number
  readonly price: number
  /** Empty in NX-B. */
  readonly channel: string
  /** Empty in NX-B. */
  readonly url: string
  readonly dateTime: number
  readonly extra: string
}

export type NexmarkEvent =
  | { readonly kind: 'person'; readonly value: Person }
  | { readonly kind: 'auction'; readonly value: Auction }
  | { readonly kind: 'bid'; readonly value: Bid }

/**
 * `B`: equal to Apache Beam's. `BC`: with channel and url, the rest bit for bit the same. `U`: as BC, with the seed of each event mixed first,
 * so that hot and cold keys are independent from event to event.
 */
export type Flavour = 'B' | 'BC' | 'U'

export interface GeneratorOptions {
  readonly flavour: Flavour
  /** Events over all generators. */
  readonly count: number
  /** Events per second of event time; the length of auctions derives from it. Default 10,000. */
  readonly rate?: number | undefined
  /** Events that are shuffled among each other; 1: in order. Default 1. */
  readonly groupSize?: number | undefined
  /** Each owns a contiguous range of ids; events of all are dealt round robin. Default 1. */
  readonly generators?: number | undefined
}

export const BASE_TIME = 1_436_918_400_000
export const FIRST_AUCTION = 1000
export const FIRST_PERSON = 1000
export const FIRST_CATEGORY = 10
export const CATEGORIES = 5

/** Of so many consecutive ids the first is a person, the next three are auctions, the rest bids. */
export const PROPORTION = 50
export const AUCTIONS_PER_EPOCH = 3

export const RATE_DEFAULT = 10_000
