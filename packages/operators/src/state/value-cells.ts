/**
 * One value per row: what value and reducing state have in common. Numbers lie in a column of their own, unboxed; NaN there says that the
 * value, if there is one, lies in the column of values. State of numbers alone costs 8 bytes a row.
 */
import { checkStateValue, type ColumnKind, type NumberColumn, type ValueColumn } from '@sluice/engine'
import type { KeyedRows, StateCells } from './keyed-rows.js'
import { putValue } from './put-value.js'
import type { TimeToLive } from './time-to-live.js'

export const valueColumns = (ttl: TimeToLive | undefined): readonly ColumnKind[] =>
  ttl === undefined ? ['number', 'value'] : ['number', 'value', 'number']

export abstract class ValueCells implements StateCells {
  protected readonly rows: KeyedRows
  protected readonly name: string
  readonly sweepAt: ((slot: number) => boolean) | undefined
  readonly #ttl: TimeToLive | undefined
  readonly #numbers: NumberColumn
  readonly #others: ValueColumn
  readonly #expiries: NumberColumn | undefined

  constructor(rows: KeyedRows, name: string, ttl: TimeToLive | undefined, firstColumn: number) {
    const { columns } = rows.table
    this.rows = rows
    this.name = name
    this.#ttl = ttl
    this.#numbers = columns[firstColumn] as NumberColumn
    this.#others = columns[firstColumn + 1] as ValueColumn
    this.#expiries = ttl === undefined ? undefined : (columns[firstColumn + 2] as NumberColumn)
    this.sweepAt = ttl === undefined ? undefined : (slot) => this.#expireAt(slot, ttl)
  }

  clear(): void {
    const { slot } = this.rows
    if (slot < 0) this.rows.refuse(`state ${this.name}`)
    this.resetAt(slot)
    this.rows.doubtful = true
  }

  resetAt(slot: number): void {
    this.#numbers.values[slot] = Number.NaN
    this.#others.release(slot)
    if (this.#expiries !== undefined) this.#expiries.values[slot] = Number.POSITIVE_INFINITY
  }

  isEmptyAt(slot: number): boolean {
    const number = this.#numbers.values[slot] as number
    return number !== number && this.#otherAt(slot) === undefined
  }

  adoptAt(slot: number): void {
    if (this.#expiries === undefined || this.isEmptyAt(slot)) return
    this.#expiries.values[slot] = this.rows.expiryFor(this.#ttl as TimeToLive)
  }

  /** What a row keeps; undefined: nothing. */
  protected heldAt(slot: number): unknown {
    const number = this.#numbers.values[slot] as number
    return number === number ? number : this.#otherAt(slot)
  }

  /** Replaces what a row keeps. */
  protected putAt(slot: number, value: unknown): void {
    const isNumber = typeof value === 'number' && value === value
    this.#numbers.values[slot] = isNumber ? value : Number.NaN
    if (isNumber) this.#others.release(slot)
    else putValue(this.#others, slot, value)
  }

  /** undefined: nothing is kept. */
  protected read(): unknown {
    const { slot } = this.rows
    if (slot < 0) this.rows.refuse(`state ${this.name}`)
    if (this.#ttl !== undefined) this.#touchAt(slot, this.#ttl)
    return this.heldAt(slot)
  }

  protected write(value: unknown): void {
    const { slot } = this.rows
    if (slot < 0) this.rows.refuse(`state ${this.name}`)
    if (typeof value === 'number' && value === value) {
      this.#numbers.values[slot] = value
      if (this.#others.values.length > slot) this.#others.values[slot] = undefined
    } else if (value === undefined) {
      this.clear()
      return
    } else {
      checkStateValue(value, this.name, this.rows.operator)
      this.#numbers.values[slot] = Number.NaN
      putValue(this.#others, slot, value)
    }
    if (this.#expiries !== undefined) this.#expiries.values[slot] = this.rows.expiryFor(this.#ttl as TimeToLive)
  }

  #otherAt(slot: number): unknown {
    const others = this.#others.values
    return slot < others.length ? others[slot] : undefined
  }

  #touchAt(slot: number, ttl: TimeToLive): void {
    if (this.#expireAt(slot, ttl)) this.rows.doubtful = true
    else if (ttl.onRead && !this.isEmptyAt(slot)) (this.#expiries as NumberColumn).values[slot] = this.rows.expiryFor(ttl)
  }

  #expireAt(slot: number, ttl: TimeToLive): boolean {
    if (!(this.rows.nowFor(ttl) >= ((this.#expiries as NumberColumn).values[slot] as number)) || this.isEmptyAt(slot)) return false
    this.resetAt(slot)
    return true
  }
}
