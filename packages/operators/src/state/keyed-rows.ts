/**
 * Where a subtask stands in its keyed state: the table of its operator, the row of the key at hand, and what time it is there. Handlers see
 * the row through handles; between them no row is open, which is how use outside of a handler is found.
 *
 * Invariants: a row is kept as long as one of its states holds something or one of its timers waits; `slot` is -1 where no row is open.
 */
import { type KeyTable, type NumberColumn, SluiceError } from '@sluice/engine'
import type { TimeToLive } from './time-to-live.js'

/** One declared state of every row. */
export interface StateCells {
  /** The row is new: nothing is kept. */
  resetAt(slot: number): void
  isEmptyAt(slot: number): boolean
  /** After a restore: the row was written with a ttl where there is none now, or the other way round. What it holds counts as touched now. */
  adoptAt(slot: number, hadTtl: boolean): void
  /** After a restore: the row was written under another schema, or under one that cannot be compared; fails where it does not fit. Absent: there is none. */
  readonly fitAt?: ((slot: number) => void) | undefined
  /** Gives up what has expired, a bounded part of it at a time; true where something was. Absent: nothing expires. */
  readonly sweepAt?: ((slot: number) => boolean) | undefined
}

/** How far time has come where state is concerned; state of a subtask. */
export interface StateTimes {
  readonly eventNow: number
  readonly timestamp: number
  readonly now: number
}

/** Rows looked at for every record: two, so that the sweep is ahead of a table that grows by one. */
const ROWS_PER_SWEEP = 2

export class KeyedRows {
  readonly table: KeyTable
  readonly operator: string
  /** The row of the key at hand. */
  slot = -1
  /** Something was given up, or the row was made: it may hold nothing. */
  doubtful = false
  /** Event time as far as state is concerned: the watermark, but not beyond the timer that fires. */
  eventNow: number = Number.NEGATIVE_INFINITY
  /** Timestamp of the record or timer at hand. */
  timestamp: number = Number.NaN
  readonly #clock: { now(): number }
  readonly #timers: NumberColumn | undefined
  #cells: readonly StateCells[] = []
  #swept: readonly StateCells[] = []
  #nextSwept = 0
  /** NaN: not asked since the handler began. */
  #nowMs: number = Number.NaN
  #lastNowMs: number = Number.NEGATIVE_INFINITY

  /** @param timers how many timers of a row wait, where there are any */
  constructor(table: KeyTable, operator: string, clock: { now(): number }, timers: NumberColumn | undefined) {
    this.table = table
    this.operator = operator
    this.#clock = clock
    this.#timers = timers
  }

  /** What rows consist of, once it is made. */
  hold(cells: readonly StateCells[]): void {
    this.#cells = cells
    this.#swept = cells.filter((each) => each.sweepAt !== undefined)
  }

  /** Opens the row of a key, which is made where there is none. */
  open(key: unknown, timestamp: number): void {
    const { table } = this
    const slot = table.slotOf(key)
    this.slot = slot
    this.timestamp = timestamp
    this.#nowMs = Number.NaN
    if (!table.created) return
    this.doubtful = true
    if (this.#timers !== undefined) this.#timers.values[slot] = 0
    for (const cells of this.#cells) cells.resetAt(slot)
  }

  /** Opens a row that is there, for a timer, or for a handler that goes on. */
  reopen(slot: number, timestamp: number = this.timestamp): void {
    this.slot = slot
    this.timestamp = timestamp
    this.#nowMs = Number.NaN
    this.table.touch(slot)
  }

  /** The handler has ended: what holds nothing is given up. */
  close(): void {
    const { slot } = this
    this.slot = -1
    if (!this.doubtful) return
    this.doubtful = false
    this.tidy(slot)
  }

  /** No row is open: a few rows are asked for what has expired. */
  sweep(): void {
    if (this.#swept.length === 0) return
    const { table } = this
    this.#nowMs = Number.NaN
    for (let count = 0; count < ROWS_PER_SWEEP; count++) {
      if (this.#nextSwept >= table.end) this.#nextSwept = 0
      const slot = this.#nextSwept++
      if (!table.has(slot)) continue
      table.touch(slot)
      let expired = false
      for (const cells of this.#swept) if (cells.sweepAt?.(slot) === true) expired = true
      if (expired) this.tidy(slot)
    }
  }

  /** One timer more or less of the open row. */
  countTimer(by: number): void {
    const timers = (this.#timers as NumberColumn).values
    timers[this.slot] = (timers[this.slot] as number) + by
    if (by < 0) this.doubtful = true
  }

  /** What time it is for a state; it does not change while a handler runs. */
  nowFor({ byEvent }: TimeToLive): number {
    return byEvent ? this.eventNow : this.#processingNow()
  }

  /** Until when a state lives that is touched now. */
  expiryFor({ afterMs, byEvent }: TimeToLive): number {
    if (!byEvent) return this.#processingNow() + afterMs
    return (this.timestamp > this.eventNow ? this.timestamp : this.eventNow) + afterMs
  }

  snapshot(): StateTimes {
    return { eventNow: this.eventNow, timestamp: this.timestamp, now: this.#lastNowMs }
  }

  /** Of several subtasks event time is that of the one that is behind; the clock stands still until it is where it was. */
  restore(times: readonly StateTimes[]): void {
    if (times.length > 0) this.eventNow = Math.min(...times.map(({ eventNow }) => eventNow))
    for (const { timestamp, now } of times) {
      if (!(timestamp <= this.timestamp)) this.timestamp = timestamp
      if (now > this.#lastNowMs) this.#lastNowMs = now
    }
  }

  /** Fails: no row is open. */
  refuse(what: string): never {
    throw new SluiceError('SLUICE_STATE_NO_KEY', `${what} of ${this.operator} is used where there is no key`, { operator: this.operator })
  }

  /** A clock that is set back stands still: what has expired stays expired. */
  #processingNow(): number {
    if (this.#nowMs !== this.#nowMs) {
      const now = this.#clock.now()
      if (now > this.#lastNowMs) this.#lastNowMs = now
      this.#nowMs = this.#lastNowMs
    }
    return this.#nowMs
  }

  /** Gives up a row that holds nothing. */
  tidy(slot: number): void {
    if (this.#timers !== undefined && this.#timers.values[slot] !== 0) return
    for (const cells of this.#cells) if (!cells.isEmptyAt(slot)) return
    this.table.remove(slot)
  }
}
