/**
 * Windows that last as long as records of a key follow each other by less than a gap. Records go into panes as long as the gap, so that all
 * records of a key in a pane belong together, and a session is a run of panes whose records touch. Nothing is merged when a record comes,
 * in whatever order: where the watermark has passed the latest record of a row by the gap, nothing can join it that is not late, and the row
 * is added to that of the next pane if it touches it, or fires.
 *
 * A row is one of a session that goes on (`OPEN`), is part of a later row (`JOINED`), or has fired and is kept for late records (`FIRED`).
 * Invariants: an open row has `latest + gap - 1 > watermark` once `fire` is done; its session starts at `start`. Runs per record.
 */
import type { KeyTable, NumberColumn, OperatorContext, RestoredOperator } from '@sluice/engine'
import { ownColumn } from '../aggregate/column-names.js'
import { OpenPanes, type Pane } from './open-panes.js'
import { SlotHeap } from './slot-heap.js'
import { explainTimestamp, type TimedOperator } from './timed-operator.js'
import { moveContents, type WindowContents } from './window-contents.js'

const LATE_PORT = 1
const OPEN = 0
const JOINED = 1
const FIRED = 2
/** Rows that join the next pane, or turn out to last longer, by one call of `fire`. */
const STEPS_PER_FIRING = 64

export class SessionOperator implements TimedOperator {
  readonly #context: OperatorContext
  readonly #contents: WindowContents
  readonly #update: WindowContents['update']
  readonly #gapMs: number
  readonly #latenessMs: number
  readonly #panes: OpenPanes
  /** Of the columns behind the contents: start and latest record of the session, status of the row. */
  readonly #column: number
  /** By start of the pane: its open rows by their latest record. Derived; made when the first of them may end. */
  readonly #ending = new Map<number, SlotHeap>()
  #watermark: number = Number.NEGATIVE_INFINITY
  /** The most that a session began before the pane of its row: how far behind a late record its session may lie. Derived. */
  #longest = 0
  /** Panes at the front that have no open rows and will get none. */
  #settled = 0
  #from: number = Number.NaN
  #to: number = Number.NaN
  #table: KeyTable | undefined
  #starts: NumberColumn | undefined
  #latest: NumberColumn | undefined

  constructor(context: OperatorContext, contents: WindowContents, gapMs: number, latenessMs: number) {
    this.#context = context
    this.#contents = contents
    this.#update = contents.update
    this.#gapMs = gapMs
    this.#latenessMs = latenessMs
    this.#column = contents.columns.length
    const names = [...contents.names, ownColumn('start'), ownColumn('latest'), ownColumn('status')]
    this.#panes = new OpenPanes(context.windowTables('sessions', [...contents.columns, 'number', 'number', 'number'], names))
  }

