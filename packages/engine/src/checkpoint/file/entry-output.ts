/**
 * Entries of one state, dealt out to a buffer per key group, each of which is a slice of one arena; full ones become blocks. It runs wherever
 * a row of a frozen table is looked up, so it never fails: what cannot be encoded is reported, and the rest is left out.
 *
 * Invariant: a slice begins with the first entry of a block, so a namespace is written in front of it.
 */
import { writeNumber } from '../../codec/any-writer.js'
import { MISFIT, NO_ROOM } from '../../codec/contract.js'
import { hashKey, keyGroupOf } from '../../key/hash-key.js'
import type { FrozenRows, RowSink } from '../../state/frozen-rows.js'
import type { TimerSink } from '../../state/frozen-timers.js'
import { Arena, type ArenaPool } from './arena.js'
import { NAMESPACE_TAG } from './format.js'
import type { ObjectShapes } from './object-shapes.js'
import { writeValue } from './state-value.js'

/** A namespace and a number key. */
const HEAD_BYTES = 18
/** Where an entry larger than a slice is encoded. */
const LARGE_BYTES_MIN = 256 * 1024
const LARGE_BYTES_MAX = 2 ** 30

export interface EntryHost {
  readonly keyGroups: number
  readonly shapes: ObjectShapes
  readonly arenas: ArenaPool
  /** Whether nothing more need be encoded. */
  readonly failed: boolean
  /** Takes the bytes of a block, which are used again. */
  block(state: number, group: number, entries: number, bytes: Uint8Array): void
  /** An entry cannot be encoded; `values` are those that it consists of. */
  refuse(state: number, key: unknown, values: readonly unknown[]): void
}

type Encode = (arena: Arena, at: number, limit: number) => number

export class EntryOutput implements RowSink, TimerSink {
  entries = 0
  /** Key of the row that a timer belongs to; set before the first one. */
  keyOfTimer: (slot: number, namespace: number) => unknown = () => undefined
  readonly #host: EntryHost
  readonly #state: number
  readonly #sliceBytes: number
  readonly #keyGroups: number
  // By key group; a limit of 0: it has no slice yet.
  readonly #ends: Int32Array
  readonly #limits: Int32Array
  readonly #counts: Int32Array
  readonly #namespaces: Float64Array
  #arena: Arena
  #slices = 0
  #nextFlushed = 0

  /**
   * @param state its number in the file
   * @param slices how many key groups there are, most likely
   */
  constructor(host: EntryHost, state: number, sliceBytes: number, slices: number) {
    const { keyGroups } = host
    this.#host = host
    this.#state = state
    this.#sliceBytes = sliceBytes
    this.#keyGroups = keyGroups
    this.#ends = new Int32Array(keyGroups)
    this.#limits = new Int32Array(keyGroups)
    this.#counts = new Int32Array(keyGroups)
    this.#namespaces = new Float64Array(keyGroups).fill(Number.NaN)
    this.#arena = host.arenas.take(sliceBytes * slices)
  }

