/** Prices in three ranks, and days and minutes in UTC: what queries 15 to 17 count by. */

interface Priced {
  readonly price: number
}

const CHEAP_BELOW = 10_000
const DEAR_FROM = 1_000_000

export const isCheap = ({ price }: Priced): boolean => price < CHEAP_BELOW
export const isMiddling = ({ price }: Priced): boolean => price >= CHEAP_BELOW && price < DEAR_FROM
export const isDear = ({ price }: Priced): boolean => price >= DEAR_FROM

const DAY_MS = 86_400_000
let lastDay = Number.NaN
let lastDayText = ''

/** As `2015-07-15`. Days come in runs, so the text is made once for each run. */
export function dayOf(time: number): string {
  const day = Math.floor(time / DAY_MS)
  if (day !== lastDay) {
    lastDay = day
    lastDayText = new Date(time).toISOString().slice(0, 10)
  }
  return lastDayText
}

const MINUTE_MS = 60_000
const MINUTES = Array.from({ length: DAY_MS / MINUTE_MS }, (_, minute) => new Date(minute * MINUTE_MS).toISOString().slice(11, 16))

/** As `13:37`. */
export function minuteOf(time: number): string {
  return MINUTES[Math.floor((time % DAY_MS) / MINUTE_MS)] as string
}