  process(value: unknown, timestamp: number): void {
    if (timestamp >= this.#from && timestamp < this.#to) {
      const table = this.#table as KeyTable
      const slot = this.#update(table, value)
      const starts = (this.#starts as NumberColumn).values
      const latest = (this.#latest as NumberColumn).values
      if (table.created) this.#begin(table, slot, timestamp)
      else if (timestamp > (latest[slot] as number)) latest[slot] = timestamp
      else if (timestamp < (starts[slot] as number)) starts[slot] = timestamp
    } else this.#enter(value, timestamp)
  }

  onWatermark(watermark: number): void {
    this.#watermark = watermark
    // What is cached is ahead of the watermark.
    if (watermark >= this.#from) this.#from = Number.NaN
  }

  restore({ watermark }: RestoredOperator): void {
    this.#watermark = watermark
    this.#panes.restore((start) => start + this.#gapMs)
    for (const { start, table } of this.#panes.list) {
      for (let slot = table.next(0); slot >= 0; slot = table.next(slot + 1)) {
        const before = start - this.#startOf(table, slot)
        if (before > this.#longest) this.#longest = before
        this.#contents.resume?.(table, slot)
      }
    }
  }

  get dueAt(): number {
    const { list } = this.#panes
    for (let index = this.#settled; index < list.length; index++) {
      const { start } = list[index] as Pane
      const heap = this.#ending.get(start)
      if (heap === undefined) return start + this.#gapMs - 1
      if (heap.size > 0) return heap.least + this.#gapMs - 1
    }
    return Number.POSITIVE_INFINITY
  }

  fire(): boolean {
    const { list } = this.#panes
    const gapMs = this.#gapMs
    const watermark = this.#watermark
    let step = 0
    for (let index = this.#settled; index < list.length; index++) {
      const pane = list[index] as Pane
      if (pane.start + gapMs - 1 > watermark) break
      const heap = this.#ending.get(pane.start) ?? this.#arrange(pane)
      while (heap.size > 0 && heap.least + gapMs - 1 <= watermark) {
        const ended = heap.least
        const slot = heap.pop()
        const latest = this.#latestOf(pane.table, slot)
        // Longer than when it was put there: its turn is behind the others that end before.
        if (latest > ended) heap.push(latest, slot)
        else if (this.#settle(pane, slot)) return true
        if (++step === STEPS_PER_FIRING) return true
      }
      if (pane.end + gapMs - 1 <= watermark) {
        this.#settled = index + 1
        this.#ending.delete(pane.start)
      }
    }
    while (this.#settled > 0 && (list[0] as Pane).end + gapMs - 1 + this.#latenessMs <= watermark) {
      this.#panes.shift()
      this.#settled--
    }
    return false
  }

  /** A record of another pane than the last one, or one at or behind the watermark. */
  #enter(value: unknown, timestamp: number): void {
    if (timestamp !== timestamp) throw explainTimestamp(timestamp)
    const start = Math.floor(timestamp / this.#gapMs) * this.#gapMs
    if (timestamp <= this.#watermark) {
      this.#enterLate(value, timestamp, start)
      return
    }
    const { table } = this.#panes.open(start, start + this.#gapMs)
    this.#table = table
    this.#starts = table.columns[this.#column] as NumberColumn
    this.#latest = table.columns[this.#column + 1] as NumberColumn
    this.#to = start + this.#gapMs
    // Whole milliseconds ahead of the watermark, so that no record of the cached pane is late.
    this.#from = this.#watermark >= start ? Math.floor(this.#watermark) + 1 : start
    const slot = this.#update(table, value)
    if (table.created) {
      this.#begin(table, slot, timestamp)
      this.#ending.get(start)?.push(timestamp, slot)
    } else {
      const starts = this.#starts.values
      const latest = this.#latest.values
      if (timestamp > (latest[slot] as number)) latest[slot] = timestamp
      if (timestamp < (starts[slot] as number)) starts[slot] = timestamp
    }
  }

  /** A record at or behind the watermark: it may belong to a session that has fired, join two, or be too late. */
  #enterLate(value: unknown, timestamp: number, start: number): void {
    const contents = this.#contents
    const gapMs = this.#gapMs
    const key = contents.keyOf(value)
    const { list } = this.#panes
    let pane: Pane | undefined
    let slot = -1
    for (let index = this.#panes.firstFrom(start); index < list.length; index++) {
      const candidate = list[index] as Pane
      if (candidate.start - this.#longest - gapMs >= timestamp) break
      const at = candidate.table.find(key)
      if (at < 0 || !this.#stands(candidate.table, at)) continue
      if (this.#startOf(candidate.table, at) - gapMs < timestamp) {
        pane = candidate
        slot = at
      }
      break
    }
    const before = this.#panes.get(start - gapMs)
    let left = before?.table.find(key) ?? -1
    if (before !== undefined && left >= 0) {
      if (!this.#stands(before.table, left) || this.#latestOf(before.table, left) + gapMs <= timestamp) left = -1
    }
    if (pane === undefined && left < 0 && timestamp + gapMs - 1 + this.#latenessMs <= this.#watermark) {
      this.#context.countLate(1)
      this.#context.emit(value, timestamp, LATE_PORT)
      return
    }
    let waits = false
    if (pane === undefined) {
      const { length } = list
      pane = this.#panes.open(start, start + gapMs)
      if (list.length > length && pane.end + gapMs - 1 <= this.#watermark) this.#settled++
      slot = pane.table.slotOf(key)
      contents.reset(pane.table, slot)
      this.#begin(pane.table, slot, timestamp)
    } else {
      waits = this.#statusOf(pane.table, slot) === OPEN
      this.#extend(pane, slot, timestamp, timestamp)
    }
    contents.add(pane.table, slot, value)
    if (before !== undefined && left >= 0) this.#join(before, left, pane, slot)
    if (waits) return
    this.#setStatus(pane.table, slot, OPEN)
    if (this.#latestOf(pane.table, slot) + gapMs - 1 <= this.#watermark) this.#settle(pane, slot)
    else this.#ending.get(pane.start)?.push(this.#latestOf(pane.table, slot), slot)
  }

  /** Fires a row whose time has come (its end is behind the watermark), or adds it to the session that it turns out to be part of; true where it fired. */
  #settle(pane: Pane, slot: number): boolean {
    const { table } = pane
    table.touch(slot)
    const gapMs = this.#gapMs
    if (this.#statusOf(table, slot) !== OPEN) return false
    const end = this.#latestOf(table, slot) + gapMs
    const key = table.keyAt(slot)
    const { list } = this.#panes
    for (let index = this.#panes.firstFrom(pane.end); index < list.length; index++) {
      const next = list[index] as Pane
      // A late record is in the row of the session that it extended to the front, and not in its own pane.
      if (next.start - this.#longest >= end) break
      const at = next.table.find(key)
      if (at < 0 || this.#statusOf(next.table, at) === JOINED) continue
      if (!this.#stands(next.table, at) || this.#startOf(next.table, at) >= end) break
      this.#join(pane, slot, next, at)
      if (this.#statusOf(next.table, at) === OPEN) return false
      this.#setStatus(next.table, at, OPEN)
      return this.#settle(next, at)
    }
    this.#setStatus(table, slot, FIRED)
    this.#contents.emit(table, slot, { start: this.#startOf(table, slot), end }, end - 1)
    if (this.#latenessMs === 0) this.#contents.reset(table, slot)
    return true
  }

  /** Makes a session and the next one into one, in the row of the next: the later is added to the earlier, which may have grown large. */
  #join(pane: Pane, slot: number, next: Pane, at: number): void {
    this.#contents.append(pane.table, slot, next.table, at)
    moveContents(this.#column, next.table, at, pane.table, slot)
    this.#extend(next, at, this.#startOf(pane.table, slot), this.#latestOf(pane.table, slot))
    this.#setStatus(pane.table, slot, JOINED)
    this.#contents.reset(pane.table, slot)
  }

  /** The open rows of a pane by their latest record. */
  #arrange({ start, table }: Pane): SlotHeap {
    const heap = new SlotHeap()
    const latest = (table.columns[this.#column + 1] as NumberColumn).values
    for (let slot = 0; slot < table.end; slot++) {
      if (table.has(slot) && this.#statusOf(table, slot) === OPEN) heap.push(latest[slot] as number, slot)
    }
    this.#ending.set(start, heap)
    return heap
  }

  #begin(table: KeyTable, slot: number, timestamp: number): void {
    const columns = table.columns as readonly NumberColumn[]
    const column = this.#column
    ;(columns[column] as NumberColumn).values[slot] = timestamp
    ;(columns[column + 1] as NumberColumn).values[slot] = timestamp
    ;(columns[column + 2] as NumberColumn).values[slot] = OPEN
  }

  #extend({ start: from, table }: Pane, slot: number, start: number, latest: number): void {
    const starts = (table.columns[this.#column] as NumberColumn).values
    const ends = (table.columns[this.#column + 1] as NumberColumn).values
    if (start < (starts[slot] as number)) starts[slot] = start
    if (from - start > this.#longest) this.#longest = from - start
    if (latest > (ends[slot] as number)) ends[slot] = latest
  }

  /** Whether a row is a session of its own that is still kept. */
  #stands(table: KeyTable, slot: number): boolean {
    const status = this.#statusOf(table, slot)
    if (status !== FIRED) return status === OPEN
    return this.#latestOf(table, slot) + this.#gapMs - 1 + this.#latenessMs > this.#watermark
  }

  #startOf(table: KeyTable, slot: number): number {
    return (table.columns[this.#column] as NumberColumn).values[slot] as number
  }

  #latestOf(table: KeyTable, slot: number): number {
    return (table.columns[this.#column + 1] as NumberColumn).values[slot] as number
  }

  #statusOf(table: KeyTable, slot: number): number {
    return (table.columns[this.#column + 2] as NumberColumn).values[slot] as number
  }

  #setStatus(table: KeyTable, slot: number, status: number): void {
    ;(table.columns[this.#column + 2] as NumberColumn).values[slot] = status
  }
}
