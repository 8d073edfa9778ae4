/**
 * The rows of a table as they were at a moment, while the table goes on changing: each is given to a sink once, at the latest before it
 * changes. Nothing is copied but one byte per slot; rows that were made later are not part of it.
 *
 * Invariant: a slot that is pending holds in these arrays what it held at the freeze. That stays so where the table takes larger ones, or
 * leaves them to this view when it is emptied.
 */
import type { Column } from './column.js'

/** Takes rows at once; must not fail, because it is called wherever a row is looked up. */
export interface RowSink {
  row(rows: FrozenRows, slot: number): void
  /** The first `count` of `slots`. */
  rows(rows: FrozenRows, slots: Int32Array, count: number): void
}

const BATCH_MAX = 64
/** So many rows lie in a cache line of a number column: whoever has fetched one writes the others with it, for a fraction of its price. */
const LINE_ROWS = 8
/** As far as a pending row is looked for byte by byte; beyond, a call is cheaper. */
const SCAN_MAX = 32
/** One per thread: a batch is given away before anything else is done. */
const batch = new Int32Array(BATCH_MAX)

export class FrozenRows {
  /** Of a window; NaN: the table has none. */
  readonly namespace: number
  /** NaN where the key is no number. */
  readonly numberKeys: Float64Array
  readonly otherKeys: readonly unknown[]
  readonly numbers: Float64Array[] = []
  readonly values: unknown[][] = []
  readonly #sink: RowSink
  readonly #pending: Uint8Array
  #next = 0
  /** What was pending at the freeze, where keys are kept. */
  #rows: Uint8Array | undefined
  #removed: Map<number, unknown> | undefined

  /** @param pending one byte per slot, 1: the row is to be written */
  constructor(sink: RowSink, namespace: number, pending: Uint8Array, keys: Float64Array, otherKeys: unknown[], columns: readonly Column[]) {
    this.#sink = sink
    this.namespace = namespace
    this.#pending = pending
    this.numberKeys = keys
    this.otherKeys = otherKeys
    for (const column of columns)
      if (column.kind === 'number') this.numbers.push(column.values)
      else this.values.push(column.values)
  }

  /** Writes a row that is about to change, where that is still to be done. */
  save(slot: number): void {
    if (this.#pending[slot] === 1) this.#save(slot)
  }

  #save(slot: number): void {
    const pending = this.#pending
    // What else is of any size is written one by one: a record waits for it.
    if (this.values.length > 0) {
      pending[slot] = 0
      this.#sink.row(this, slot)
      return
    }
    const first = slot & -LINE_ROWS
    let count = 0
    for (let near = first; near < first + LINE_ROWS; near++) {
      if (pending[near] !== 1) continue
      pending[near] = 0
      batch[count++] = near
    }
    this.#sink.rows(this, batch, count)
  }

  /** Remembers the keys of rows that are removed, for `keyAt`; said before anything is written. */
  keepKeys(): void {
    this.#rows ??= this.#pending.slice()
  }

  /** The row of a key is given up; it was saved. */
  remove(slot: number, key: unknown): void {
    if (this.#rows === undefined || this.#rows[slot] !== 1) return
    this.#removed ??= new Map()
    if (!this.#removed.has(slot)) this.#removed.set(slot, key)
  }

  /** The key of a slot at the freeze, where `keepKeys` was called then; undefined: it had no row that is state. */
  keyAt(slot: number): unknown {
    if (this.#rows?.[slot] !== 1) return undefined
    const removed = this.#removed
    if (removed !== undefined && removed.has(slot)) return removed.get(slot)
    const key = this.numberKeys[slot] as number
    return key === key ? key : this.otherKeys[slot]
  }

  /** Writes some rows; false where none is left. */
  step(): boolean {
    const pending = this.#pending
    const end = pending.length
    let slot = this.#next
    let count = 0
    let scanned = 0
    while (count < BATCH_MAX && slot < end) {
      if (pending[slot] === 1) {
        pending[slot] = 0
        batch[count++] = slot++
        scanned = 0
      } else if (scanned++ < SCAN_MAX) slot++
      else {
        slot = pending.indexOf(1, slot)
        if (slot < 0) slot = end
      }
    }
    this.#next = slot
    this.#sink.rows(this, batch, count)
    return slot < end
  }
}
