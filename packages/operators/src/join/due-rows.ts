/**
 * Rows of a table by when they are due. The time of a row lies in a column of its table; a heap, which can be made again from the column,
 * finds the earliest. A row that is armed anew leaves its old entry behind, which is passed over.
 */
import type { KeyTable, NumberColumn } from '@sluice/engine'
import { SlotHeap } from '../window/slot-heap.js'

export class DueRows {
  readonly #table: KeyTable
  readonly #column: NumberColumn
  readonly #heap = new SlotHeap()

  constructor(table: KeyTable, column: number) {
    this.#table = table
    this.#column = table.columns[column] as NumberColumn
  }

  /** After a restore. */
  restore(): void {
    const due = this.#column.values
    for (let slot = this.#table.next(0); slot >= 0; slot = this.#table.next(slot + 1)) {
      if ((due[slot] as number) < Number.POSITIVE_INFINITY) this.#heap.push(due[slot] as number, slot)
    }
  }

  /** The earliest time that may be due; Infinity: none is. */
  get least(): number {
    return this.#heap.size === 0 ? Number.POSITIVE_INFINITY : this.#heap.least
  }

  /** Nothing is due in a fresh row. */
  reset(slot: number): void {
    this.#column.values[slot] = Number.POSITIVE_INFINITY
  }

  /** Makes a row due at a time, in place of when it was; Infinity: never. */
  arm(slot: number, due: number): void {
    this.#column.values[slot] = due
    if (due < Number.POSITIVE_INFINITY) this.#heap.push(due, slot)
  }

  /** As `arm`, where that is earlier. */
  armEarlier(slot: number, due: number): void {
    if (due < (this.#column.values[slot] as number)) this.arm(slot, due)
  }

  /** Takes the earliest row that is due by `until`, to be changed; -1: none. It has to be armed anew, or to go. */
  take(until: number): number {
    const heap = this.#heap
    while (heap.size > 0 && heap.least <= until) {
      const due = heap.least
      const slot = heap.pop()
      if (!this.#table.has(slot) || this.#column.values[slot] !== due) continue
      this.#table.touch(slot)
      return slot
    }
    return -1
  }
}
