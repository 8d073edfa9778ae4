/**
 * Windows that are kept each for itself, per key: those with a trigger other than the usual, global ones, and overlapping ones whose parts
 * cannot be merged. A record is added to every window that it belongs to. Runs per record.
 *
 * Rows hold beside their contents how many records are in, whether they came after the last result, the latest timestamp, and how many
 * timers of a trigger wait. Invariant: the first `fired` open windows have ended and are kept for late records.
 */
import type { NumberColumn, Operator, OperatorContext, RestoredOperator } from '@sluice/engine'
import { ownColumn } from '../aggregate/column-names.js'
import { ALWAYS, behind } from './count-operator.js'
import { OpenPanes, type Pane } from './open-panes.js'
import { gridOf, type TimeGrid } from './time-grid.js'
import { explainTimestamp } from './timed-operator.js'
import { TriggerView } from './trigger-view.js'
import type { WindowContents } from './window-contents.js'
import type { CheckedTrigger, WindowSettings } from './window-settings.js'
import type { TimeWindow, TriggerHandlers, TriggerResult } from './window-types.js'

const LATE_PORT = 1
const STEPS_PER_FIRING = 64
/** The namespace of the one window of a global window. */
const GLOBAL = 0

export class TriggeredOperator implements Operator {
  readonly #context: OperatorContext
  readonly #contents: WindowContents
  readonly #settings: WindowSettings
  readonly #trigger: CheckedTrigger
  readonly #handlers: TriggerHandlers | undefined
  readonly #view: TriggerView | undefined
  readonly #time: 'event' | 'processing' | 'none'
  readonly #grid: TimeGrid | undefined
  /** Of overlapping windows; 0: others. */
  readonly #slideMs: number
  readonly #sizeMs: number
  readonly #offsetMs: number
  readonly #latenessMs: number
  readonly #panes: OpenPanes
  /** Of the columns behind the contents: count, changed, latest, timers. */
  readonly #column: number
  /** How far the time of the windows has come. */
  #passed: number = Number.NEGATIVE_INFINITY
  #watermark: number = Number.NEGATIVE_INFINITY
  /** The last but that of the end. */
  #before: number = Number.NEGATIVE_INFINITY
  #now: number = Number.NEGATIVE_INFINITY
  #deadline: number = Number.POSITIVE_INFINITY
  #fired = 0
  /** Of the window that fires, or is given up. */
  #slot = 0
  /** Windows of keys that wait for early results, and when those are due. Derived. */
  #changed: Changed[] = []
  #earlyAt: number = Number.POSITIVE_INFINITY
  #early: { readonly changed: readonly Changed[]; next: number } | undefined

  constructor(context: OperatorContext, contents: WindowContents, settings: WindowSettings) {
    const { definition, trigger, latenessMs, timed } = settings
    this.#context = context
    this.#contents = contents
    this.#settings = settings
    this.#trigger = trigger
    this.#handlers = trigger.kind === 'custom' ? trigger.handlers : undefined
    this.#time = 'time' in definition ? definition.time : 'none'
    this.#grid = definition.kind === 'tumbling' ? gridOf(definition) : undefined
    this.#slideMs = definition.kind === 'sliding' ? definition.slideMs : 0
    this.#sizeMs = definition.kind === 'sliding' ? definition.sizeMs : 0
    this.#offsetMs = definition.kind === 'sliding' ? definition.offsetMs : 0
    this.#latenessMs = latenessMs
    this.#column = contents.columns.length
    const names = [...contents.names, ownColumn('count'), ownColumn('changed'), ownColumn('latest'), ownColumn('timers')]
    const tables = context.windowTables('windows', [...contents.columns, 'number', 'number', 'number', 'number'], names)
    this.#panes = new OpenPanes(tables)
    this.#view = this.#handlers === undefined ? undefined : new TriggerView(context, tables, ALWAYS, timed, this.#column + 3)
  }

