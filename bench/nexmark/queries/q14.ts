/** Query 14, calculation: bids in a range of prices in euro, with the time of day they were made at and how often `extra` has the letter c. */
import { defineJob } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'append' }

const EURO_PER_THOUSAND_DOLLARS = 908
/** In thousandths of a cent, exclusive. */
const PRICE_MIN = 1_000_000 * 1000
const PRICE_MAX = 50_000_000 * 1000
const HOUR_MS = 3_600_000

function timeTypeOf(dateTime: number): 'dayTime' | 'nightTime' | 'otherTime' {
  const hour = Math.floor(dateTime / HOUR_MS) % 24
  if (hour >= 8 && hour <= 18) return 'dayTime'
  return hour <= 6 || hour >= 20 ? 'nightTime' : 'otherTime'
}

function countLetter(text: string, letter: string): number {
  let count = 0
  for (let at = text.indexOf(letter); at >= 0; at = text.indexOf(letter, at + 1)) count++
  return count
}

export default defineJob({ name: 'nexmark-q14', params: queryParams }, (job, params) => {
  const calculated = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'dateTime', 'extra'])
    .map(({ auction, bidder, price, dateTime, extra }) => ({
      auction,
      bidder,
      price: EURO_PER_THOUSAND_DOLLARS * price,
      dateTime,
      extra,
    }))
    .filter(({ price }) => price > PRICE_MIN && price < PRICE_MAX)
    .map(({ auction, bidder, price, dateTime, extra }) => ({
      auction,
      bidder,
      price,
      timeType: timeTypeOf(dateTime),
      dateTime,
      extra,
      letters: countLetter(extra, 'c'),
    }))
  return results(job, params, calculated)
})