  rows(rows: FrozenRows, slots: Int32Array, count: number): void {
    const { numberKeys, numbers, values, namespace } = rows
    if (values.length > 0 || namespace === namespace) {
      for (let index = 0; index < count; index++) this.row(rows, slots[index] as number)
      return
    }
    // The state that there is most of: number columns by number keys.
    if (this.#host.failed) return
    const { view } = this.#arena
    const ends = this.#ends
    const limits = this.#limits
    const counts = this.#counts
    const keyGroups = this.#keyGroups
    const bytesMax = 9 + 8 * numbers.length
    let written = 0
    for (let index = 0; index < count; index++) {
      const slot = slots[index] as number
      const key = numberKeys[slot] as number
      const group = key === key ? keyGroupOf(hashKey(key), keyGroups) : 0
      let at = ends[group] as number
      if (key !== key || at + bytesMax > (limits[group] as number)) {
        this.row(rows, slot)
        // It may have taken larger memory.
        if (this.#arena.view !== view) {
          this.entries += written
          for (let rest = index + 1; rest < count; rest++) this.row(rows, slots[rest] as number)
          return
        }
        continue
      }
      at = writeNumber(key, view, at, limits[group] as number)
      for (let column = 0; column < numbers.length; column++, at += 8) {
        view.setFloat64(at, (numbers[column] as Float64Array)[slot] as number, true)
      }
      ends[group] = at
      counts[group] = (counts[group] as number) + 1
      written++
    }
    this.entries += written
  }

  row(rows: FrozenRows, slot: number): void {
    if (this.#host.failed) return
    const number = rows.numberKeys[slot] as number
    const key = number === number ? number : rows.otherKeys[slot]
    const group = keyGroupOf(number === number ? hashKey(number) : hashKey(key), this.#keyGroups)
    const end = this.#encodeRow(rows, slot, number, group, this.#arena, this.#ends[group] as number, this.#limits[group] as number)
    if (end < 0) {
      const encode: Encode = (arena, at, limit) => this.#encodeRow(rows, slot, number, group, arena, at, limit)
      const valuesOf = (): unknown[] => rows.values.map((values) => values[slot])
      this.#encodeAgain(end, group, rows.namespace, key, encode, valuesOf)
      return
    }
    this.#ends[group] = end
    this.#namespaces[group] = rows.namespace
    this.#counts[group] = (this.#counts[group] as number) + 1
    this.entries++
  }

  timer(slot: number, group: number, time: number, namespace: number, sequence: number): void {
    if (this.#host.failed) return
    const key = this.keyOfTimer(slot, namespace)
    // Of a row that is gone: it would find nothing when it comes.
    if (key === undefined) return
    const encode: Encode = (arena, at, limit) => this.#encodeTimer(key, group, time, namespace, sequence, arena, at, limit)
    const end = encode(this.#arena, this.#ends[group] as number, this.#limits[group] as number)
    if (end < 0) {
      this.#encodeAgain(end, group, namespace, key, encode, () => [])
      return
    }
    this.#ends[group] = end
    this.#namespaces[group] = namespace
    this.#counts[group] = (this.#counts[group] as number) + 1
    this.entries++
  }

  /** Makes blocks of what is left, some at a time; false where nothing is left. */
  flushSome(groupsMax: number): boolean {
    let count = 0
    while (this.#nextFlushed < this.#keyGroups) {
      const group = this.#nextFlushed++
      if ((this.#counts[group] as number) === 0) continue
      this.#flush(group)
      if (++count === groupsMax) return true
    }
    return false
  }

  release(): void {
    this.#host.arenas.give(this.#arena)
    this.#arena = new Arena(0)
    this.#limits.fill(0)
    this.#ends.fill(0)
    this.#counts.fill(0)
  }

  #encodeRow(rows: FrozenRows, slot: number, number: number, group: number, arena: Arena, start: number, limit: number): number {
    const { view } = arena
    const { namespace, numbers, values } = rows
    if (start + HEAD_BYTES > limit) return NO_ROOM
    let at = start
    if (namespace === namespace && this.#namespaces[group] !== namespace) {
      view.setUint8(at, NAMESPACE_TAG)
      view.setFloat64(at + 1, namespace, true)
      at += 9
    }
    at =
      number === number
        ? writeNumber(number, view, at, limit)
        : writeValue(rows.otherKeys[slot], view, arena.bytes, at, limit, this.#host.shapes)
    if (at < 0) return at
    if (at + 8 * numbers.length > limit) return NO_ROOM
    for (let column = 0; column < numbers.length; column++, at += 8) {
      view.setFloat64(at, (numbers[column] as Float64Array)[slot] as number, true)
    }
    for (let column = 0; column < values.length; column++) {
      const held = values[column] as unknown[]
      // A column may be shorter than its table.
      at = writeValue(slot < held.length ? held[slot] : undefined, view, arena.bytes, at, limit, this.#host.shapes)
      if (at < 0) return at
    }
    return at
  }

  #encodeTimer(
    key: unknown,
    group: number,
    time: number,
    namespace: number,
    sequence: number,
    arena: Arena,
    start: number,
    limit: number,
  ): number {
    const { view } = arena
    if (start + HEAD_BYTES > limit) return NO_ROOM
    let at = start
    if (this.#namespaces[group] !== namespace) {
      view.setUint8(at, NAMESPACE_TAG)
      view.setFloat64(at + 1, namespace, true)
      at += 9
    }
    at = writeValue(key, view, arena.bytes, at, limit, this.#host.shapes)
    if (at < 0) return at
    if (at + 16 > limit) return NO_ROOM
    view.setFloat64(at, time, true)
    view.setFloat64(at + 8, sequence, true)
    return at + 16
  }

  /** The slice of the group is full, or is not there yet, or the entry is larger than any. */
  #encodeAgain(refused: number, group: number, namespace: number, key: unknown, encode: Encode, valuesOf: () => readonly unknown[]): void {
    let end = refused
    if (end === NO_ROOM) {
      if (this.#limits[group] === 0) this.#addSlice(group)
      else this.#flush(group)
      end = encode(this.#arena, this.#ends[group] as number, this.#limits[group] as number)
      if (end >= 0) {
        this.#ends[group] = end
        this.#namespaces[group] = namespace
        this.#counts[group] = 1
        this.entries++
        return
      }
    }
    for (let length = LARGE_BYTES_MIN; end === NO_ROOM && length <= LARGE_BYTES_MAX; length *= 4) {
      const large = new Arena(length)
      end = encode(large, 0, length)
      if (end >= 0) this.#host.block(this.#state, group, 1, large.bytes.subarray(0, end))
    }
    if (end === MISFIT || end === NO_ROOM) this.#host.refuse(this.#state, key, valuesOf())
    else this.entries++
  }

  #flush(group: number): void {
    const count = this.#counts[group] as number
    const start = (this.#limits[group] as number) - this.#sliceBytes
    if (count > 0) this.#host.block(this.#state, group, count, this.#arena.bytes.subarray(start, this.#ends[group]))
    this.#ends[group] = start
    this.#counts[group] = 0
    this.#namespaces[group] = Number.NaN
  }

  #addSlice(group: number): void {
    const start = this.#slices++ * this.#sliceBytes
    const limit = start + this.#sliceBytes
    if (limit > this.#arena.bytes.length) {
      const larger = new Arena(Math.max(2 * this.#arena.bytes.length, limit))
      this.#arena.bytes.copy(larger.bytes)
      this.#arena = larger
    }
    this.#ends[group] = start
    this.#limits[group] = limit
  }
}
