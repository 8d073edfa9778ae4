/** What a trigger of a user's own sees: one object per subtask, set to a window of a key before each call. */
import { hashKey, keyGroupOf, type NumberColumn, type OperatorContext, SluiceError, TimerQueue, type WindowTables } from '@sluice/engine'
import type { Pane } from './open-panes.js'
import type { TimeWindow, TriggerContext } from './window-types.js'

const LATEST_TIME = 8.64e15

export class TriggerView implements TriggerContext {
  key: unknown = undefined
  window: TimeWindow
  count = 0
  timestamp: number = Number.NaN
  /** Functions of their own, not methods: handlers take their context apart. */
  readonly now: () => number
  readonly timers: TriggerContext['timers']
  readonly eventTimers: TimerQueue
  readonly processingTimers: TimerQueue
  /** The input has ended: what is set now would never come. */
  ended = false
  readonly #context: OperatorContext
  /** Of timers that wait, per row. */
  readonly #pending: number
  #pane: Pane | undefined
  #slot = 0

  /** @param pending the column that counts the timers of a row */
  constructor(context: OperatorContext, tables: WindowTables, window: TimeWindow, timed: boolean, pending: number) {
    this.window = window
    this.#context = context
    this.#pending = pending
    this.now = () => context.now()
    this.eventTimers = context.registerState('event-time timers', new TimerQueue(tables))
    this.processingTimers = context.registerState('processing-time timers', new TimerQueue(tables))
    this.timers = {
      eventTime: {
        set: (time) => {
          if (!timed) {
            throw new SluiceError(
              'SLUICE_TIMESTAMPS_MISSING',
              `the trigger of ${context.operator} sets a timer of event time, and its stream has no timestamps`,
            )
          }
          this.#set(this.eventTimers, time)
        },
        cancel: (time) => this.#cancel(this.eventTimers, time),
      },
      processingTime: {
        set: (time) => this.#set(this.processingTimers, time),
        cancel: (time) => this.#cancel(this.processingTimers, time),
      },
    }
  }

  get watermark(): number {
    return this.#context.watermark
  }

  show(pane: Pane, slot: number, window: TimeWindow, count: number, timestamp: number): void {
    this.#pane = pane
    this.#slot = slot
    this.key = pane.table.keyAt(slot)
    this.window = window
    this.count = count
    this.timestamp = timestamp
  }

  /** A timer of a row has come. */
  taken({ table }: Pane, slot: number): void {
    const pending = (table.columns[this.#pending] as NumberColumn).values
    table.touch(slot)
    pending[slot] = (pending[slot] as number) - 1
  }

  #set(timers: TimerQueue, time: number): void {
    if (this.ended) return
    if (typeof time !== 'number' || !(Math.abs(time) <= LATEST_TIME)) {
      throw new SluiceError('SLUICE_TIMER_INVALID', `the trigger of ${this.#context.operator} sets a timer for ${String(time)}`, {
        hint: 'Set timers for ms since the epoch; a global window has no end to set one for.',
      })
    }
    const { start, table } = this.#pane as Pane
    if (!timers.set(time, keyGroupOf(hashKey(this.key), this.#context.keyGroups), this.#slot, start)) return
    const pending = (table.columns[this.#pending] as NumberColumn).values
    table.touch(this.#slot)
    pending[this.#slot] = (pending[this.#slot] as number) + 1
  }

  #cancel(timers: TimerQueue, time: number): void {
    if (timers.cancel(time, this.#slot, (this.#pane as Pane).start)) this.taken(this.#pane as Pane, this.#slot)
  }
}
