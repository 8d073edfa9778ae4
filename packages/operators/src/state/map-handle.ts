/** A map per key: its entries in one column of values. */
import { checkStateValue, type ColumnKind, type ValueColumn } from '@sluice/engine'
import type { KeyedRows, StateCells } from './keyed-rows.js'
import * as entries from './map-entries.js'
import { putValue } from './put-value.js'
import type { MapState } from './state-types.js'
import type { TimeToLive } from './time-to-live.js'

export const mapColumns: readonly ColumnKind[] = ['value']

/** Expired entries that a sweep gives up at once. */
const ENTRIES_PER_SWEEP = 8

export class MapHandle implements MapState<unknown, unknown>, StateCells {
  readonly sweepAt: ((slot: number) => boolean) | undefined
  readonly #rows: KeyedRows
  readonly #name: string
  readonly #ttl: TimeToLive | undefined
  readonly #maps: ValueColumn
  /** Places of an entry in flat form: key, value, and with a TTL when it expires. */
  readonly #stride: number

  constructor(rows: KeyedRows, name: string, ttl: TimeToLive | undefined, firstColumn: number) {
    this.#rows = rows
    this.#name = name
    this.#ttl = ttl
    this.#maps = rows.table.columns[firstColumn] as ValueColumn
    this.#stride = ttl === undefined ? 2 : 3
    this.sweepAt = ttl === undefined ? undefined : (slot) => this.#expireAt(slot, ttl, false, ENTRIES_PER_SWEEP)
  }

  get(key: unknown): unknown {
    const map = this.#mapAt(this.#slot())
    if (map === undefined) entries.checkKey(key)
    if (map === undefined || (this.#ttl !== undefined && !this.#isAlive(map, key, this.#ttl))) return undefined
    return entries.readEntry(map, key, this.#stride)
  }

  set(key: unknown, value: unknown): void {
    const slot = this.#slot()
    checkStateValue(value, this.#name, this.#rows.operator)
    const ttl = this.#ttl
    let before = this.#mapAt(slot)
    // What has expired comes back at the end of the order, like any new entry.
    if (ttl !== undefined && before !== undefined && !this.#isAlive(before, key, ttl)) before = this.#mapAt(slot)
    const expiry = ttl === undefined ? 0 : this.#rows.expiryFor(ttl)
    const after = entries.writeEntry(before, key, value, this.#stride, expiry)
    if (after !== before) putValue(this.#maps, slot, after)
  }

  has(key: unknown): boolean {
    const map = this.#mapAt(this.#slot())
    if (map === undefined) entries.checkKey(key)
    if (map === undefined || (this.#ttl !== undefined && !this.#isAlive(map, key, this.#ttl))) return false
    return entries.hasEntry(map, key, this.#stride)
  }

  delete(key: unknown): void {
    const slot = this.#slot()
    const map = this.#mapAt(slot)
    if (map === undefined) {
      entries.checkKey(key)
      return
    }
    entries.deleteEntry(map, key, this.#stride)
    this.#dropEmpty(slot, map)
  }

  keys(): readonly unknown[] {
    const map = this.#read()
    return map === undefined ? [] : entries.keysOf(map, this.#stride)
  }

  values(): readonly unknown[] {
    const map = this.#read()
    return map === undefined ? [] : entries.valuesOf(map, this.#stride)
  }

  entries(): readonly (readonly [unknown, unknown])[] {
    const map = this.#read()
    if (map === undefined) return []
    const values = entries.valuesOf(map, this.#stride)
    return entries.keysOf(map, this.#stride).map((key, at) => [key, values[at]])
  }

  get size(): number {
    const map = this.#read()
    return map === undefined ? 0 : entries.countEntries(map, this.#stride)
  }

  clear(): void {
    this.resetAt(this.#slot())
    this.#rows.doubtful = true
  }

  resetAt(slot: number): void {
    this.#maps.release(slot)
  }

  isEmptyAt(slot: number): boolean {
    return this.#mapAt(slot) === undefined
  }

  adoptAt(slot: number, hadTtl: boolean): void {
    const map = this.#mapAt(slot)
    if (map === undefined) return
    const expiry = this.#ttl === undefined ? 0 : this.#rows.expiryFor(this.#ttl)
    putValue(this.#maps, slot, entries.restride(map, hadTtl ? 3 : 2, this.#stride, expiry))
  }

  #slot(): number {
    const { slot } = this.#rows
    if (slot < 0) this.#rows.refuse(`state ${this.#name}`)
    return slot
  }

  #mapAt(slot: number): entries.Entries | undefined {
    const maps = this.#maps.values
    return slot < maps.length ? (maps[slot] as entries.Entries | undefined) : undefined
  }

  /** Entries to be read all together: none of them has expired. */
  #read(): entries.Entries | undefined {
    const slot = this.#slot()
    const ttl = this.#ttl
    if (ttl === undefined) return this.#mapAt(slot)
    // By the clock, entries expire in the order in which they were touched.
    this.#expireAt(slot, ttl, ttl.byEvent, Number.POSITIVE_INFINITY)
    const map = this.#mapAt(slot)
    if (map !== undefined && ttl.onRead) {
      const expiry = this.#rows.expiryFor(ttl)
      for (const key of entries.keysOf(map, this.#stride)) entries.touchEntry(map, key, expiry)
    }
    return map
  }

  /** Gives up an entry that has expired; one that is read is touched where reading counts. */
  #isAlive(map: entries.Entries, key: unknown, ttl: TimeToLive): boolean {
    const expiry = entries.expiryOf(map, key)
    if (expiry === undefined) return false
    if (this.#rows.nowFor(ttl) >= expiry) {
      entries.deleteEntry(map, key, this.#stride)
      this.#dropEmpty(this.#rows.slot, map)
      return false
    }
    if (ttl.onRead) entries.touchEntry(map, key, this.#rows.expiryFor(ttl))
    return true
  }

  #expireAt(slot: number, ttl: TimeToLive, all: boolean, max: number): boolean {
    const map = this.#mapAt(slot)
    if (map === undefined || !entries.expireEntries(map, this.#rows.nowFor(ttl), all, max)) return false
    this.#dropEmpty(slot, map)
    return true
  }

  #dropEmpty(slot: number, map: entries.Entries): void {
    if (entries.countEntries(map, this.#stride) > 0) return
    this.resetAt(slot)
    this.#rows.doubtful = true
  }
}
