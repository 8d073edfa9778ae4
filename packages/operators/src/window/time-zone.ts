/**
 * Windows of whole days as the clocks of a time zone count them. Where clocks change a day has 23 or 25 hours, or 23.5; a day begins at
 * the first instant at which its clock shows midnight (plus the offset) or later. Boundaries come from `Intl` once each and are kept, so a
 * record costs a comparison. Bounded: a few thousand boundaries.
 */
import { SluiceError } from '@sluice/engine'

const DAY_MS = 86_400_000
const BOUNDARIES_MAX = 4_096

export function checkTimeZone(timeZone: string, what: string): void {
  try {
    clockOf(timeZone)
  } catch (cause) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `${what} is ${JSON.stringify(timeZone)}, which is no time zone`, {
      hint: "Give an IANA name such as 'Europe/Berlin' or 'UTC'.",
      cause,
    })
  }
}

/** Boundaries number k, k + 1, ... of windows of whole days. */
export class ZonedDays {
  readonly #clock: Intl.DateTimeFormat
  readonly #sizeMs: number
  readonly #offsetMs: number
  readonly #boundaries = new Map<number, number>()
  /** What the clock was ahead of UTC by where it was read last: a guess to begin with. */
  #aheadMs = 0

  constructor(timeZone: string, sizeMs: number, offsetMs: number) {
    this.#clock = clockOf(timeZone)
    this.#sizeMs = sizeMs
    this.#offsetMs = offsetMs
  }

  /** The number of the window that an instant lies in. */
  indexOf(timestamp: number): number {
    let index = Math.floor((timestamp + this.#aheadMs - this.#offsetMs) / this.#sizeMs)
    while (timestamp < this.startOf(index)) index--
    while (timestamp >= this.startOf(index + 1)) index++
    return index
  }

  /** The first instant of a window. */
  startOf(index: number): number {
    let start = this.#boundaries.get(index)
    if (start === undefined) {
      start = this.#find(index * this.#sizeMs + this.#offsetMs)
      if (this.#boundaries.size >= BOUNDARIES_MAX) this.#boundaries.clear()
      this.#boundaries.set(index, start)
    }
    return start
  }

  /** The first instant at which the clock shows `wall` (as if it were UTC) or more. Clocks change once in two days at most. */
  #find(wall: number): number {
    const before = this.#ahead(wall - DAY_MS)
    const after = this.#ahead(wall + DAY_MS)
    this.#aheadMs = after
    if (before === after) return wall - before
    let low = wall - DAY_MS
    let high = wall + DAY_MS
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (this.#ahead(middle) === before) low = middle
      else high = middle
    }
    if (wall - before < high) return wall - before
    return Math.max(wall - after, high)
  }

  /** What the clock is ahead of UTC by, in ms. */
  #ahead(instant: number): number {
    const shown: Record<string, number> = {}
    let beforeChrist = false
    for (const { type, value } of this.#clock.formatToParts(instant)) {
      if (type === 'era') beforeChrist = value.startsWith('B')
      else if (type !== 'literal') shown[type] = Number(value)
    }
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown
    const wall = new Date(0)
    wall.setUTCFullYear(beforeChrist ? 1 - year : year, month - 1, day)
    wall.setUTCHours(hour, minute, second)
    return wall.getTime() - Math.floor(instant / 1_000) * 1_000
  }
}

function clockOf(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
}
