/**
 * Rows by key: the home of keyed state. A key has a slot, a small integer, as long as its row exists; columns hold what is kept per
 * row, indexed by slot. Numbers are found by open addressing in typed arrays, so a million numeric rows are a few arrays and nothing for
 * the collector to trace; other primitives through a Map, tuples and objects by their encoded words.
 *
 * Invariants: a slot in use is below `end` and `has(slot)`; freed slots are used again first; arrays grow by doubling, inside
 * `slotOf` and `reserve` only; while the table is frozen, a row is saved before anyone can change it.
 */
import { explainKey } from '../key/explain-key.js'
import { assert } from '../errors/sluice-error.js'
import { type Column, type ColumnKind, type ColumnName, NumberColumn, ValueColumn } from './column.js'
import { EncodedIndex } from './encoded-index.js'
import { FrozenRows, type RowSink } from './frozen-rows.js'

const CAPACITY_MIN = 16
/** What a row costs beside its columns, in bytes: its key, its place in the index, its flag. */
const ROW_BYTES = 25
/** A key or value that is no number: a reference and what it refers to, roughly. */
const VALUE_BYTES = 40

const double = new Float64Array(1)
const doubleWords = new Int32Array(double.buffer)

export class KeyTable {
  readonly columns: readonly Column[]
  /** Rows in use. */
  size = 0
  /** All slots in use are below. */
  end = 0
  /** Whether the last `slotOf` made the row. */
  created = false
  /** Rows in slots below are no state any more, though they are still there: a firing that is under way has emitted them. Reset by `clear`. */
  goneBelow = 0
  /** How columns are called in snapshots, where they have names: what is stored finds its column by it. */
  readonly names: readonly ColumnName[] | undefined
  #capacity = CAPACITY_MIN
  #numberKeys: Float64Array = new Float64Array(CAPACITY_MIN)
  #live: Uint8Array = new Uint8Array(CAPACITY_MIN)
  /** Keys that are no numbers, by slot, as they were given. */
  #otherKeys: unknown[] = []
  #primitives: Map<Primitive, number> | undefined
  #encoded: EncodedIndex | undefined
  /** Slot + 1 of a number key, 0: nothing. Twice as long as there are slots at least. */
  #index: Int32Array = new Int32Array(2 * CAPACITY_MIN)
  #free: number[] = []
  #frozen: FrozenRows | undefined

  constructor(columns: readonly ColumnKind[], names?: readonly ColumnName[]) {
    assert(names === undefined || names.length === columns.length, 'a table has as many names as columns')
    this.names = names
    this.columns = columns.map((kind) => (kind === 'number' ? new NumberColumn(CAPACITY_MIN) : new ValueColumn()))
  }

