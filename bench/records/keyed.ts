/** Records of the keyed exchange: a bid on one of 10,000 auctions, with a short string that repeats. */
import { Buffer } from 'node:buffer'
import type { NativeBuffer } from './native-buffer.js'
import { xorshift } from './random.js'
import type { RecordKind } from './record-kind.js'

export interface ChannelBid {
  auction: number
  bidder: number
  price: number
  ts: number
  channel: string
}

const KEYS = 10_000
const RECORDS = 1 << 14
const MASK = RECORDS - 1
const CHANNELS = ['Google', 'Facebook', 'Baidu', 'Apple', 'channel-123'].map((name) => Buffer.from(name).toString('latin1'))
const random = xorshift(3)
const auctions = new Int32Array(RECORDS).map(() => 1000 + (random() % KEYS))
const bidders = new Int32Array(RECORDS).map(() => random() >>> 8)
const prices = new Float64Array(RECORDS).map(() => (random() % 100_000) * 0.01)
const channels = new Uint8Array(RECORDS).map(() => random() % CHANNELS.length)
const FIRST_TS = 1.6e12

/** Up to this length a loop over the characters beats the native call. */
const LOOP_MAX = 12

export const channelBid: RecordKind<ChannelBid> = {
  title: '5 fields, one a short string',
  make: (index) => {
    const at = index & MASK
    return {
      auction: auctions[at] as number,
      bidder: bidders[at] as number,
      price: prices[at] as number,
      ts: FIRST_TS + index,
      channel: CHANNELS[channels[at] as number] as string,
    }
  },
  measure: (bid) => bid.price,
  bytesMax: 28 + LOOP_MAX,
  encode: (bid, view, bytes, at) => {
    view.setInt32(at, bid.auction, true)
    view.setInt32(at + 4, bid.bidder, true)
    view.setFloat64(at + 8, bid.price, true)
    view.setFloat64(at + 16, bid.ts, true)
    const text = bid.channel
    const length = text.length
    view.setInt32(at + 24, length, true)
    for (let k = 0; k < length; k++) bytes[at + 28 + k] = text.charCodeAt(k)
    return at + 28 + length
  },
  decode: (view, bytes, cursor) => {
    const at = cursor.at
    const end = at + 28 + view.getInt32(at + 24, true)
    cursor.at = end
    return {
      auction: view.getInt32(at, true),
      bidder: view.getInt32(at + 4, true),
      price: view.getFloat64(at + 8, true),
      ts: view.getFloat64(at + 16, true),
      channel: (bytes as NativeBuffer).latin1Slice(at + 28, end),
    }
  },
}
