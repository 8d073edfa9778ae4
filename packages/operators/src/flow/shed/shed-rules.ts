/** Who goes where there is no room: one rule per policy, over the records that wait. */
import { canonicalKey, hashKey, SluiceError } from '@sluice/engine'
import { mixBits } from '../mix-bits.js'
import { PlacedHeap } from '../placed-heap.js'
import type { HeldRecord, HeldRecords } from './held-records.js'
import type { ShedChoice } from './shed-settings.js'

export interface ShedRule {
  /** Whom to drop so that there is room for a record: one that waits, or the record itself. `older`: it leaves anyway. */
  victim(record: HeldRecord, held: HeldRecords, older: HeldRecord | undefined): HeldRecord
  /** A record has to wait. */
  meet?(record: HeldRecord): void
  /** The record that it takes the place of. */
  older?(record: HeldRecord): HeldRecord | undefined
  /** Whether a record is part of the sample; asked for every record that waits while there is pressure. */
  keeps?(record: HeldRecord): boolean
  added?(record: HeldRecord): void
  removed?(record: HeldRecord): void
  /** The record that has waited longest, where it is not the first to leave. */
  eldest?(): HeldRecord | undefined
  snapshot?(): unknown
  restore?(state: unknown): void
}

export function createRule(operator: string, choice: ShedChoice, subtask: number): ShedRule {
  switch (choice.policy) {
    case 'drop-newest':
      return { victim: (record) => record }
    case 'drop-oldest':
      return { victim: (record, held) => held.oldest ?? record }
    case 'sample':
      return choice.by === undefined ? new RandomSample(choice.keep, choice.seed, subtask) : new KeyedSample(choice.keep, choice.by as Fn)
    case 'priority':
      return new LowestFirst(operator, choice.priority as Fn)
    case 'latest':
      return new LatestPerKey(choice.key as Fn)
  }
}

type Fn = (record: unknown) => unknown

const TWO_TO_32 = 2 ** 32

/** Each record is kept with the same probability. What was drawn once stays: `rank` is 1. */
class RandomSample implements ShedRule {
  readonly #keep: number
  #state: number

  constructor(keep: number, seed: number, subtask: number) {
    this.#keep = keep
    this.#state = mixBits((seed ^ mixBits(subtask + 1)) | 0)
  }

  victim(record: HeldRecord): HeldRecord {
    return record
  }

  keeps(record: HeldRecord): boolean {
    if (record.rank === 1) return true
    // mulberry32.
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    if (((bits ^ (bits >>> 14)) >>> 0) / TWO_TO_32 >= this.#keep) return false
    record.rank = 1
    return true
  }

  /** After a restore the same draws come again. */
  snapshot(): unknown {
    return this.#state
  }

  restore(state: unknown): void {
    if (typeof state === 'number') this.#state = state
  }
}

/** The hash of the key decides: in every subtask and after every restart alike. */
class KeyedSample implements ShedRule {
  readonly #below: number
  readonly #by: Fn

  constructor(keep: number, by: Fn) {
    this.#below = keep * TWO_TO_32
    this.#by = by
  }

  victim(record: HeldRecord): HeldRecord {
    return record
  }

  keeps(record: HeldRecord): boolean {
    // The hash itself also decides which subtask has a key.
    return mixBits(hashKey(this.#by(record.value))) >>> 0 < this.#below
  }
}

/** The lowest priority first, the oldest among equals. */
class LowestFirst implements ShedRule {
  readonly #operator: string
  readonly #priorityOf: Fn
  readonly #heap = new PlacedHeap<HeldRecord>(
    (left, right) => left.rank < right.rank || (left.rank === right.rank && left.number < right.number),
  )

  constructor(operator: string, priorityOf: Fn) {
    this.#operator = operator
    this.#priorityOf = priorityOf
  }

  meet(record: HeldRecord): void {
    const priority = this.#priorityOf(record.value)
    if (typeof priority !== 'number' || Number.isNaN(priority)) {
      const shown = typeof priority === 'number' ? 'NaN' : priority === null ? 'null' : typeof priority
      throw new SluiceError('SLUICE_OPTIONS_INVALID', `priority of shed ${this.#operator} gave ${shown}, and has to give a number`, {
        hint: 'Give every record a number; -Infinity is the lowest.',
      })
    }
    record.rank = priority
  }

  victim(record: HeldRecord): HeldRecord {
    const lowest = this.#heap.first
    return lowest === undefined || record.rank < lowest.rank ? record : lowest
  }

  added(record: HeldRecord): void {
    this.#heap.put(record)
  }

  removed(record: HeldRecord): void {
    this.#heap.remove(record)
  }
}

/** One record per key. Where there are too many keys, the one that has waited longest for its turn goes. */
class LatestPerKey implements ShedRule {
  readonly #keyOf: Fn
  readonly #places = new Map<unknown, HeldRecord>()
  /** In the order of arrival, while the places keep theirs. */
  readonly #arrivals = new Set<HeldRecord>()

  constructor(keyOf: Fn) {
    this.#keyOf = keyOf
  }

  meet(record: HeldRecord): void {
    record.key = canonicalKey(this.#keyOf(record.value))
  }

  older(record: HeldRecord): HeldRecord | undefined {
    return this.#places.get(record.key)
  }

  victim(record: HeldRecord, held: HeldRecords, older: HeldRecord | undefined): HeldRecord {
    const first = held.oldest
    return (first === older ? first?.behind : first) ?? record
  }

  /** Also where a record has taken the place of another. */
  added(record: HeldRecord): void {
    this.#places.set(record.key, record)
    this.#arrivals.delete(record)
    this.#arrivals.add(record)
  }

  removed(record: HeldRecord): void {
    this.#places.delete(record.key)
    this.#arrivals.delete(record)
  }

  eldest(): HeldRecord | undefined {
    for (const record of this.#arrivals) return record
    return undefined
  }
}