  /** The slot of a key, -1 where it has no row. Fails with `SLUICE_KEY_INVALID` for what cannot be a key. */
  find(key: unknown): number {
    if (typeof key !== 'number') return this.#findOther(key)
    if (key !== key) throw explainKey(key)
    const index = this.#index
    const mask = index.length - 1
    const keys = this.#numberKeys
    for (let at = hashNumber(key) & mask; ; at = (at + 1) & mask) {
      const slot = (index[at] as number) - 1
      if (slot < 0) return slot
      if (keys[slot] === key) {
        if (this.#frozen !== undefined) this.#frozen.save(slot)
        return slot
      }
    }
  }

  /** The slot of a key, whose row is made where it has none; `created` tells. The columns of a new row hold anything. */
  slotOf(key: unknown): number {
    if (typeof key !== 'number') return this.#slotOfOther(key)
    if (key !== key) throw explainKey(key)
    const index = this.#index
    const mask = index.length - 1
    const keys = this.#numberKeys
    let at = hashNumber(key) & mask
    for (; ; at = (at + 1) & mask) {
      const slot = (index[at] as number) - 1
      if (slot < 0) break
      if (keys[slot] === key) {
        this.created = false
        if (this.#frozen !== undefined) this.#frozen.save(slot)
        return slot
      }
    }
    const grown = this.#capacity
    const slot = this.#take()
    // Adding 0 turns -0 into 0.
    this.#numberKeys[slot] = key + 0
    if (this.#capacity === grown) index[at] = slot + 1
    else this.#enter(key, slot)
    return slot
  }

  has(slot: number): boolean {
    return this.#live[slot] === 1
  }

  /** The first slot in use at or behind this one, -1: none. For cursors that walk over the rows. */
  next(from: number): number {
    const live = this.#live
    for (let slot = from; slot < this.end; slot++) if (live[slot] === 1) return slot
    return -1
  }

  /** The key of a row as it was given first. */
  keyAt(slot: number): unknown {
    const key = this.#numberKeys[slot] as number
    return key === key ? key : this.#otherKeys[slot]
  }

  /**
   * Says that a row is about to change, or that a mutable object of it is handed out, where its slot is known from elsewhere than a `find` or
   * `slotOf` just before: from a walk, a heap, a timer.
   */
  touch(slot: number): void {
    if (this.#frozen !== undefined) this.#frozen.save(slot)
  }

  /**
   * From now on rows are saved in a sink before they change, and with `FrozenRows.step`, until `thaw`. One view at a time.
   *
   * @param namespace of the window; NaN: the table has none
   */
  freeze(sink: RowSink, namespace: number = Number.NaN): FrozenRows {
    assert(this.#frozen === undefined, 'a table is frozen twice')
    const pending = this.#live.slice(0, this.end)
    if (this.goneBelow > 0) pending.fill(0, 0, this.goneBelow)
    const frozen = new FrozenRows(sink, namespace, pending, this.#numberKeys, this.#otherKeys, this.columns)
    this.#frozen = frozen
    return frozen
  }

  /** Ends the view, where it is not another one by now. */
  thaw(view: FrozenRows): void {
    if (this.#frozen === view) this.#frozen = undefined
  }

  /** The frozen view remembers the keys of rows that are removed, for timers. */
  keepKeys(): void {
    this.#frozen?.keepKeys()
  }

  get kinds(): readonly ColumnKind[] {
    return this.columns.map(({ kind }) => kind)
  }

  /** Makes room for so many rows more at once. */
  reserve(rows: number): void {
    const needed = this.end + rows
    let capacity = this.#capacity
    while (capacity < needed) capacity *= 2
    if (capacity > this.#capacity) this.#grow(capacity)
  }

  /** The slot of a new row for a key that has none yet: half the price of asking first. */
  add(key: unknown): number {
    if (!isPrimitive(key)) return this.slotOf(key)
    return this.#addPrimitive(key)
  }

  /** Gives up a row; its slot will be used again. */
  remove(slot: number): void {
    if (this.#frozen !== undefined) {
      this.#frozen.save(slot)
      this.#frozen.remove(slot, this.keyAt(slot))
    }
    const key = this.#numberKeys[slot] as number
    if (key === key) this.#leave(key, slot)
    else {
      const other = this.#otherKeys[slot]
      if (isPrimitive(other)) this.#primitives?.delete(other)
      else this.#encoded?.remove(slot)
      this.#otherKeys[slot] = undefined
    }
    for (const column of this.columns) column.release(slot)
    this.#live[slot] = 0
    this.size--
    this.#free.push(slot)
  }

  /** Gives up all rows and keeps the room, as long as it is not much more than what was used. */
  clear(): void {
    // The arrays are left to the frozen view, which goes on with them.
    const shrink = this.#frozen !== undefined || (this.#capacity > CAPACITY_MIN && this.end < this.#capacity >> 3)
    this.#frozen = undefined
    if (shrink) {
      this.#capacity = CAPACITY_MIN
      this.#numberKeys = new Float64Array(CAPACITY_MIN)
      this.#live = new Uint8Array(CAPACITY_MIN)
      this.#index = new Int32Array(2 * CAPACITY_MIN)
      for (const column of this.columns) if (column.kind === 'number') column.values = new Float64Array(CAPACITY_MIN)
    } else {
      this.#live.fill(0, 0, this.end)
      this.#index.fill(0)
    }
    for (const column of this.columns) column.clear()
    this.#otherKeys = []
    this.#primitives?.clear()
    this.#encoded?.clear()
    this.#free = []
    this.size = 0
    this.end = 0
    this.goneBelow = 0
  }

  /** Memory held, in bytes; what values refer to is estimated. */
  get bytes(): number {
    let bytes = this.#capacity * ROW_BYTES + this.#otherKeys.length * VALUE_BYTES + (this.#encoded?.bytes ?? 0)
    for (const column of this.columns) bytes += column.kind === 'number' ? column.values.byteLength : column.values.length * VALUE_BYTES
    return bytes
  }

  #findOther(key: unknown): number {
    let slot: number
    if (isPrimitive(key)) slot = this.#primitives?.get(key) ?? -1
    else {
      this.#encoded ??= new EncodedIndex()
      slot = this.#encoded.find(key)
    }
    if (slot >= 0 && this.#frozen !== undefined) this.#frozen.save(slot)
    return slot
  }

  #slotOfOther(key: unknown): number {
    const known = this.#findOther(key)
    this.created = known < 0
    if (known >= 0) return known
    if (isPrimitive(key)) return this.#addPrimitive(key)
    const slot = this.#take()
    this.#numberKeys[slot] = Number.NaN
    this.#otherKeys[slot] = key
    this.#encoded?.add(slot)
    return slot
  }

  #addPrimitive(key: Primitive): number {
    const slot = this.#take()
    this.#numberKeys[slot] = Number.NaN
    this.#otherKeys[slot] = key
    this.#primitives ??= new Map()
    this.#primitives.set(key, slot)
    return slot
  }

  #take(): number {
    this.created = true
    this.size++
    let slot = this.#free.pop()
    if (slot === undefined) {
      if (this.end === this.#capacity) this.#grow(2 * this.#capacity)
      slot = this.end++
    }
    this.#live[slot] = 1
    return slot
  }

  #grow(capacity: number): void {
    this.#capacity = capacity
    const keys = new Float64Array(capacity)
    keys.set(this.#numberKeys)
    this.#numberKeys = keys
    const live = new Uint8Array(capacity)
    live.set(this.#live)
    this.#live = live
    for (const column of this.columns) column.grow(capacity)
    this.#index = new Int32Array(2 * capacity)
    for (let slot = 0; slot < this.end; slot++) {
      const key = keys[slot] as number
      if (key === key && live[slot] === 1) this.#enter(key, slot)
    }
  }

  #enter(key: number, slot: number): void {
    const index = this.#index
    const mask = index.length - 1
    let at = hashNumber(key) & mask
    while (index[at] !== 0) at = (at + 1) & mask
    index[at] = slot + 1
  }

  /** Takes a key out of the index and moves up those behind it that would no longer be found. */
  #leave(key: number, slot: number): void {
    const index = this.#index
    const mask = index.length - 1
    let gap = hashNumber(key) & mask
    while (index[gap] !== slot + 1) gap = (gap + 1) & mask
    for (let at = (gap + 1) & mask; index[at] !== 0; at = (at + 1) & mask) {
      const home = hashNumber(this.#numberKeys[(index[at] as number) - 1] as number) & mask
      if (((at - home) & mask) < ((at - gap) & mask)) continue
      index[gap] = index[at] as number
      gap = at
    }
    index[gap] = 0
  }
}

/** Keys that a Map tells apart as we do. */
type Primitive = string | boolean | bigint | null

function isPrimitive(key: unknown): key is Primitive {
  return typeof key === 'string' || key === null || typeof key === 'boolean' || typeof key === 'bigint'
}

function hashNumber(key: number): number {
  let hash = key | 0
  if (hash !== key) {
    double[0] = key
    hash = (doubleWords[0] as number) ^ Math.imul(doubleWords[1] as number, 0x9e3779b1)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return hash ^ (hash >>> 13)
}
