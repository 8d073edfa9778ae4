/**
 * Windows side by side that fire when the watermark has passed their end: each is a table of rows by key. Runs per record; a record of
 * the window of the one before it costs two comparisons and the update of its row.
 *
 * Invariants: the first `fired` open windows have fired and are kept for late records; the cached window has not. What a snapshot in the
 * middle of a firing has is what was not sent: rows that go with their window are gone as soon as they are sent, those that are kept for late
 * records have a mark.
 */
import type { KeyTable, NumberColumn, OperatorContext, RestoredOperator } from '@sluice/engine'
import { ownColumn } from '../aggregate/column-names.js'
import { OpenPanes, type Pane } from './open-panes.js'
import type { TimeGrid } from './time-grid.js'
import { explainTimestamp, type TimedOperator } from './timed-operator.js'
import type { WindowContents } from './window-contents.js'
import type { TimeWindow } from './window-types.js'

const LATE_PORT = 1

export class TumblingOperator implements TimedOperator {
  readonly #context: OperatorContext
  readonly #contents: WindowContents
  readonly #update: WindowContents['update']
  readonly #grid: TimeGrid
  readonly #latenessMs: number
  readonly #panes: OpenPanes
  /** Of a column that says whether a row was sent; -1: windows are not kept for late records. */
  readonly #sent: number
  /** Windows with rows that were sent by a subtask whose watermark was ahead, before a restore; undefined: none. */
  #ahead: Set<number> | undefined
  #watermark: number = Number.NEGATIVE_INFINITY
  #fired = 0
  #from: number = Number.NaN
  #to: number = Number.NaN
  #table: KeyTable | undefined
  /** Of the window that is firing. */
  #slot = 0
  #window: TimeWindow | undefined

  constructor(context: OperatorContext, contents: WindowContents, grid: TimeGrid, latenessMs: number) {
    this.#context = context
    this.#contents = contents
    this.#update = contents.update
    this.#grid = grid
    this.#latenessMs = latenessMs
    this.#sent = latenessMs > 0 ? contents.columns.length : -1
    const { columns, names } = contents
    const tables =
      latenessMs > 0
        ? // Windows that were not kept for late records are not there once they are sent.
          context.windowTables('windows', [...columns, 'number'], [...names, ownColumn('sent', 0)])
        : context.windowTables('windows', columns, names)
    this.#panes = new OpenPanes(tables)
  }

  process(value: unknown, timestamp: number): void {
    if (timestamp >= this.#from && timestamp < this.#to) this.#update(this.#table as KeyTable, value)
    else this.#enter(value, timestamp)
  }

  onWatermark(watermark: number): void {
    this.#watermark = watermark
    if (this.dueAt > watermark) return
    this.#from = Number.NaN
  }

  fire(): boolean {
    const list = this.#panes.list
    for (;;) {
      const pane = list[this.#fired]
      if (pane === undefined || pane.end - 1 > this.#watermark) {
        this.#purge()
        return false
      }
      const { table } = pane
      const slot = this.#take(table)
      if (slot >= 0) {
        this.#window ??= { start: pane.start, end: pane.end }
        this.#contents.emit(table, slot, this.#window, pane.end - 1)
        return true
      }
      this.#slot = 0
      this.#window = undefined
      this.#fired++
      this.#purge()
    }
  }

  restore({ watermark }: RestoredOperator): void {
    this.#watermark = watermark
    const { list } = this.#panes
    this.#panes.restore((start) => this.#grid.endOf(start))
    if (this.#sent < 0) return
    const ahead = list.filter(({ end, table }) => end - 1 > watermark && this.#marks(table).includes(1))
    if (ahead.length > 0) this.#ahead = new Set(ahead.map(({ start }) => start))
  }

  get dueAt(): number {
    const next = this.#panes.list[this.#fired]
    return next === undefined ? Number.POSITIVE_INFINITY : next.end - 1
  }

  /** A record of another window than the last one, or of one that has fired. */
  #enter(value: unknown, timestamp: number): void {
    if (timestamp !== timestamp) throw explainTimestamp(timestamp)
    const start = this.#grid.startOf(timestamp)
    const end = this.#grid.endOf(start)
    const watermark = this.#watermark
    if (end - 1 + this.#latenessMs <= watermark) {
      this.#context.countLate(1)
      this.#context.emit(value, timestamp, LATE_PORT)
      return
    }
    const list = this.#panes.list
    const open = list.length
    const pane: Pane = this.#panes.open(start, end)
    if (this.#sent >= 0 && list.length > open) this.#marks(pane.table).fill(0)
    if (end - 1 > watermark) {
      if (this.#ahead?.has(start) === true) {
        const slot = this.#update(pane.table, value)
        this.#marks(pane.table)[slot] = 0
        return
      }
      this.#from = start
      this.#to = end
      this.#table = pane.table
      this.#update(pane.table, value)
      return
    }
    if (list.length > open) this.#fired++
    const slot = this.#update(pane.table, value)
    this.#marks(pane.table)[slot] = 1
    this.#contents.emit(pane.table, slot, { start, end }, end - 1)
  }

  /** The next row that was not sent, which is from now on; -1: none. */
  #take(table: KeyTable): number {
    let slot = table.next(this.#slot)
    if (this.#sent >= 0) {
      const marks = this.#marks(table)
      while (slot >= 0 && marks[slot] === 1) slot = table.next(slot + 1)
      if (slot >= 0) {
        table.touch(slot)
        marks[slot] = 1
      }
    } else if (slot >= 0) table.goneBelow = slot + 1
    this.#slot = slot + 1
    return slot
  }

  #marks(table: KeyTable): Float64Array {
    return (table.columns[this.#sent] as NumberColumn).values
  }

  #purge(): void {
    const list = this.#panes.list
    while (this.#fired > 0 && (list[0] as Pane).end - 1 + this.#latenessMs <= this.#watermark) {
      this.#panes.shift()
      this.#fired--
    }
  }
}
