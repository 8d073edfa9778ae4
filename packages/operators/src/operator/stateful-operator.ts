/**
 * Handlers with keyed state and timers as an operator: `process` on a keyed stream, `coProcess`, and `connectBroadcast` on a keyed stream.
 * For every record one key, one row, one handler, and what it gave is expanded; timers go the same way.
 *
 * Invariants: a handler, with all that it yields, has ended before the next one is called; a timer in the past fires behind the handler that
 * set it, before the next record; the watermark has passed no timer that is still waiting when a record comes.
 */
import type { Operator, OperatorContext, RestoredOperator } from '@sluice/engine'
import { SluiceError, TimerQueue } from '@sluice/engine'
import type { AnyFunction } from '../job/graph-draft.js'
import type { BroadcastMap, WriteGate } from '../state/broadcast-map.js'
import type { KeyedRows, StateCells, StateTimes } from '../state/keyed-rows.js'
import { createRows, type StateLayout } from '../state/state-layout.js'
import type { Timer } from '../state/state-types.js'
import { adaptRows, type StoredStates, storedStatesOf } from '../state/stored-states.js'
import { TimerHandle, type TimerOwner } from '../state/timer-handle.js'
import { type BroadcastState, createBroadcast, dumpBroadcast, loadBroadcast } from './broadcast-state.js'
import type { LooseStatefulHandlers } from './loose-handlers.js'
import { SubtaskBroadcastContext, SubtaskStatefulContext } from './stateful-context.js'
import { type HandlerScope, SuspendedHandler } from './suspended-handler.js'

type KeyOf = (record: never) => unknown

/** Timers that may be set by others without time going on, or of event time after the end of the input: in all or for every key, whichever is more. */
const TIMERS_ENDLESS_MAX = 1_000_000
const TIMERS_ENDLESS_PER_KEY_MAX = 100

/** What runs for a record of each input. */
export type Inputs = 'one' | 'two' | 'broadcast'

export interface StatefulParts {
  readonly handlers: LooseStatefulHandlers
  readonly inputs: Inputs
  /** By input. */
  readonly keyOf: readonly AnyFunction[]
  readonly layout: StateLayout
  /** Names of broadcast state. */
  readonly broadcast: readonly string[]
  readonly timed: boolean
}

export class StatefulOperator implements Operator, TimerOwner, HandlerScope {
  readonly keyGroups: number
  readonly hasTimers: boolean
  readonly timed: boolean
  readonly #context: OperatorContext
  readonly #handlers: LooseStatefulHandlers
  readonly #inputs: Inputs
  readonly #leftKeyOf: KeyOf
  readonly #rightKeyOf: KeyOf
  readonly #rows: KeyedRows
  readonly #layout: StateLayout
  readonly #cells: readonly StateCells[]
  readonly #broadcastMaps: Readonly<Record<string, BroadcastMap>>
  #stored: StoredStates | undefined
  readonly #eventTimers: TimerQueue
  readonly #processingTimers: TimerQueue
  readonly #view: SubtaskStatefulContext
  readonly #broadcastView: SubtaskBroadcastContext
  readonly #gate: WriteGate = { open: false }
  readonly #suspended: SuspendedHandler
  /** Of the handler that is suspended. */
  #slot = -1
  #ofBroadcast = false
  #watermark: number = Number.NEGATIVE_INFINITY
  /** Timers of processing time up to this are due. */
  #processingUntil: number = Number.NEGATIVE_INFINITY
  /** The deadline asked for; Infinity: none. */
  #deadline: number = Number.POSITIVE_INFINITY
  /** A handler set a timer that is due. */
  #pastSet = false
  /** Whoever called goes on with what is due when the handler has ended. */
  #firing = false
  /** Timers of event time that were set after the end of the input. */
  #setAtEnd = 0
  /** Timers that were set by a timer of their kind for its own time or before, since a record came or time went on. */
  #setInPlace = 0
  /** Kind of the timer whose handler is under way. */
  #firedKind: Timer['kind'] | undefined

