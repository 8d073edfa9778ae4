/**
 * Timers of one kind of time of one operator: unique per time, key (by its slot in the operator's table) and namespace, cancelled exactly,
 * and taken in the order of time, key group, registration. A heap with four children per node, and an index over it by open addressing, all
 * in typed arrays: 36 bytes a timer when they are full, 8 more once a namespace other than 0 was used.
 *
 * Invariants: `heapIds[positions[id]] === id` for every timer; each is in the index once; ids of timers that are gone are used again first.
 */
import { assert } from '../errors/sluice-error.js'
import { FrozenTimers, type TimerSink } from './frozen-timers.js'
import type { KeyTable } from './key-table.js'
import type { StatePart } from './state-registry.js'
import type { WindowTables } from './window-tables.js'

const CAPACITY_MIN = 16
/** Registrations that can be told apart before they are numbered anew; with 2^15 key groups ranks stay exact. */
const SEQUENCES = 2 ** 38
const TIMER_BYTES = 36

const double = new Float64Array(1)
const doubleWords = new Int32Array(double.buffer)

export class TimerQueue implements StatePart {
  /** Timers waiting. */
  size = 0
  /** Of the timer taken last. */
  time: number = Number.NaN
  slot = -1
  namespace = 0
  /** Whose slots timers have: the table of the operator, or its tables by namespace. Without it the timers cannot be part of a checkpoint. */
  readonly rows: KeyTable | WindowTables | undefined
  readonly #sequences: number
  #capacity = CAPACITY_MIN
  // By position in the heap.
  #heapTimes: Float64Array = new Float64Array(CAPACITY_MIN)
  #heapIds: Int32Array = new Int32Array(CAPACITY_MIN)
  // By id.
  #positions: Int32Array = new Int32Array(CAPACITY_MIN)
  #slots: Int32Array = new Int32Array(CAPACITY_MIN)
  /** Key group and number of registration: what decides between timers of one time. */
  #ranks: Float64Array = new Float64Array(CAPACITY_MIN)
  #namespaces: Float64Array | undefined
  /** Id + 1, 0: nothing. Twice as long as there are timers at least. */
  #index: Int32Array = new Int32Array(2 * CAPACITY_MIN)
  #sequence = 0

  /** @param sequences after how many registrations they are numbered anew; for tests */
  constructor(rows?: KeyTable | WindowTables, sequences: number = SEQUENCES) {
    this.rows = rows
    this.#sequences = sequences
    for (let id = 0; id < CAPACITY_MIN; id++) this.#heapIds[id] = id
  }

