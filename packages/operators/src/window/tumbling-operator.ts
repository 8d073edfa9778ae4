/**
 * Windows side by side that fire when the watermark has passed their end: each is a table of rows by key. Runs per record; a record of
 * the window of the one before it costs two comparisons and the update of its row.
 *
 * Invariants: the first `fired` open windows have fired and are kept for late records; the cached window has not.
 */
import type { KeyTable, OperatorContext } from '@sluice/engine'
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
    this.#panes = new OpenPanes(context.windowTables('windows', contents.columns))
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
      const slot = table.next(this.#slot)
      if (slot >= 0) {
        this.#slot = slot + 1
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
    if (end - 1 > watermark) {
      this.#from = start
      this.#to = end
      this.#table = pane.table
      this.#update(pane.table, value)
      return
    }
    if (list.length > open) this.#fired++
    const slot = this.#update(pane.table, value)
    this.#contents.emit(pane.table, slot, { start, end }, end - 1)
  }

  #purge(): void {
    const list = this.#panes.list
    while (this.#fired > 0 && (list[0] as Pane).end - 1 + this.#latenessMs <= this.#watermark) {
      this.#panes.shift()
      this.#fired--
    }
  }
}
