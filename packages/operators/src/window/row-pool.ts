/**
 * Rows without keys: the derived partial aggregates of sliding windows, by number. It has what contents need of a table and nothing else,
 * so that taking a row costs no look-up. Row 0 is never given out: it is where parts are put together.
 */
import { type Column, type ColumnKind, KeyTable } from '@sluice/engine'

const CAPACITY_MIN = 64

export class RowPool {
  readonly columns: readonly Column[]
  /** Whose row is read; what a result says of its key. */
  key: unknown = undefined
  /** By row: the start of its pane. */
  starts: Float64Array = new Float64Array(CAPACITY_MIN)
  /** By row: the next of its list; 0: the last. Free rows are a list too. */
  next: Int32Array = new Int32Array(CAPACITY_MIN)
  #capacity = CAPACITY_MIN
  #end = 1
  #free = 0
  readonly #values: readonly Column[]

  constructor(kinds: readonly ColumnKind[]) {
    this.columns = new KeyTable(kinds).columns
    for (const column of this.columns) column.grow(CAPACITY_MIN)
    this.#values = this.columns.filter(({ kind }) => kind === 'value')
  }

  /** As a table for contents, which read its columns and the key. */
  get table(): KeyTable {
    return this as unknown as KeyTable
  }

  keyAt(_row: number): unknown {
    return this.key
  }

  take(): number {
    const free = this.#free
    if (free !== 0) {
      this.#free = this.next[free] as number
      return free
    }
    if (this.#end === this.#capacity) this.#grow()
    return this.#end++
  }

  release(row: number): void {
    const values = this.#values
    for (let index = 0; index < values.length; index++) (values[index] as Column).release(row)
    this.next[row] = this.#free
    this.#free = row
  }

  /** Takes all rows back. */
  clear(): void {
    this.#end = 1
    this.#free = 0
    for (const column of this.#values) (column.values as unknown[]).length = 1
  }

  #grow(): void {
    const capacity = 2 * this.#capacity
    this.#capacity = capacity
    const starts = new Float64Array(capacity)
    starts.set(this.starts)
    this.starts = starts
    const next = new Int32Array(capacity)
    next.set(this.next)
    this.next = next
    for (const column of this.columns) column.grow(capacity)
  }
}
