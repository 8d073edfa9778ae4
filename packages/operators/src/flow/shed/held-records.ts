/**
 * Records that wait, in the order in which they leave: a list, so that any one can be taken out. It counts them and their bytes.
 */
import type { Placed } from '../placed-heap.js'

export interface HeldRecord extends Placed {
  value: unknown
  /** NaN where there is none. */
  timestamp: number
  /** Processing time in ms since the epoch. */
  arrivedMs: number
  /** Encoded size. */
  bytes: number
  /** Counts the places in the order in which they were taken. */
  readonly number: number
  before: HeldRecord | undefined
  behind: HeldRecord | undefined
  /** What the policy knows of it: whose it is, and how important. */
  key: unknown
  rank: number
}

export class HeldRecords {
  length = 0
  bytes = 0
  oldest: HeldRecord | undefined = undefined
  #newest: HeldRecord | undefined = undefined

  append(record: HeldRecord): void {
    const last = this.#newest
    record.before = last
    record.behind = undefined
    if (last === undefined) this.oldest = record
    else last.behind = record
    this.#newest = record
    this.length++
    this.bytes += record.bytes
  }

  remove(record: HeldRecord): void {
    const { before, behind } = record
    if (before === undefined) this.oldest = behind
    else before.behind = behind
    if (behind === undefined) this.#newest = before
    else behind.before = before
    record.before = undefined
    record.behind = undefined
    this.length--
    this.bytes -= record.bytes
  }

  *[Symbol.iterator](): Generator<HeldRecord> {
    for (let record = this.oldest; record !== undefined; ) {
      const next: HeldRecord | undefined = record.behind
      yield record
      record = next
    }
  }
}
