/**
 * The partial aggregates of sliding windows, per key: two stacks. The back holds one aggregate over the panes that came in last; the front
 * holds for each older pane the aggregate from there to the youngest of the front. Panes leave at the front; where it is empty the back is
 * turned over, newest pane first. So a pane of a key costs three merges in all and a window one or two, however many panes it has.
 *
 * Keys are turned over together, a pane of each at a time: rows of one pane lie side by side, so memory is walked in order.
 *
 * Everything here is derived from the panes and can be made again from them; a key whose panes changed afterwards is marked and made again
 * when it fires. Runs when windows fire, not per record.
 */
import { KeyTable, type NumberColumn } from '@sluice/engine'
import type { OpenPanes, Pane } from './open-panes.js'
import { RowPool } from './row-pool.js'
import type { WindowContents } from './window-contents.js'
import type { TimeWindow } from './window-types.js'

/** Where parts are put together. */
const SCRATCH = 0

export class SlidingAggregates {
  readonly #contents: WindowContents
  readonly #panes: OpenPanes
  /** By key: the aggregate of the back, and where the lists of panes begin. */
  readonly #keys: KeyTable
  /** The newest pane of the back, 0: none. */
  readonly #back: NumberColumn
  /** The oldest pane of the front, 0: none. */
  readonly #front: NumberColumn
  /** The start of the oldest pane of the back. */
  readonly #backStart: NumberColumn
  /** 1: the panes of the key have changed. */
  readonly #stale: NumberColumn
  readonly #rows: RowPool
  /** The slot to look at next by `prepare`. */
  #leaving = 0
  /** Keys that are turned over: what is left of their back goes to the front row by row. */
  readonly #turning: number[] = []
  /** How far the present round of turning has come, and how many of the keys stay for the next. */
  #turned = 0
  #staying = 0

  constructor(contents: WindowContents, panes: OpenPanes) {
    this.#contents = contents
    this.#panes = panes
    this.#keys = new KeyTable([...contents.columns, 'number', 'number', 'number', 'number'])
    const columns = this.#keys.columns.slice(contents.columns.length) as NumberColumn[]
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

  /** Takes a key of a pane in: the youngest of its panes. */
  enter(pane: Pane, slot: number): void {
    const keys = this.#keys
    const at = keys.slotOf(pane.table.keyAt(slot))
    if (keys.created) this.#begin(at)
    this.#push(at, pane, slot)
  }

  /** A record came into a pane that has been taken in. */
  markStale(key: unknown): void {
    const keys = this.#keys
    const at = keys.slotOf(key)
    if (keys.created) this.#begin(at)
    this.#stale.values[at] = 1
  }

  /**
   * Lets go of what is before a window and holds the panes up to `entered`, some steps at a time; true where there is more to do. After it
   * every key that there is has records in the window.
   */
  prepare(start: number, entered: number, steps: number): boolean {
    const keys = this.#keys
    let step = 0
    for (; this.#leaving < keys.end; this.#leaving++) {
      if (step++ === steps) return true
      if (keys.has(this.#leaving)) this.#leave(this.#leaving, start, entered)
    }
    while (this.#turning.length > 0) {
      if (step++ === steps) return true
      this.#turnOne(start)
    }
    this.#leaving = 0
    return false
  }

  /** Sends the result of a key; false where the slot has none. */
  emit(at: number, window: TimeWindow): boolean {
    const keys = this.#keys
    if (!keys.has(at)) return false
    const contents = this.#contents
    const timestamp = window.end - 1
    const front = this.#front.values[at] as number
    if (front === 0) {
      contents.emit(keys, at, window, timestamp)
      return true
    }
    const rows = this.#rows
    const { table } = rows
    rows.key = keys.keyAt(at)
    if (this.#back.values[at] === 0) {
      contents.emit(table, front, window, timestamp)
      return true
    }
    contents.reset(table, SCRATCH)
    contents.append(table, SCRATCH, table, front)
    contents.append(table, SCRATCH, keys, at)
    contents.emit(table, SCRATCH, window, timestamp)
    return true
  }

  clear(): void {
    this.#keys.clear()
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

  #begin(at: number): void {
    this.#contents.reset(this.#keys, at)
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
    contents.append(this.#keys, at, pane.table, slot)
  }

  #leave(at: number, start: number, entered: number): void {
    if (this.#stale.values[at] !== 0) this.#rebuild(at, start, entered)
    const rows = this.#rows
    const { starts, next } = rows
    const first = this.#front.values[at] as number
    let front = first
    while (front !== 0 && (starts[front] as number) < start) {
      const left = front
      front = next[front] as number
      rows.release(left)
    }
    if (front !== first) this.#front.values[at] = front
    if (front !== 0) return
    if (this.#back.values[at] === 0) this.#keys.remove(at)
    else if ((this.#backStart.values[at] as number) < start) {
      this.#contents.reset(this.#keys, at)
      this.#turning.push(at)
    }
  }

  /** Moves one pane of one key from the back to the front. */
  #turnOne(start: number): void {
    const turning = this.#turning
    const at = turning[this.#turned++] as number
    const rows = this.#rows
    const back = this.#back.values
    const front = this.#front.values
    const row = back[at] as number
    if (row === 0 || (rows.starts[row] as number) < start) {
      this.#release(row)
      back[at] = 0
      if (front[at] === 0) this.#keys.remove(at)
    } else {
      const newer = front[at] as number
      if (newer !== 0) this.#contents.append(rows.table, row, rows.table, newer)
      back[at] = rows.next[row] as number
      rows.next[row] = newer
      front[at] = row
      turning[this.#staying++] = at
    }
    if (this.#turned < turning.length) return
    turning.length = this.#staying
    this.#turned = 0
    this.#staying = 0
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
