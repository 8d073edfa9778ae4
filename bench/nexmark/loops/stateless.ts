/** Loops that keep nothing: queries 0, 1, 2, 13, 14, 21, 22. */
import { SIDE_ROWS, sideTable } from '../events/side-table.js'
import type { ResultRows } from '../queries/result-rows.js'
import type { Loop } from './loop-input.js'

const EURO_PER_THOUSAND_DOLLARS = 908

export const q0: Loop<ResultRows['q0']> = (input, emit) => {
  input.on('bids', ['auction', 'bidder', 'price', 'dateTime', 'extra'], emit)
}

export const q1: Loop<ResultRows['q1']> = (input, emit) => {
  input.on('bids', ['auction', 'bidder', 'price', 'dateTime', 'extra'], ({ auction, bidder, price, dateTime, extra }) =>
    emit({ auction, bidder, price: EURO_PER_THOUSAND_DOLLARS * price, dateTime, extra }),
  )
}

export const q2: Loop<ResultRows['q2']> = (input, emit) => {
  input.on('bids', ['auction', 'price'], (bid) => {
    if (bid.auction % 123 === 0) emit(bid)
  })
}

export const q13: Loop<ResultRows['q13']> = (input, emit) => {
  const values = new Map(sideTable().map(({ key, value }) => [key, value]))
  input.on('bids', ['auction', 'bidder', 'price', 'dateTime'], ({ auction, bidder, price, dateTime }) => {
    const value = values.get(auction % SIDE_ROWS)
    if (value !== undefined) emit({ auction, bidder, price, dateTime, value })
  })
}

const HOUR_MS = 3_600_000

export const q14: Loop<ResultRows['q14']> = (input, emit) => {
  input.on('bids', ['auction', 'bidder', 'price', 'dateTime', 'extra'], ({ auction, bidder, price, dateTime, extra }) => {
    const converted = EURO_PER_THOUSAND_DOLLARS * price
    if (converted <= 1_000_000_000 || converted >= 50_000_000_000) return
    const hour = Math.floor(dateTime / HOUR_MS) % 24
    const timeType = hour >= 8 && hour <= 18 ? 'dayTime' : hour <= 6 || hour >= 20 ? 'nightTime' : 'otherTime'
    let letters = 0
    for (let at = extra.indexOf('c'); at >= 0; at = extra.indexOf('c', at + 1)) letters++
    emit({ auction, bidder, price: converted, timeType, dateTime, extra, letters })
  })
}

const PARAMETER = 'channel_id='

function channelIdOf(channel: string, url: string): string | undefined {
  switch (channel) {
    case 'Google':
      return '0'
    case 'Facebook':
      return '1'
    case 'Baidu':
      return '2'
    case 'Apple':
      return '3'
  }
  const at = url.indexOf(PARAMETER)
  if (at < 0) return undefined
  const end = url.indexOf('&', at)
  return url.substring(at + PARAMETER.length, end < 0 ? url.length : end)
}

export const q21: Loop<ResultRows['q21']> = (input, emit) => {
  input.on('bids', ['auction', 'bidder', 'price', 'channel', 'url'], ({ auction, bidder, price, channel, url }) => {
    const channelId = channelIdOf(channel, url)
    if (channelId !== undefined) emit({ auction, bidder, price, channel, channelId })
  })
}

/** Behind `https://`. */
const HOST_AT = 8

export const q22: Loop<ResultRows['q22']> = (input, emit) => {
  input.on('bids', ['auction', 'bidder', 'price', 'channel', 'url'], ({ auction, bidder, price, channel, url }) => {
    const first = url.indexOf('/', HOST_AT) + 1
    const second = url.indexOf('/', first) + 1
    const third = url.indexOf('/', second) + 1
    const dir1 = url.substring(first, second - 1)
    const dir2 = url.substring(second, third - 1)
    const dir3 = url.substring(third, url.indexOf('/', third))
    emit({ auction, bidder, price, channel, dir1, dir2, dir3 })
  })
}
