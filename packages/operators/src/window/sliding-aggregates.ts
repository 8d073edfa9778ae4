/**
 * The partial aggregates of sliding windows, per key: two stacks. The back holds one aggregate over the panes that came in last; the front
 * holds for each older pane the aggregate from there to the youngest of the front. Panes leave at the front; where it is empty the back is
 * turned over, newest pane first. So a pane of a key costs three merges in all and a window one or two, however many panes it has.
 *
 * Keys are turned over together, a pane of each at a time: rows of one pane lie side by side, so memory is walked in order.
 *
 * Everything here is derived from the panes and can be made again from them, but for which keys have sent their result of the window that is
 * firing: that is state, though only while one fires. A key whose panes changed is marked and made again when it fires. Runs when windows
 * fire, not per record.
 */
import type { KeyTable, NumberColumn, OperatorContext } from '@sluice/engine'
import { ownColumn } from '../aggregate/column-names.js'
import type { OpenPanes, Pane } from './open-panes.js'
import { RowPool } from './row-pool.js'
import { SideRows } from './side-rows.js'
import type { WindowContents } from './window-contents.js'
import type { TimeWindow } from './window-types.js'

/** Where parts are put together. */
const SCRATCH = 0
/** Above all slots: no row of the table is state. */
const ALL_GONE = 2 ** 31

export class SlidingAggregates {
  readonly #contents: WindowContents
  readonly #panes: OpenPanes
  /** Keys that may have records in the window, and the end of the last window whose result was sent, as far as it may matter. */
  readonly #keys: KeyTable
  readonly #sent: NumberColumn
  /** By slot of the key: the aggregate of the back, and where the lists of panes begin. */
  readonly #cells: SideRows
  readonly #parts: KeyTable
  /** The newest pane of the back, 0: none. */
  readonly #back: NumberColumn
  /** The oldest pane of the front, 0: none. */
  readonly #front: NumberColumn
  /** The start of the oldest pane of the back. */
  readonly #backStart: NumberColumn
  /** 1: the panes of the key have changed. */
  readonly #stale: NumberColumn
  readonly #rows: RowPool
  /** Keys that are turned over: what is left of their back goes to the front row by row. */
  readonly #turning: number[] = []
  /** How far the present round of turning has come, and how many of the keys stay for the next. */
  #turned = 0
  #staying = 0
  /** Keys that are turned over and have not sent their results. */
  readonly #ready: number[] = []
  /** Up to this window's end some keys have sent results and others have not: they were ahead of others before a restore. */
  #aheadTo: number = Number.NEGATIVE_INFINITY

  constructor(context: OperatorContext, contents: WindowContents, panes: OpenPanes) {
    this.#contents = contents
    this.#panes = panes
    this.#keys = context.keyTable('sent', ['number'], [ownColumn('sent')])
    this.#keys.goneBelow = ALL_GONE
    this.#sent = this.#keys.columns[0] as NumberColumn
    this.#cells = new SideRows(this.#keys, [...contents.columns, 'number', 'number', 'number', 'number'])
    this.#parts = this.#cells.table
    const columns = this.#cells.columns.slice(contents.columns.length) as NumberColumn[]
    this.#back = columns[0] as NumberColumn
    this.#front = columns[1] as NumberColumn
    this.#backStart = columns[2] as NumberColumn
    this.#stale = columns[3] as NumberColumn
    this.#rows = new RowPool(contents.columns)
  }

  /** Keys that may be in the window; slots in use are below `end`. */
  get size(): number {
    return this.#keys.size
  }

  get end(): number {
    return this.#keys.end
  }

  /** A window begins to fire: from now on it matters which keys have sent their result. */
  beginWindow(): void {
    this.#keys.goneBelow = 0
  }