  /** When the next timer is due; Infinity: none waits. */
  get dueAt(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : (this.#heapTimes[0] as number)
  }

  /** Adds a timer; false where there is one already, which keeps its place. `time` is a finite number. */
  set(time: number, group: number, slot: number, namespace = 0): boolean {
    if (this.#find(time, slot, namespace) >= 0) return false
    if (this.size === this.#capacity) this.#grow()
    if (namespace !== 0) this.#namespaces ??= new Float64Array(this.#capacity)
    if (this.#sequence >= this.#sequences) this.#number()
    this.#add(time, group, slot, namespace, this.#sequence++)
    return true
  }

  /** Adds a timer as it was stored, with the number of its registration: those that are set later come behind it. False where there is one already. */
  load(time: number, group: number, slot: number, namespace: number, sequence: number): boolean {
    if (this.#find(time, slot, namespace) >= 0) return false
    if (this.size === this.#capacity) this.#grow()
    if (namespace !== 0) this.#namespaces ??= new Float64Array(this.#capacity)
    this.#add(time, group, slot, namespace, sequence)
    if (sequence >= this.#sequence) this.#sequence = sequence + 1
    return true
  }

  /** What waits now, to be written later; rows must be frozen already, and keep their keys. */
  freeze(sink: TimerSink): FrozenTimers {
    const { size } = this
    return new FrozenTimers(
      sink,
      this.#sequences,
      this.#heapTimes.slice(0, size),
      this.#heapIds.slice(0, size),
      this.#slots.slice(0, this.#capacity),
      this.#ranks.slice(0, this.#capacity),
      this.#namespaces?.slice(0, this.#capacity),
    )
  }

  #add(time: number, group: number, slot: number, namespace: number, sequence: number): void {
    // Behind the heap lie the ids that are free.
    const position = this.size++
    const id = this.#heapIds[position] as number
    this.#slots[id] = slot
    this.#ranks[id] = group * this.#sequences + sequence
    if (this.#namespaces !== undefined) this.#namespaces[id] = namespace
    this.#enter(hashTimer(time, slot, namespace), id)
    this.#rise(position, id, time)
  }

  /** Forgets a timer; false where there is none. */
  cancel(time: number, slot: number, namespace = 0): boolean {
    const at = this.#find(time, slot, namespace)
    if (at < 0) return false
    this.#remove(at)
    return true
  }

  has(time: number, slot: number, namespace = 0): boolean {
    return this.#find(time, slot, namespace) >= 0
  }

  /** Takes the next timer that is due at `until`, as `time`, `slot` and `namespace`; false where none is. */
  take(until: number): boolean {
    if (this.size === 0) return false
    const time = this.#heapTimes[0] as number
    if (time > until) return false
    const id = this.#heapIds[0] as number
    this.time = time
    this.slot = this.#slots[id] as number
    this.namespace = this.#namespaces === undefined ? 0 : (this.#namespaces[id] as number)
    this.#remove(this.#find(time, this.slot, this.namespace))
    return true
  }

  clear(): void {
    this.size = 0
    this.#index.fill(0)
  }

  get bytes(): number {
    return this.#capacity * (this.#namespaces === undefined ? TIMER_BYTES : TIMER_BYTES + 8)
  }

  /** Place in the index, -1: there is no such timer. */
  #find(time: number, slot: number, namespace: number): number {
    const index = this.#index
    const mask = index.length - 1
    for (let at = hashTimer(time, slot, namespace) & mask; ; at = (at + 1) & mask) {
      const id = (index[at] as number) - 1
      if (id < 0) return -1
      if (this.#slots[id] !== slot || this.#heapTimes[this.#positions[id] as number] !== time) continue
      if (this.#namespaces === undefined ? namespace === 0 : this.#namespaces[id] === namespace) return at
    }
  }

  #enter(hash: number, id: number): void {
    const index = this.#index
    const mask = index.length - 1
    let at = hash & mask
    while (index[at] !== 0) at = (at + 1) & mask
    index[at] = id + 1
  }

  /** Takes a timer by its place in the index, and moves up those behind it that would no longer be found. */
  #remove(place: number): void {
    const index = this.#index
    const mask = index.length - 1
    const id = (index[place] as number) - 1
    let gap = place
    for (let at = (gap + 1) & mask; index[at] !== 0; at = (at + 1) & mask) {
      const home = this.#hashOf((index[at] as number) - 1) & mask
      if (((at - home) & mask) < ((at - gap) & mask)) continue
      index[gap] = index[at] as number
      gap = at
    }
    index[gap] = 0
    const position = this.#positions[id] as number
    const last = --this.size
    const moved = this.#heapIds[last] as number
    const time = this.#heapTimes[last] as number
    this.#heapIds[last] = id
    if (position === last) return
    if (!this.#rise(position, moved, time)) this.#sink(position, moved, time)
  }

  #hashOf(id: number): number {
    const time = this.#heapTimes[this.#positions[id] as number] as number
    return hashTimer(time, this.#slots[id] as number, this.#namespaces === undefined ? 0 : (this.#namespaces[id] as number))
  }

  #put(position: number, id: number, time: number): void {
    this.#heapTimes[position] = time
    this.#heapIds[position] = id
    this.#positions[id] = position
  }

  /** Puts a timer at a position or above it; true where it went above. */
  #rise(start: number, id: number, time: number): boolean {
    const times = this.#heapTimes
    let position = start
    while (position > 0) {
      const parent = (position - 1) >> 2
      const parentTime = times[parent] as number
      const parentId = this.#heapIds[parent] as number
      if (parentTime < time || (parentTime === time && (this.#ranks[parentId] as number) < (this.#ranks[id] as number))) break
      this.#put(position, parentId, parentTime)
      position = parent
    }
    this.#put(position, id, time)
    return position !== start
  }

  #sink(start: number, id: number, time: number): void {
    const times = this.#heapTimes
    const ids = this.#heapIds
    const ranks = this.#ranks
    const { size } = this
    let position = start
    for (let child = 4 * position + 1; child < size; child = 4 * position + 1) {
      let least = child
      const end = Math.min(child + 4, size)
      for (let other = child + 1; other < end; other++) {
        const otherTime = times[other] as number
        const leastTime = times[least] as number
        if (otherTime > leastTime) continue
        if (otherTime < leastTime || (ranks[ids[other] as number] as number) < (ranks[ids[least] as number] as number)) least = other
      }
      const leastTime = times[least] as number
      const leastId = ids[least] as number
      if (time < leastTime || (time === leastTime && (ranks[id] as number) < (ranks[leastId] as number))) break
      this.#put(position, leastId, leastTime)
      position = least
    }
    this.#put(position, id, time)
  }

  #grow(): void {
    const capacity = 2 * this.#capacity
    assert(capacity <= 2 ** 30, 'an operator has more timers than can be counted')
    const old = this.#capacity
    this.#capacity = capacity
    this.#heapTimes = larger(this.#heapTimes, new Float64Array(capacity))
    this.#heapIds = larger(this.#heapIds, new Int32Array(capacity))
    this.#positions = larger(this.#positions, new Int32Array(capacity))
    this.#slots = larger(this.#slots, new Int32Array(capacity))
    this.#ranks = larger(this.#ranks, new Float64Array(capacity))
    if (this.#namespaces !== undefined) this.#namespaces = larger(this.#namespaces, new Float64Array(capacity))
    for (let id = old; id < capacity; id++) this.#heapIds[id] = id
    this.#index = new Int32Array(2 * capacity)
    for (let position = 0; position < this.size; position++) {
      const id = this.#heapIds[position] as number
      this.#enter(this.#hashOf(id), id)
    }
  }

  /** Numbers what waits anew in the order in which it was registered: the order of ranks stays what it is. */
  #number(): void {
    const ids = this.#heapIds.slice(0, this.size)
    assert(ids.length < this.#sequences, 'an operator has more timers than can be numbered')
    const sequences = this.#sequences
    const ranks = this.#ranks
    ids.sort((left, right) => ((ranks[left] as number) % sequences) - ((ranks[right] as number) % sequences))
    for (const [sequence, id] of ids.entries()) ranks[id] = Math.floor((ranks[id] as number) / sequences) * sequences + sequence
    this.#sequence = ids.length
  }
}

function larger<A extends Float64Array | Int32Array>(from: A, to: A): A {
  to.set(from)
  return to
}

function hashTimer(time: number, slot: number, namespace: number): number {
  let hash = time | 0
  if (hash !== time) {
    double[0] = time
    hash = (doubleWords[0] as number) ^ Math.imul(doubleWords[1] as number, 0x9e3779b1)
  }
  hash = Math.imul(hash, 0x85ebca6b) ^ Math.imul(slot, 0xc2b2ae35)
  if (namespace !== 0) {
    double[0] = namespace
    hash ^= Math.imul((doubleWords[0] as number) ^ Math.imul(doubleWords[1] as number, 0x27d4eb2f), 0x165667b1)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return hash ^ (hash >>> 13)
}