  process(value: unknown, timestamp: number): void {
    let time = timestamp
    if (this.#time === 'processing') {
      this.#look()
      time = this.#now
    }
    if (this.#time === 'none') this.#add(this.#panes.open(GLOBAL, Number.POSITIVE_INFINITY), value, timestamp)
    else if (time !== time) throw explainTimestamp(time)
    else if (!this.#assign(value, time)) {
      this.#context.countLate(1)
      this.#context.emit(value, timestamp, LATE_PORT)
    }
    if (this.#view !== undefined) this.#takeTimers()
    if (this.#time === 'processing' || this.#trigger.kind === 'early' || this.#view !== undefined) this.#setDeadline()
  }

  onWatermark(watermark: number): void {
    this.#watermark = watermark
    if (watermark !== Number.POSITIVE_INFINITY) this.#before = watermark
    if (this.#time !== 'processing' || watermark === Number.POSITIVE_INFINITY) this.#passed = watermark
    if (watermark === Number.POSITIVE_INFINITY && this.#view !== undefined) this.#view.ended = true
  }

  onDeadline(nowMs: number): void {
    this.#deadline = Number.POSITIVE_INFINITY
    this.#look()
    if (nowMs > this.#now) this.#now = nowMs
    if (this.#time === 'processing') this.#passed = this.#now - 1
    if (this.#earlyAt <= this.#now) {
      this.#early = { changed: this.#changed, next: 0 }
      this.#changed = []
      this.#earlyAt = Number.POSITIVE_INFINITY
    }
  }

  snapshot(): TriggeredState {
    const last = this.#panes.list[this.#fired - 1]
    const next = this.#panes.list[this.#fired]
    const firing = next !== undefined && next.end - 1 <= this.#passed
    return {
      now: this.#now,
      passed: this.#passed,
      before: this.#before,
      fired: firing ? (last?.end ?? Number.NEGATIVE_INFINITY) - 1 : this.#passed,
      earlyAt: this.#early === undefined ? this.#earlyAt : Number.NEGATIVE_INFINITY,
    }
  }

  restore({ watermark, states }: RestoredOperator): void {
    const written = states as readonly TriggeredState[]
    const least = (pick: (state: TriggeredState) => number, none: number): number => Math.min(...written.map(pick), none)
    const latest = (pick: (state: TriggeredState) => number): number => Math.max(Number.NEGATIVE_INFINITY, ...written.map(pick))
    const ended = watermark === Number.POSITIVE_INFINITY
    const passed = written.length === 0 ? Number.NEGATIVE_INFINITY : least((state) => state.passed, Number.POSITIVE_INFINITY)
    this.#watermark = watermark
    this.#now = latest(({ now }) => now)
    this.#before = ended ? latest(({ before }) => before) : watermark
    this.#passed = this.#time === 'processing' && !ended ? passed : watermark
    if (this.#view !== undefined) this.#view.ended = ended
    const { list } = this.#panes
    const { definition } = this.#settings
    this.#panes.restore((start) => endOf(start, definition, this.#grid))
    const fired = least((state) => state.fired, this.#passed)
    while (this.#fired < list.length && (list[this.#fired] as Pane).end - 1 <= fired) this.#fired++
    if (this.#trigger.kind === 'early') {
      const earlyAt = least((state) => state.earlyAt, Number.POSITIVE_INFINITY)
      this.#restoreEarly(earlyAt)
    }
  }

  fire(): boolean {
    if (this.#view !== undefined && this.#takeTimer()) return true
    if (this.#early !== undefined && this.#fireEarly()) return true
    const { list } = this.#panes
    for (;;) {
      const pane = list[this.#fired]
      if (pane === undefined || pane.end - 1 > this.#passed) break
      if (this.#fireChanged(pane)) return true
      this.#fired++
    }
    for (;;) {
      const pane = list[0]
      if (pane === undefined || this.#fired === 0 || pane.end - 1 + this.#latenessMs > this.#passed) break
      if (this.#fireChanged(pane)) return true
      this.#panes.shift()
      this.#fired--
    }
    this.#setDeadline()
    return false
  }

  /** Adds a record to the windows that a time belongs to and that are kept; false where there is none. */
  #assign(value: unknown, time: number): boolean {
    const grid = this.#grid
    const kept = this.#passed - this.#latenessMs
    if (grid !== undefined) {
      const start = grid.startOf(time)
      const end = grid.endOf(start)
      if (end - 1 <= kept) return false
      this.#add(this.#open(start, end), value, time)
      return true
    }
    const slideMs = this.#slideMs
    const sizeMs = this.#sizeMs
    const last = Math.floor((time - this.#offsetMs) / slideMs) * slideMs + this.#offsetMs
    if (last + sizeMs - 1 <= kept) return false
    // The first window that the time belongs to: those before end at it or earlier.
    let start = last - Math.floor((sizeMs - 1 - Math.floor(time - last)) / slideMs) * slideMs
    for (; start <= last; start += slideMs) if (start + sizeMs - 1 > kept) this.#add(this.#open(start, start + sizeMs), value, time)
    return true
  }

  #open(start: number, end: number): Pane {
    const { list } = this.#panes
    const { length } = list
    const pane = this.#panes.open(start, end)
    // Late, and the first one: it is kept among those that have ended.
    if (list.length > length && end - 1 <= this.#passed) this.#fired++
    return pane
  }

  #add(pane: Pane, value: unknown, timestamp: number): void {
    const { table } = pane
    const slot = this.#contents.update(table, value)
    const counts = this.#cells(pane, 0)
    const changed = this.#cells(pane, 1)
    const latest = this.#cells(pane, 2)
    if (table.created) {
      counts[slot] = 0
      changed[slot] = 0
      latest[slot] = timestamp
      this.#cells(pane, 3)[slot] = 0
    }
    const count = (counts[slot] as number) + 1
    counts[slot] = count
    // A timestamp that is not there is NaN and stays it.
    if (count === 1 || timestamp > (latest[slot] as number)) latest[slot] = timestamp
    const trigger = this.#trigger
    const since = (changed[slot] as number) + 1
    switch (trigger.kind) {
      case 'count':
        // Results are of all records or of those since: either way the next is due after as many.
        changed[slot] = since
        if (since < trigger.count) return
        this.#emit(pane, slot)
        if (trigger.purges) this.#purge(pane, slot)
        return
      case 'custom': {
        const view = this.#view as TriggerView
        view.show(pane, slot, windowOf(pane), count, timestamp)
        this.#act(pane, slot, (this.#handlers as TriggerHandlers).onRecord(value, view))
        return
      }
      default:
        if (pane.end - 1 <= this.#passed) this.#emit(pane, slot)
        else if (changed[slot] === 0) {
          changed[slot] = 1
          if (trigger.kind === 'early') this.#awaitEarly(pane, slot, trigger.everyMs)
        }
    }
  }

  #awaitEarly(pane: Pane, slot: number, everyMs: number): void {
    this.#look()
    this.#changed.push({ pane, slot })
    if (this.#earlyAt === Number.POSITIVE_INFINITY) this.#earlyAt = this.#now + everyMs
  }

  /** What had changed and was not sent waits again; where some of it was under way, all of it is due. */
  #restoreEarly(earlyAt: number): void {
    const changed: Changed[] = []
    for (const pane of this.#panes.list) {
      const { table } = pane
      for (let slot = table.next(0); slot >= 0; slot = table.next(slot + 1)) {
        if (this.#cells(pane, 1)[slot] !== 0) changed.push({ pane, slot })
      }
    }
    if (earlyAt === Number.NEGATIVE_INFINITY) this.#early = { changed, next: 0 }
    else {
      this.#changed = changed
      this.#earlyAt = earlyAt
    }
  }

  #fireEarly(): boolean {
    const early = this.#early as { readonly changed: readonly Changed[]; next: number }
    for (let step = 0; early.next < early.changed.length; step++) {
      if (step === STEPS_PER_FIRING) return true
      const { pane, slot } = early.changed[early.next++] as Changed
      if (this.#panes.get(pane.start) !== pane || this.#cells(pane, 1)[slot] === 0) continue
      pane.table.touch(slot)
      this.#emit(pane, slot)
      return true
    }
    this.#early = undefined
    return false
  }

  /** Sends one result of a window that has changed; false where there is none left. */
  #fireChanged(pane: Pane): boolean {
    const { table } = pane
    const changed = this.#cells(pane, 1)
    for (let step = 0; this.#slot < table.end; step++) {
      if (step === STEPS_PER_FIRING) return true
      const slot = this.#slot++
      if (!table.has(slot) || changed[slot] === 0) continue
      table.touch(slot)
      this.#emit(pane, slot)
      return true
    }
    this.#slot = 0
    return false
  }

  #emit(pane: Pane, slot: number): void {
    this.#cells(pane, 1)[slot] = 0
    if (this.#cells(pane, 0)[slot] === 0) return
    const timestamp = this.#time === 'none' ? behind(this.#before, this.#cells(pane, 2)[slot] as number) : pane.end - 1
    this.#contents.emit(pane.table, slot, windowOf(pane), timestamp)
  }

  /** Empties a window of a key; where nothing bounds the life of the row it goes, as soon as no timer refers to it. */
  #purge(pane: Pane, slot: number): void {
    this.#contents.reset(pane.table, slot)
    this.#cells(pane, 0)[slot] = 0
    this.#cells(pane, 1)[slot] = 0
    this.#forget(pane, slot)
  }

  #forget(pane: Pane, slot: number): void {
    if (this.#time === 'none' && this.#cells(pane, 0)[slot] === 0 && this.#cells(pane, 3)[slot] === 0) pane.table.remove(slot)
  }

  #act(pane: Pane, slot: number, result: TriggerResult): void {
    if (result === 'fire' || result === 'fireAndPurge') this.#emit(pane, slot)
    if (result === 'purge' || result === 'fireAndPurge') this.#purge(pane, slot)
    else this.#forget(pane, slot)
  }

  /** Timers that were set for a time that has passed come at once. */
  #takeTimers(): void {
    const { eventTimers, processingTimers } = this.#view as TriggerView
    if (eventTimers.dueAt > this.#watermark && processingTimers.dueAt === Number.POSITIVE_INFINITY) return
    this.#look()
    let more = true
    while (more) more = this.#takeTimer()
  }

  #takeTimer(): boolean {
    const view = this.#view as TriggerView
    const handlers = this.#handlers as TriggerHandlers
    if (view.eventTimers.take(this.#watermark)) {
      const { time, namespace, slot } = view.eventTimers
      const pane = this.#shown(namespace, slot)
      if (pane !== undefined) this.#act(pane, slot, handlers.onEventTime?.(time, view) ?? 'continue')
      return true
    }
    const until = this.#watermark === Number.POSITIVE_INFINITY ? this.#watermark : this.#now
    if (!view.processingTimers.take(until)) return false
    const { time, namespace, slot } = view.processingTimers
    const pane = this.#shown(namespace, slot)
    if (pane !== undefined) this.#act(pane, slot, handlers.onProcessingTime?.(time, view) ?? 'continue')
    return true
  }

  /** The window that a timer belongs to, shown to the trigger; undefined: it has been given up. */
  #shown(namespace: number, slot: number): Pane | undefined {
    const pane = this.#panes.get(namespace)
    if (pane === undefined) return undefined
    const view = this.#view as TriggerView
    view.taken(pane, slot)
    view.show(pane, slot, windowOf(pane), this.#cells(pane, 0)[slot] as number, Number.NaN)
    return pane
  }

  /** A clock that is set back stands still. */
  #look(): void {
    const now = this.#context.now()
    if (now > this.#now) this.#now = now
  }

  #setDeadline(): void {
    if (this.#watermark === Number.POSITIVE_INFINITY) return
    let deadline = Math.min(this.#earlyAt, this.#view?.processingTimers.dueAt ?? Number.POSITIVE_INFINITY)
    if (this.#time === 'processing') {
      const next = this.#panes.list[this.#fired]
      if (next !== undefined && next.end < deadline) deadline = next.end
    }
    if (deadline === this.#deadline) return
    this.#deadline = deadline
    this.#context.setDeadline(deadline === Number.POSITIVE_INFINITY ? undefined : deadline)
  }

  #cells({ table }: Pane, column: number): Float64Array {
    return (table.columns[this.#column + column] as NumberColumn).values
  }
}

/** State of a subtask, beside rows and timers. */
interface TriggeredState {
  readonly now: number
  readonly passed: number
  readonly before: number
  /** Windows whose last instant is at or before this have fired. */
  readonly fired: number
  /** When early results are due; -Infinity: they are going out, Infinity: nothing waits. */
  readonly earlyAt: number
}

function endOf(start: number, definition: WindowSettings['definition'], grid: TimeGrid | undefined): number {
  if (grid !== undefined) return grid.endOf(start)
  return definition.kind === 'sliding' ? start + definition.sizeMs : Number.POSITIVE_INFINITY
}

interface Changed {
  readonly pane: Pane
  readonly slot: number
}

function windowOf({ start, end }: Pane): TimeWindow {
  return end === Number.POSITIVE_INFINITY ? ALWAYS : { start, end }
}
