/** Timers of the key at hand, in one kind of time, as handlers get them. */
import { hashKey, keyGroupOf, SluiceError, type TimerQueue } from '@sluice/engine'
import type { KeyedRows } from './keyed-rows.js'
import type { Timer, Timers } from './state-types.js'

/** What becomes of timers. */
export interface TimerOwner {
  readonly keyGroups: number
  /** Whether the operator can handle timers at all, and those of event time. */
  readonly hasTimers: boolean
  readonly timed: boolean
  /** A timer was set. */
  wake(kind: Timer['kind'], time: number): void
}

export class TimerHandle implements Timers {
  readonly #kind: Timer['kind']
  readonly #queue: TimerQueue
  readonly #rows: KeyedRows
  readonly #owner: TimerOwner

  constructor(kind: Timer['kind'], queue: TimerQueue, rows: KeyedRows, owner: TimerOwner) {
    this.#kind = kind
    this.#queue = queue
    this.#rows = rows
    this.#owner = owner
  }

  set(time: number): void {
    const rows = this.#rows
    const { slot } = rows
    if (slot < 0) rows.refuse('a timer')
    if (typeof time !== 'number' || time - time !== 0) throw this.#invalid(time)
    const owner = this.#owner
    if (!owner.hasTimers || (this.#kind === 'eventTime' && !owner.timed)) throw this.#refused()
    const group = keyGroupOf(hashKey(rows.table.keyAt(slot)), owner.keyGroups)
    if (!this.#queue.set(time, group, slot)) return
    rows.countTimer(1)
    owner.wake(this.#kind, time)
  }

  cancel(time: number): void {
    const rows = this.#rows
    if (rows.slot < 0) rows.refuse('a timer')
    if (this.#queue.cancel(time, rows.slot)) rows.countTimer(-1)
  }

  #invalid(time: unknown): SluiceError {
    const { operator } = this.#rows
    const shown =
      typeof time === 'number' ? String(time) : time instanceof Date ? 'a Date' : `of type ${time === null ? 'null' : typeof time}`
    return new SluiceError('SLUICE_TIMER_INVALID', `the time of a timer of ${operator} is ${shown}, which is not a number of ms`, {
      operator,
    })
  }

  #refused(): SluiceError {
    const { operator } = this.#rows
    if (!this.#owner.hasTimers) {
      const hint = 'Give the operator an onTimer, which is called when the time has come.'
      return new SluiceError('SLUICE_TIMER_INVALID', `${operator} sets a timer, and has no onTimer`, { operator, hint })
    }
    return new SluiceError('SLUICE_TIMESTAMPS_MISSING', `${operator} sets a timer of event time, and its records have no timestamps`, {
      operator,
    })
  }
}
