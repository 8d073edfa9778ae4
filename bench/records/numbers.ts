/** Records of numbers: four fields in 24 bytes, eight in 64. */
import { xorshift } from './random.js'
import { type RecordKind, TABLE_MASK, TABLE_RECORDS } from './record-kind.js'

export interface Bid {
  auction: number
  bidder: number
  price: number
  ts: number
}

const random = xorshift(7)
const FIRST_TS = 1.6e12
const bids = new Int32Array(2 * TABLE_RECORDS).map(() => random() >>> 8)
const prices = new Float64Array(TABLE_RECORDS).map(() => (random() % 100_000) * 0.01 + 0.001)

export const makeBid = (index: number): Bid => {
  const at = index & TABLE_MASK
  return {
    auction: bids[2 * at] as number,
    bidder: bids[2 * at + 1] as number,
    price: prices[at] as number,
    ts: FIRST_TS + index,
  }
}

export const numbers24: RecordKind<Bid> = {
  title: '4 numbers, 24 bytes',
  make: makeBid,
  measure: (bid) => bid.price,
  bytesMax: 24,
  encode: (bid, view, _bytes, at) => {
    view.setInt32(at, bid.auction, true)
    view.setInt32(at + 4, bid.bidder, true)
    view.setFloat64(at + 8, bid.price, true)
    view.setFloat64(at + 16, bid.ts, true)
    return at + 24
  },
  decode: (view, _bytes, cursor) => {
    const at = cursor.at
    cursor.at = at + 24
    return {
      auction: view.getInt32(at, true),
      bidder: view.getInt32(at + 4, true),
      price: view.getFloat64(at + 8, true),
      ts: view.getFloat64(at + 16, true),
    }
  },
}

export interface Reading8 {
  ts: number
  x: number
  y: number
  z: number
  speed: number
  heading: number
  pressure: number
  temperature: number
}

const FIELDS = 8
const samples = new Float64Array(FIELDS * TABLE_RECORDS).map(() => random() / 1e3 + 0.0001)

const makeReading = (index: number): Reading8 => {
  const at = (index & TABLE_MASK) * FIELDS
  return {
    ts: FIRST_TS + index,
    x: samples[at + 1] as number,
    y: samples[at + 2] as number,
    z: samples[at + 3] as number,
    speed: samples[at + 4] as number,
    heading: samples[at + 5] as number,
    pressure: samples[at + 6] as number,
    temperature: samples[at + 7] as number,
  }
}

export const numbers64: RecordKind<Reading8> = {
  title: '8 numbers, 64 bytes',
  make: makeReading,
  measure: (reading) => reading.speed,
  bytesMax: 64,
  encode: (reading, view, _bytes, at) => {
    view.setFloat64(at, reading.ts, true)
    view.setFloat64(at + 8, reading.x, true)
    view.setFloat64(at + 16, reading.y, true)
    view.setFloat64(at + 24, reading.z, true)
    view.setFloat64(at + 32, reading.speed, true)
    view.setFloat64(at + 40, reading.heading, true)
    view.setFloat64(at + 48, reading.pressure, true)
    view.setFloat64(at + 56, reading.temperature, true)
    return at + 64
  },
  decode: (view, _bytes, cursor) => {
    const at = cursor.at
    cursor.at = at + 64
    return {
      ts: view.getFloat64(at, true),
      x: view.getFloat64(at + 8, true),
      y: view.getFloat64(at + 16, true),
      z: view.getFloat64(at + 24, true),
      speed: view.getFloat64(at + 32, true),
      heading: view.getFloat64(at + 40, true),
      pressure: view.getFloat64(at + 48, true),
      temperature: view.getFloat64(at + 56, true),
    }
  },
}
