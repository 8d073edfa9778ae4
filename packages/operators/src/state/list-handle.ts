/** A list per key: one array per row, and where elements expire one of their times beside it. */
import { checkStateValue, type ColumnKind, type ValueColumn } from '@sluice/engine'
import type { KeyedRows, StateCells } from './keyed-rows.js'
import { putValue } from './put-value.js'
import type { ListState } from './state-types.js'
import type { TimeToLive } from './time-to-live.js'

const SHORT_LIST = 16
/** A list so short is copied when it grows: a fresh array has room for what is in it, one that grows takes room for sixteen more. */
const TINY_LIST = 4

export const listColumns = (ttl: TimeToLive | undefined): readonly ColumnKind[] => (ttl === undefined ? ['value'] : ['value', 'value'])

export class ListHandle implements ListState<unknown>, StateCells {
  readonly sweepAt: ((slot: number) => boolean) | undefined
  readonly #rows: KeyedRows
  readonly #name: string
  readonly #ttl: TimeToLive | undefined
  readonly #lists: ValueColumn
  readonly #expiries: ValueColumn | undefined

  constructor(rows: KeyedRows, name: string, ttl: TimeToLive | undefined, firstColumn: number) {
    this.#rows = rows
    this.#name = name
    this.#ttl = ttl
    this.#lists = rows.table.columns[firstColumn] as ValueColumn
    this.#expiries = ttl === undefined ? undefined : (rows.table.columns[firstColumn + 1] as ValueColumn)
    this.sweepAt = ttl === undefined ? undefined : (slot) => this.#sweepAt(slot, ttl)
  }

  add(value: unknown): void {
    const slot = this.#slot()
    checkStateValue(value, this.#name, this.#rows.operator)
    const list = this.#listAt(slot)
    if (list === undefined) this.#putAt(slot, [value])
    else if (list.length >= TINY_LIST || this.#ttl !== undefined) {
      list.push(value)
      if (this.#ttl !== undefined) this.#expiriesAt(slot).push(this.#rows.expiryFor(this.#ttl))
    } else this.#lists.values[slot] = list.concat([value])
  }

  values(): readonly unknown[] {
    const list = this.#read()
    return list === undefined ? [] : list.slice()
  }

  set(values: readonly unknown[]): void {
    const slot = this.#slot()
    checkStateValue(values, this.#name, this.#rows.operator)
    if (values.length === 0) this.clear()
    else this.#putAt(slot, values.slice())
  }

  get size(): number {
    return this.#read()?.length ?? 0
  }

  clear(): void {
    this.resetAt(this.#slot())
    this.#rows.doubtful = true
  }

  resetAt(slot: number): void {
    this.#lists.release(slot)
    this.#expiries?.release(slot)
  }

  isEmptyAt(slot: number): boolean {
    return this.#listAt(slot) === undefined
  }

  adoptAt(slot: number): void {
    const list = this.#listAt(slot)
    if (this.#ttl !== undefined && list !== undefined) this.#putAt(slot, list)
  }

  #slot(): number {
    const { slot } = this.#rows
    if (slot < 0) this.#rows.refuse(`state ${this.#name}`)
    return slot
  }

  #read(): readonly unknown[] | undefined {
    const slot = this.#slot()
    const ttl = this.#ttl
    if (ttl !== undefined) {
      if (this.#expireAt(slot, ttl)) this.#rows.doubtful = true
      if (ttl.onRead && this.#listAt(slot) !== undefined) this.#expiriesAt(slot).fill(this.#rows.expiryFor(ttl))
    }
    return this.#listAt(slot)
  }

  #listAt(slot: number): unknown[] | undefined {
    const lists = this.#lists.values
    return slot < lists.length ? (lists[slot] as unknown[] | undefined) : undefined
  }

  #expiriesAt(slot: number): number[] {
    return (this.#expiries as ValueColumn).values[slot] as number[]
  }

  #putAt(slot: number, list: unknown[]): void {
    putValue(this.#lists, slot, list)
    if (this.#ttl !== undefined) {
      putValue(this.#expiries as ValueColumn, slot, Array<number>(list.length).fill(this.#rows.expiryFor(this.#ttl)))
    }
  }

  /** A long list is gone through when half of it has expired, so that an element costs the same however long the list is. */
  #sweepAt(slot: number, ttl: TimeToLive): boolean {
    const length = this.#listAt(slot)?.length ?? 0
    if (length > SHORT_LIST && !(this.#rows.nowFor(ttl) >= (this.#expiriesAt(slot)[length >> 1] as number))) return false
    return this.#expireAt(slot, ttl)
  }

  #expireAt(slot: number, ttl: TimeToLive): boolean {
    const list = this.#listAt(slot)
    if (list === undefined) return false
    const now = this.#rows.nowFor(ttl)
    const expiries = this.#expiriesAt(slot)
    let kept = 0
    for (let at = 0; at < list.length; at++) {
      const expiry = expiries[at] as number
      if (now >= expiry) continue
      if (kept < at) {
        list[kept] = list[at]
        expiries[kept] = expiry
      }
      kept++
    }
    if (kept === list.length) return false
    if (kept === 0) this.resetAt(slot)
    else {
      list.length = kept
      expiries.length = kept
    }
    return true
  }
}
