/** Where time is cut: spans side by side. Asked when a record falls out of the span of the one before it, not for every record. */
import { ZonedDays } from './time-zone.js'
import type { WindowDefinition } from './window-types.js'

export interface TimeGrid {
  /** Where the span begins that an instant lies in. */
  startOf(timestamp: number): number
  /** Where the span ends that begins at `start`. */
  endOf(start: number): number
}

/** Spans of one length, counted from the epoch plus an offset. */
export class FixedGrid implements TimeGrid {
  readonly #sizeMs: number
  readonly #offsetMs: number

  constructor(sizeMs: number, offsetMs: number) {
    this.#sizeMs = sizeMs
    this.#offsetMs = offsetMs
  }

  startOf(timestamp: number): number {
    return Math.floor((timestamp - this.#offsetMs) / this.#sizeMs) * this.#sizeMs + this.#offsetMs
  }

  endOf(start: number): number {
    return start + this.#sizeMs
  }
}

/** Spans of whole days of a time zone. */
export class ZonedGrid implements TimeGrid {
  readonly #days: ZonedDays

  constructor(timeZone: string, sizeMs: number, offsetMs: number) {
    this.#days = new ZonedDays(timeZone, sizeMs, offsetMs)
  }

  startOf(timestamp: number): number {
    return this.#days.startOf(this.#days.indexOf(timestamp))
  }

  endOf(start: number): number {
    return this.#days.startOf(this.#days.indexOf(start) + 1)
  }
}

export function gridOf(definition: Extract<WindowDefinition, { readonly kind: 'tumbling' }>): TimeGrid {
  const { sizeMs, offsetMs, timeZone } = definition
  return timeZone === undefined ? new FixedGrid(sizeMs, offsetMs) : new ZonedGrid(timeZone, sizeMs, offsetMs)
}
