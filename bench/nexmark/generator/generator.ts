/**
 * Makes the events of Nexmark, bit for bit those of Apache Beam's reference generator. An event is a pure function of its number and the
 * options. It costs microseconds: whatever is timed replays events that were made before.
 */
import { type Channel, drawChannel } from './channels.js'
import { AUCTIONS_IN_FLIGHT, drawAuction, drawBidder, drawSeller, lastAuction, lastPerson } from './ids.js'
import { JavaRandom, mixedSeed } from './java-random.js'
import {
  type Auction,
  AUCTIONS_PER_EPOCH,
  BASE_TIME,
  type Bid,
  CATEGORIES,
  FIRST_AUCTION,
  FIRST_CATEGORY,
  FIRST_PERSON,
  type GeneratorOptions,
  type NexmarkEvent,
  type Person,
  PROPORTION,
  RATE_DEFAULT,
} from './model.js'
import { padding, price, word } from './texts.js'

/** Coprime to every group size in use: it visits each event of a group once. */
const SHUFFLE = 953
const PERSON_BYTES = 200
const AUCTION_BYTES = 500
const BID_BYTES = 100
/** Events until as many auctions have begun as are in flight. */
const AUCTION_HORIZON = Math.floor((AUCTIONS_IN_FLIGHT * PROPORTION) / AUCTIONS_PER_EPOCH)

const FIRST_NAMES = ['Peter', 'Paul', 'Luke', 'John', 'Saul', 'Vicky', 'Kate', 'Julie', 'Sarah', 'Deiter', 'Walter'] as const
const LAST_NAMES = ['Shultz', 'Abrams', 'Spencer', 'White', 'Bartels', 'Walton', 'Smith', 'Jones', 'Noris'] as const
const CITIES = ['Phoenix', 'Los Angeles', 'San Francisco', 'Boise', 'Portland', 'Bend', 'Redmond', 'Seattle', 'Kent', 'Cheyenne'] as const
const STATES = ['AZ', 'CA', 'ID', 'OR', 'WA', 'WY'] as const
const NO_CHANNEL: Channel = { channel: '', url: '' }

export class Generator {
  readonly #random = new JavaRandom()
  readonly #mixed: boolean
  readonly #channels: boolean
  readonly #generators: number
  readonly #groupSize: number
  readonly #idsPerGenerator: number
  readonly #delayUs: number

  constructor(options: GeneratorOptions) {
    const { flavour, count, rate = RATE_DEFAULT, groupSize = 1, generators = 1 } = options
    for (const [name, value] of Object.entries({ rate, groupSize, generators })) {
      if (!Number.isInteger(value) || value < 1) throw new RangeError(`${name} is ${value}, and takes a whole number of at least 1`)
    }
    if (!Number.isInteger(count) || count < 0) throw new RangeError(`count is ${count}, and takes a whole number of at least 0`)
    if (groupSize % SHUFFLE === 0) throw new RangeError(`groupSize is ${groupSize}: a multiple of ${SHUFFLE} does not shuffle`)
    this.#mixed = flavour === 'U'
    this.#channels = flavour !== 'B'
    this.#generators = generators
    this.#groupSize = groupSize
    this.#idsPerGenerator = Math.floor(count / generators)
    this.#delayUs = Math.round(1e6 / rate) * generators
  }

  /** The event with this number, from 0, over all generators. */
  event(number: number): NexmarkEvent {
    const adjusted = this.#adjusted(number)
    const id = this.#id(number, adjusted)
    const timeMs = this.timeMs(adjusted)
    this.#random.seed(this.#mixed ? mixedSeed(id) : id)
    switch (kindOf(id)) {
      case 'person':
        return { kind: 'person', value: this.#person(id, timeMs) }
      case 'auction':
        return { kind: 'auction', value: this.#auction(id, adjusted, timeMs) }
      case 'bid':
        return { kind: 'bid', value: this.#bid(id, timeMs) }
    }
  }

  /** The kind of the event with this number, at next to no cost. */
  kind(number: number): NexmarkEvent['kind'] {
    return kindOf(this.#id(number, this.#adjusted(number)))
  }

  /** No event with a higher number is earlier than this. */
  watermark(number: number): number {
    const local = Math.floor(number / this.#generators)
    return this.timeMs(Math.floor(local / this.#groupSize) * this.#groupSize)
  }

  timeMs(index: number): number {
    return BASE_TIME + Math.floor((index * this.#delayUs) / 1000)
  }

  /** Among the events of its generator. */
  #adjusted(number: number): number {
    const local = Math.floor(number / this.#generators)
    const group = this.#groupSize
    return Math.floor(local / group) * group + ((local * SHUFFLE) % group)
  }

  #id(number: number, adjusted: number): number {
    return (number % this.#generators) * this.#idsPerGenerator + adjusted
  }

  #person(id: number, dateTime: number): Person {
    const random = this.#random
    const name = `${FIRST_NAMES[random.int(FIRST_NAMES.length)]} ${LAST_NAMES[random.int(LAST_NAMES.length)]}`
    const emailAddress = `${word(random, 7)}@${word(random, 5)}.com`
    const creditCard = Array.from({ length: 4 }, () => String(random.int(10_000)).padStart(4, '0')).join(' ')
    const city = CITIES[random.int(CITIES.length)] as string
    const state = STATES[random.int(STATES.length)] as string
    const bytes = 8 + name.length + emailAddress.length + creditCard.length + city.length + state.length
    const extra = padding(random, bytes, PERSON_BYTES)
    return { id: FIRST_PERSON + lastPerson(id), name, emailAddress, creditCard, city, state, dateTime, extra }
  }

  #auction(id: number, adjusted: number, dateTime: number): Auction {
    const random = this.#random
    const seller = drawSeller(random, id)
    const category = FIRST_CATEGORY + random.int(CATEGORIES)
    const initialBid = price(random)
    const horizonMs = this.timeMs(adjusted + AUCTION_HORIZON) - dateTime
    const expires = dateTime + 1 + random.int(Math.max(2 * horizonMs, 1))
    const itemName = word(random, 20)
    const description = word(random, 100)
    const reserve = initialBid + price(random)
    const extra = padding(random, 48 + itemName.length + description.length, AUCTION_BYTES)
    return {
      id: FIRST_AUCTION + lastAuction(id),
      itemName,
      description,
      initialBid,
      reserve,
      dateTime,
      expires,
      seller,
      category,
      extra,
    }
  }

  #bid(id: number, dateTime: number): Bid {
    const random = this.#random
    const auction = drawAuction(random, id)
    const bidder = drawBidder(random, id)
    const cents = price(random)
    const extra = padding(random, 32, BID_BYTES)
    const { channel, url } = this.#channels ? drawChannel(random) : NO_CHANNEL
    return { auction, bidder, price: cents, channel, url, dateTime, extra }
  }
}

function kindOf(id: number): NexmarkEvent['kind'] {
  const offset = id % PROPORTION
  return offset === 0 ? 'person' : offset <= AUCTIONS_PER_EPOCH ? 'auction' : 'bid'
}
