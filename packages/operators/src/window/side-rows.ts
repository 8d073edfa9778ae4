/**
 * Columns beside those of a table, by its slots: what is derived from state and is none itself. It has what contents need of a table and
 * nothing else.
 */
import { type Column, type ColumnKind, KeyTable } from '@sluice/engine'

/** That of an empty table. */
const CAPACITY_MIN = 16

export class SideRows {
  readonly columns: readonly Column[]
  readonly #keys: KeyTable
  readonly #values: readonly Column[]
  #capacity = CAPACITY_MIN

  constructor(keys: KeyTable, kinds: readonly ColumnKind[]) {
    this.#keys = keys
    this.columns = new KeyTable(kinds).columns
    this.#values = this.columns.filter(({ kind }) => kind === 'value')
  }

  /** As a table for contents, which read its columns and the key. */
  get table(): KeyTable {
    return this as unknown as KeyTable
  }

  keyAt(slot: number): unknown {
    return this.#keys.keyAt(slot)
  }

  /** Makes room for a slot. */
  reach(slot: number): void {
    if (slot < this.#capacity) return
    while (this.#capacity <= slot) this.#capacity *= 2
    for (const column of this.columns) column.grow(this.#capacity)
  }

  /** A free slot holds nothing that could keep memory. */
  release(slot: number): void {
    for (const column of this.#values) column.release(slot)
  }

  clear(): void {
    for (const column of this.columns) {
      column.clear()
      if (column.kind === 'number' && this.#capacity > CAPACITY_MIN) column.values = new Float64Array(CAPACITY_MIN)
    }
    this.#capacity = CAPACITY_MIN
  }
}