  /** All keys have sent their result of the window that ends at `end`. */
  endWindow(end: number): void {
    if (end >= this.#aheadTo) this.#keys.goneBelow = ALL_GONE
  }

  /** After a restore: keys of which it is known what they have sent have no panes yet. */
  restore(): void {
    const keys = this.#keys
    for (let at = keys.next(0); at >= 0; at = keys.next(at + 1)) this.#begin(at)
  }

  /** A key has sent its results of windows up to an end that the firing has not come to: before a restore it was ahead. */
  markSent(key: unknown, end: number): void {
    const at = this.#slotOf(key)
    const sent = this.#sent.values
    if (end > (sent[at] as number)) sent[at] = end
    if (end > this.#aheadTo) this.#aheadTo = end
    this.#keys.goneBelow = 0
  }

  /** Takes a key of a pane in: the youngest of its panes. */
  enter(pane: Pane, slot: number): void {
    this.#push(this.#slotOf(pane.table.keyAt(slot)), pane, slot)
  }

  /** A record came into a pane that has been taken in. */
  markStale(key: unknown): void {
    const at = this.#slotOf(key)
    this.#stale.values[at] = 1
  }

  /**
   * Sends the result of a key in a window that holds the panes from its start up to `entered`, once it has let go of those before; false
   * where the key has none, which forgets it, and where it has to be turned over first.
   */
  emit(at: number, window: TimeWindow, entered: number): boolean {
    const keys = this.#keys
    if (!keys.has(at) || (this.#sent.values[at] as number) >= window.end) return false
    const { start } = window
    if (this.#stale.values[at] !== 0) this.#rebuild(at, start, entered)
    const first = this.#front.values[at] as number
    const front = first === 0 ? 0 : this.#leave(at, first, start)
    if (front !== 0) {
      this.#emitFront(at, front, window)
      return true
    }
    if (this.#back.values[at] === 0) this.#forget(at)
    else if ((this.#backStart.values[at] as number) < start) {
      this.#contents.reset(this.#parts, at)
      this.#turning.push(at)
    } else {
      this.#send(at, window)
      this.#contents.emit(this.#parts, at, window, window.end - 1)
      return true
    }
    return false
  }

  /** After every key was asked: turns those over that had to wait, some steps at a time, and sends their results; false where there is none left. */
  emitTurned(window: TimeWindow, steps: number): boolean {
    const turning = this.#turning
    for (let step = 0; this.#turned < turning.length || this.#staying > 0; step++) {
      if (step === steps) return true
      this.#turnOne(window.start)
    }
    const at = this.#ready.pop()
    if (at === undefined) {
      turning.length = 0
      this.#turned = 0
      return false
    }
    this.#emitFront(at, this.#front.values[at] as number, window)
    return true
  }

  clear(): void {
    this.#keys.clear()
    this.#keys.goneBelow = ALL_GONE
    this.#cells.clear()
    this.#rows.clear()
  }

  /**
   * Sends the results of one key again, for every window from `firstEnd` to `lastEnd` whose panes a late record belongs to: all of them
   * hold the pane that begins at `pivot`. The panes before are merged towards it and the panes behind it away from it, each once.
   */
  emitAgain(key: unknown, pivot: number, firstEnd: number, lastEnd: number, sizeMs: number, slideMs: number): void {
    const { list } = this.#panes
    const rows = this.#rows
    const { table } = rows
    const contents = this.#contents
    rows.key = key
    let front = 0
    for (let at = this.#panes.firstFrom(pivot); at >= 0; at--) {
      const pane = list[at] as Pane
      if (pane.start < firstEnd - sizeMs) break
      const slot = pane.table.find(key)
      if (slot < 0) continue
      const row = rows.take()
      rows.starts[row] = pane.start
      rows.next[row] = front
      contents.reset(table, row)
      contents.append(table, row, pane.table, slot)
      if (front !== 0) contents.append(table, row, table, front)
      front = row
    }
    const behind = rows.take()
    contents.reset(table, behind)
    let next = this.#panes.firstFrom(pivot) + 1
    for (let end = firstEnd; end <= lastEnd; end += slideMs) {
      const start = end - sizeMs
      while ((rows.starts[front] as number) < start) {
        const left = front
        front = rows.next[front] as number
        rows.release(left)
      }
      for (; next < list.length && (list[next] as Pane).start < end; next++) {
        const pane = list[next] as Pane
        const slot = pane.table.find(key)
        if (slot >= 0) contents.append(table, behind, pane.table, slot)
      }
      contents.reset(table, SCRATCH)
      contents.append(table, SCRATCH, table, front)
      contents.append(table, SCRATCH, table, behind)
      contents.emit(table, SCRATCH, { start, end }, end - 1)
    }
    while (front !== 0) {
      const left = front
      front = rows.next[front] as number
      rows.release(left)
    }
    rows.release(behind)
  }

  /** The slot of a key, whose cells are made where it is new. */
  #slotOf(key: unknown): number {
    const keys = this.#keys
    const at = keys.slotOf(key)
    if (keys.created) {
      this.#sent.values[at] = Number.NEGATIVE_INFINITY
      this.#begin(at)
    }
    return at
  }

  #begin(at: number): void {
    this.#cells.reach(at)
    this.#contents.reset(this.#parts, at)
    this.#back.values[at] = 0
    this.#front.values[at] = 0
    this.#stale.values[at] = 0
  }

  #push(at: number, pane: Pane, slot: number): void {
    const rows = this.#rows
    const row = rows.take()
    const back = this.#back.values
    const newest = back[at] as number
    rows.starts[row] = pane.start
    rows.next[row] = newest
    back[at] = row
    if (newest === 0) this.#backStart.values[at] = pane.start
    const contents = this.#contents
    contents.reset(rows.table, row)
    contents.append(rows.table, row, pane.table, slot)
    contents.append(this.#parts, at, pane.table, slot)
  }

  /** Lets go of panes of the front before `start`; gives back the oldest row that stays, 0: none. */
  #leave(at: number, first: number, start: number): number {
    const rows = this.#rows
    const { starts, next } = rows
    let front = first
    while (front !== 0 && (starts[front] as number) < start) {
      const left = front
      front = next[front] as number
      rows.release(left)
    }
    if (front !== first) this.#front.values[at] = front
    return front
  }

  #emitFront(at: number, front: number, window: TimeWindow): void {
    const contents = this.#contents
    const rows = this.#rows
    const { table } = rows
    this.#send(at, window)
    rows.key = this.#keys.keyAt(at)
    if (this.#back.values[at] === 0) {
      contents.emit(table, front, window, window.end - 1)
      return
    }
    contents.reset(table, SCRATCH)
    contents.append(table, SCRATCH, table, front)
    contents.append(table, SCRATCH, this.#parts, at)
    contents.emit(table, SCRATCH, window, window.end - 1)
  }

  #send(at: number, window: TimeWindow): void {
    this.#keys.touch(at)
    this.#sent.values[at] = window.end
  }

  #forget(at: number): void {
    this.#cells.release(at)
    this.#keys.remove(at)
  }

  /** Moves one pane of one key from the back to the front. */
  #turnOne(start: number): void {
    const turning = this.#turning
    if (this.#turned === turning.length) {
      turning.length = this.#staying
      this.#turned = 0
      this.#staying = 0
      return
    }
    const at = turning[this.#turned++] as number
    const rows = this.#rows
    const back = this.#back.values
    const front = this.#front.values
    const row = back[at] as number
    if (row === 0 || (rows.starts[row] as number) < start) {
      this.#release(row)
      back[at] = 0
      if (front[at] === 0) this.#forget(at)
      else this.#ready.push(at)
      return
    }
    const newer = front[at] as number
    if (newer !== 0) this.#contents.append(rows.table, row, rows.table, newer)
    back[at] = rows.next[row] as number
    rows.next[row] = newer
    front[at] = row
    turning[this.#staying++] = at
  }

  #rebuild(at: number, start: number, entered: number): void {
    const key = this.#keys.keyAt(at)
    this.#release(this.#back.values[at] as number)
    this.#release(this.#front.values[at] as number)
    this.#begin(at)
    const { list } = this.#panes
    for (let index = this.#panes.firstFrom(start); index < list.length; index++) {
      const pane = list[index] as Pane
      if (pane.start >= entered) break
      const slot = pane.table.find(key)
      if (slot >= 0) this.#push(at, pane, slot)
    }
  }

  #release(first: number): void {
    const rows = this.#rows
    let row = first
    while (row !== 0) {
      const next = rows.next[row] as number
      rows.release(row)
      row = next
    }
  }
}
