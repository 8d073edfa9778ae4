/** Records with text: five fields with a string of 49 characters, and sixteen fields of about 1 KB. The strings differ, so that no cache of them helps. */
import { Buffer } from 'node:buffer'
import type { NativeBuffer } from './native-buffer.js'
import { makeBid } from './numbers.js'
import { xorshift } from './random.js'
import { type RecordKind, TABLE_MASK, TABLE_RECORDS } from './record-kind.js'

const random = xorshift(11)
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Strings as they come out of a decoder: flat, one byte per character. */
function decodedStrings(count: number, make: () => string): string[] {
  return Array.from({ length: count }, () => Buffer.from(make(), 'latin1').toString('latin1'))
}

function letters(length: number): string {
  let text = ''
  while (text.length < length) text += LETTERS[random() % LETTERS.length] as string
  return text
}

const urls = decodedStrings(TABLE_RECORDS, () => `https://www.nexmark.com/${letters(4)}/${letters(4)}/item.htm?q=${letters(4)}`)

export interface PageBid {
  auction: number
  bidder: number
  price: number
  ts: number
  url: string
}

function writeText(text: string, view: DataView, bytes: Buffer, at: number): number {
  const length = text.length
  view.setInt32(at, length, true)
  ;(bytes as NativeBuffer).latin1Write(text, at + 4, length)
  return at + 4 + length
}

export const text49: RecordKind<PageBid> = {
  title: '5 fields, one a string of 49 characters',
  make: (index) => {
    const bid = makeBid(index)
    return { auction: bid.auction, bidder: bid.bidder, price: bid.price, ts: bid.ts, url: urls[index & TABLE_MASK] as string }
  },
  measure: (bid) => bid.price + bid.url.length,
  bytesMax: 24 + 4 + 49,
  encode: (bid, view, bytes, at) => {
    view.setInt32(at, bid.auction, true)
    view.setInt32(at + 4, bid.bidder, true)
    view.setFloat64(at + 8, bid.price, true)
    view.setFloat64(at + 16, bid.ts, true)
    return writeText(bid.url, view, bytes, at + 24)
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
      url: (bytes as NativeBuffer).latin1Slice(at + 28, end),
    }
  },
}

export interface Page {
  auction: number
  bidder: number
  price: number
  ts: number
  url: string
  referrer: string
  title: string
  agent: string
  body: string
}

const SHARED_TEXTS = 512
const TEXT_MASK = SHARED_TEXTS - 1
const referrers = decodedStrings(SHARED_TEXTS, () => `https://${letters(110)}`)
const titles = decodedStrings(SHARED_TEXTS, () => letters(100))
const agents = decodedStrings(SHARED_TEXTS, () => letters(140))
const bodies = decodedStrings(SHARED_TEXTS, () => letters(580))

export const page1k: RecordKind<Page> = {
  title: '9 fields, about 1 KB of text',
  make: (index) => {
    const bid = makeBid(index)
    const at = index & TEXT_MASK
    return {
      auction: bid.auction,
      bidder: bid.bidder,
      price: bid.price,
      ts: bid.ts,
      url: urls[index & TABLE_MASK] as string,
      referrer: referrers[at] as string,
      title: titles[at] as string,
      agent: agents[at] as string,
      body: bodies[at] as string,
    }
  },
  measure: (page) => page.price + page.body.length,
  bytesMax: 1100,
  encode: (page, view, bytes, at) => {
    view.setInt32(at, page.auction, true)
    view.setInt32(at + 4, page.bidder, true)
    view.setFloat64(at + 8, page.price, true)
    view.setFloat64(at + 16, page.ts, true)
    let end = writeText(page.url, view, bytes, at + 24)
    end = writeText(page.referrer, view, bytes, end)
    end = writeText(page.title, view, bytes, end)
    end = writeText(page.agent, view, bytes, end)
    return writeText(page.body, view, bytes, end)
  },
  decode: (view, bytes, cursor) => {
    const native = bytes as NativeBuffer
    const at = cursor.at
    const url = at + 28
    const urlEnd = url + view.getInt32(url - 4, true)
    const referrer = urlEnd + 4
    const referrerEnd = referrer + view.getInt32(urlEnd, true)
    const title = referrerEnd + 4
    const titleEnd = title + view.getInt32(referrerEnd, true)
    const agent = titleEnd + 4
    const agentEnd = agent + view.getInt32(titleEnd, true)
    const body = agentEnd + 4
    const end = body + view.getInt32(agentEnd, true)
    cursor.at = end
    return {
      auction: view.getInt32(at, true),
      bidder: view.getInt32(at + 4, true),
      price: view.getFloat64(at + 8, true),
      ts: view.getFloat64(at + 16, true),
      url: native.latin1Slice(url, urlEnd),
      referrer: native.latin1Slice(referrer, referrerEnd),
      title: native.latin1Slice(title, titleEnd),
      agent: native.latin1Slice(agent, agentEnd),
      body: native.latin1Slice(body, end),
    }
  },
}