  constructor(context: OperatorContext, { handlers, inputs, keyOf, layout, broadcast, timed }: StatefulParts) {
    this.keyGroups = context.keyGroups
    this.hasTimers = handlers.onTimer !== undefined
    this.timed = timed
    this.#context = context
    this.#handlers = handlers
    this.#inputs = inputs
    this.#leftKeyOf = keyOf[0] as KeyOf
    this.#rightKeyOf = (keyOf[1] as KeyOf | undefined) ?? this.#leftKeyOf
    const table = context.keyTable('state', layout.columns, layout.names)
    const { rows, handles, cells } = createRows(layout, table, context.operator, context)
    this.#rows = rows
    this.#layout = layout
    this.#cells = cells
    this.#eventTimers = context.registerState('eventTimers', new TimerQueue(rows.table))
    this.#processingTimers = context.registerState('processingTimers', new TimerQueue(rows.table))
    const timers = {
      eventTime: new TimerHandle('eventTime', this.#eventTimers, rows, this),
      processingTime: new TimerHandle('processingTime', this.#processingTimers, rows, this),
    }
    const maps = createBroadcast(context, broadcast, this.#gate)
    this.#broadcastMaps = maps
    this.#view = new SubtaskStatefulContext(context, handles, timers, maps)
    this.#broadcastView = new SubtaskBroadcastContext(context, maps)
    this.#suspended = new SuspendedHandler(this)
  }

  open(): void {
    this.#handlers.onStart?.(this.#view)
  }

  process(value: unknown, timestamp: number, input: number): void {
    const handlers = this.#handlers
    this.#firing = false
    this.#firedKind = undefined
    if (input === 1 && this.#inputs === 'broadcast') {
      this.#broadcast(value, timestamp)
      return
    }
    const key = input === 0 ? this.#leftKeyOf(value as never) : this.#rightKeyOf(value as never)
    const rows = this.#rows
    rows.open(key, timestamp)
    const view = this.#view
    view.key = key
    view.moveTo(timestamp)
    let given: unknown
    if (this.#inputs !== 'two') given = handlers.onRecord?.(value, view)
    else if (input === 0) given = handlers.onLeft?.(value, view)
    else given = handlers.onRight?.(value, view)
    this.#take(given, timestamp)
  }

  onWatermark(watermark: number): void {
    this.#watermark = watermark
    this.#view.pass(watermark)
    // No time will pass any more: what waits for the clock is due, but not what is set by it from now on.
    if (watermark === Number.POSITIVE_INFINITY) this.#processingUntil = watermark
  }

  onDeadline(nowMs: number): void {
    this.#deadline = Number.POSITIVE_INFINITY
    if (nowMs > this.#processingUntil) this.#processingUntil = nowMs
  }

  fire(): boolean {
    this.#firing = true
    if (this.#fireNext()) return true
    this.#pastSet = false
    this.#setInPlace = 0
    if (this.#watermark < Number.POSITIVE_INFINITY) this.#rows.eventNow = this.#watermark
    const next = this.#processingTimers.dueAt
    if (next < this.#deadline) this.#setDeadline(next)
    return false
  }

  onEnd(): void {
    if (this.#handlers.onEnd === undefined) return
    const view = this.#view
    view.moveTo(Number.NaN)
    view.key = undefined
    const given = this.#handlers.onEnd(view)
    if (given !== undefined && given !== null) this.#context.expand(given as Iterable<unknown>, view.endTime)
  }

  snapshot(): StatefulState {
    this.#stored ??= storedStatesOf(this.#layout)
    return {
      states: this.#stored,
      times: this.#rows.snapshot(),
      processingUntil: this.#processingUntil,
      reached: Math.max(this.#view.reached, this.#broadcastView.reached),
      broadcast: dumpBroadcast(this.#context, this.#broadcastMaps),
    }
  }

  restore({ watermark, states }: RestoredOperator): void {
    const written = states as readonly StatefulState[]
    this.#watermark = watermark
    this.#rows.restore(written.map(({ times }) => times))
    for (const { reached, processingUntil } of written) {
      this.#view.reach(reached)
      if (processingUntil < Number.POSITIVE_INFINITY && processingUntil > this.#processingUntil) this.#processingUntil = processingUntil
    }
    if (watermark === Number.POSITIVE_INFINITY) this.#processingUntil = watermark
    loadBroadcast(
      this.#broadcastMaps,
      written.map(({ broadcast }) => broadcast),
    )
    if (!this.hasTimers) {
      this.#eventTimers.clear()
      this.#processingTimers.clear()
    }
    const [first] = written
    if (first !== undefined) adaptRows(this.#rows, this.#layout, this.#cells, first.states)
  }

  close(): void {
    this.#rows.table.clear()
    this.#eventTimers.clear()
    this.#processingTimers.clear()
  }

  wake(kind: Timer['kind'], time: number): void {
    if (this.#firedKind === kind && time <= (kind === 'eventTime' ? this.#eventTimers : this.#processingTimers).time) {
      this.#assertEnds(++this.#setInPlace, 'timers whose time is not behind that of the timer that sets them')
    }
    if (kind === 'eventTime') {
      if (time <= this.#watermark) this.#pastSet = true
      if (this.#watermark === Number.POSITIVE_INFINITY) {
        this.#assertEnds(++this.#setAtEnd, 'timers of event time since its input has ended')
      }
    } else if (time <= this.#processingUntil) {
      this.#pastSet = true
      if (this.#processingUntil === Number.POSITIVE_INFINITY && this.#firedKind === kind) this.#view.timers.processingTime.cancel(time)
    } else {
      const now = this.#context.now()
      if (time <= now) {
        this.#processingUntil = now
        this.#pastSet = true
      } else if (time < this.#deadline) this.#setDeadline(time)
    }
  }

  resume(): void {
    if (this.#ofBroadcast) this.#gate.open = true
    else this.#rows.reopen(this.#slot)
  }

  suspend(): void {
    this.#gate.open = false
    this.#rows.slot = -1
  }

  end(): void {
    if (this.#ofBroadcast) {
      this.#gate.open = false
      this.#ofBroadcast = false
      return
    }
    this.#rows.close()
    if (this.#pastSet && !this.#firing) this.#firePast()
    if (!this.#suspended.active) this.#rows.sweep()
  }

  #broadcast(value: unknown, timestamp: number): void {
    const view = this.#broadcastView
    view.moveTo(timestamp)
    this.#gate.open = true
    this.#ofBroadcast = true
    this.#take(this.#handlers.onBroadcast?.(value, view), timestamp)
  }

  /** What a handler gave flows on; the handler has ended, or goes on whenever a record is pulled. */
  #take(given: unknown, timestamp: number): void {
    if (given === undefined || given === null) this.end()
    else if (Array.isArray(given)) {
      if (given.length > 0) this.#context.expand(given, timestamp)
      this.end()
    } else if (typeof (given as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function') {
      this.#slot = this.#rows.slot
      this.suspend()
      this.#context.expand(this.#suspended.begin(given as Iterable<unknown>), timestamp)
    } else {
      // It says what is wrong with it.
      this.#context.expand(given as Iterable<unknown>, timestamp)
    }
  }

  /** Timers that were set behind their time, each behind what the one before it gave. */
  #firePast(): void {
    this.#firing = true
    while (!this.#suspended.active && this.#pastSet) this.#pastSet = this.#fireNext()
    this.#firing = false
    if (!this.#suspended.active) this.#setInPlace = 0
  }

  #fireNext(): boolean {
    if (this.#eventTimers.take(this.#watermark)) this.#fireTimer(this.#eventTimers, 'eventTime')
    else if (this.#processingTimers.take(this.#processingUntil)) this.#fireTimer(this.#processingTimers, 'processingTime')
    else return false
    return true
  }

  #fireTimer({ time, slot }: TimerQueue, kind: Timer['kind']): void {
    const rows = this.#rows
    const view = this.#view
    if (kind === 'eventTime') {
      if (time > rows.eventNow) rows.eventNow = time
      rows.reopen(slot, time)
      view.moveTo(time)
    } else {
      // The clock says nothing about event time: that is where the last record left it.
      rows.reopen(slot)
      view.timestamp = time
    }
    rows.countTimer(-1)
    view.key = rows.table.keyAt(slot)
    this.#firedKind = kind
    this.#take(this.#handlers.onTimer?.({ time, kind } satisfies Timer, view), time)
  }

  /** Timers that end are few for every key: those that go on and on would keep the job from going on. */
  #assertEnds(count: number, what: string): void {
    if (count <= TIMERS_ENDLESS_MAX || count <= TIMERS_ENDLESS_PER_KEY_MAX * this.#rows.table.size) return
    const { operator } = this.#context
    throw new SluiceError('SLUICE_TIMERS_ENDLESS', `${operator} has set ${count - 1} ${what}`, { operator })
  }

  #setDeadline(time: number): void {
    this.#deadline = time
    this.#context.setDeadline(time)
  }
}

/** State of a subtask, beside rows and timers. */
interface StatefulState {
  readonly states: StoredStates
  readonly times: StateTimes
  readonly processingUntil: number
  /** How far event time has come. */
  readonly reached: number
  readonly broadcast: BroadcastState
}
