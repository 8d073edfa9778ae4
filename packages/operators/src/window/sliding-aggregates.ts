/**
 * The partial aggregates of sliding windows, per key: two stacks. The back holds one aggregate over the panes that came in last; the front
 * holds for each older pane the aggregate from there to the youngest of the front. Panes leave at the front; where it is empty the back is
 * turned over, newest pane first. So a pane of a key costs three merges in all and a window one or two, however many panes it has.
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

  /** Sends the result of a key in a window that holds the panes from its start up to `entered`; false where the key has none, which forgets it. */
  emit(at: number, window: TimeWindow, entered: number): boolean {
    const keys = this.#keys
    if (!keys.has(at)) return false
    if (this.#stale.values[at] !== 0) this.#rebuild(at, window.start, entered)
    const front = this.#leave(at, window.start)
    const back = this.#back.values[at] as number
    const contents = this.#contents
    const timestamp = window.end - 1
    if (front === 0) {
      if (back !== 0) {
        contents.emit(keys, at, window, timestamp)
        return true
      }
      keys.remove(at)
      return false
    }
    const rows = this.#rows
    rows.key = keys.keyAt(at)
    const { table } = rows
    if (back === 0) {
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
    rows.slots[row] = slot
    rows.next[row] = newest
    back[at] = row
    if (newest === 0) this.#backStart.values[at] = pane.start
    this.#contents.append(this.#keys, at, pane.table, slot)
  }

  /** Lets go of panes before `start`; gives back the oldest row of the front, 0: the front is empty. */
  #leave(at: number, start: number): number {
    const rows = this.#rows
    const { starts, next } = rows
    let front = this.#front.values[at] as number
    const before = front
    while (front !== 0 && (starts[front] as number) < start) {
      const left = front
      front = next[front] as number
      rows.release(left)
    }
    if (front === 0 && this.#back.values[at] !== 0 && (this.#backStart.values[at] as number) < start) front = this.#turn(at, start)
    if (front !== before) this.#front.values[at] = front
    return front
  }

  /** Makes the front of the panes of the back that begin at `start` or later. */
  #turn(at: number, start: number): number {
    const rows = this.#rows
    const { table, starts, slots, next } = rows
    const contents = this.#contents
    const panes = this.#panes
    let front = 0
    let row = this.#back.values[at] as number
    while (row !== 0) {
      const older = next[row] as number
      if ((starts[row] as number) < start) rows.release(row)
      else {
        const pane = panes.get(starts[row] as number) as Pane
        contents.reset(table, row)
        contents.append(table, row, pane.table, slots[row] as number)
        if (front !== 0) contents.append(table, row, table, front)
        next[row] = front
        front = row
      }
      row = older
    }
    this.#back.values[at] = 0
    contents.reset(this.#keys, at)
    return front
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
