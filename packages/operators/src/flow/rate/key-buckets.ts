/**
 * A bounded number of token buckets, one per key. A bucket is one number: how far the clock of tokens must come for it to be full. Those that are full
 * are as good as none, and forgotten first; then the one that was used longest ago, whose key begins anew with a full bucket.
 */
import type { Placed } from '../placed-heap.js'
import type { LimitedRecord } from './limited-records.js'
import { TOKEN_TOLERANCE } from './token-clock.js'

export type KeyId = string | number | bigint | boolean | null

export interface Bucket extends Placed {
  readonly id: KeyId
  /** On the clock of tokens. */
  fullAt: number
  /** When it has a token for the first record that waits, on the clock of tokens. */
  due: number
  /** Records that wait, in order. */
  readonly waiting: LimitedRecord[]
  /** Used before and after this one. */
  older: Bucket | undefined
  newer: Bucket | undefined
}

/** Looking for full buckets takes a walk through all of them: only where this share of them may be full since the last one. */
const SWEEP_SHARE = 8

export class KeyBuckets {
  /** Keys that were forgotten before their buckets were full. */
  forgotten = 0
  readonly #buckets = new Map<KeyId, Bucket>()
  readonly #burst: number
  readonly #keysMax: number
  /** Where new buckets begin: full, or as full as they can be since a restart. */
  #fullAtStart = Number.NEGATIVE_INFINITY
  #oldest: Bucket | undefined
  #newest: Bucket | undefined
  /** Made since the last walk through all of them. */
  #made = 0

  constructor(burst: number, keysMax: number) {
    this.#burst = burst
    this.#keysMax = keysMax
  }

  get size(): number {
    return this.#buckets.size
  }

  /** Behind a restart: no key has a token until the clock gives one. */
  beginEmpty(given: number): void {
    this.#fullAtStart = given + this.#burst
  }

  /** The bucket of a key, which is the one used last now. */
  use(id: KeyId, given: number): Bucket {
    const known = this.#buckets.get(id)
    if (known !== undefined) {
      if (known !== this.#newest) {
        this.#unlink(known)
        this.#append(known)
      }
      return known
    }
    if (this.#buckets.size >= this.#keysMax) this.#forget(given)
    this.#made++
    const bucket: Bucket = { id, fullAt: this.#fullAtStart, waiting: [], older: undefined, newer: undefined, due: 0, place: -1 }
    this.#buckets.set(id, bucket)
    this.#append(bucket)
    return bucket
  }

  /** Takes a token; false: there is none. */
  take(bucket: Bucket, given: number): boolean {
    const fullAt = Math.max(bucket.fullAt, given) + 1
    if (fullAt - given > this.#burst + TOKEN_TOLERANCE) return false
    bucket.fullAt = fullAt
    return true
  }

  /** When the bucket has a token, on the clock of tokens. */
  tokenAt(bucket: Bucket): number {
    return bucket.fullAt + 1 - this.#burst
  }

  #forget(given: number): void {
    if (this.#made >= this.#keysMax / SWEEP_SHARE) {
      this.#made = 0
      for (let bucket = this.#oldest; bucket !== undefined; bucket = bucket.newer) {
        if (bucket.waiting.length === 0 && bucket.fullAt <= given) this.#remove(bucket)
      }
      if (this.#buckets.size < this.#keysMax) return
    }
    // One whose records wait stays: there are no more of them than records.
    let bucket = this.#oldest
    while (bucket !== undefined && bucket.waiting.length > 0) bucket = bucket.newer
    if (bucket === undefined) return
    this.#remove(bucket)
    if (bucket.fullAt > given) this.forgotten++
  }

  #remove(bucket: Bucket): void {
    this.#buckets.delete(bucket.id)
    this.#unlink(bucket)
  }

  #append(bucket: Bucket): void {
    bucket.older = this.#newest
    bucket.newer = undefined
    if (this.#newest !== undefined) this.#newest.newer = bucket
    else this.#oldest = bucket
    this.#newest = bucket
  }

  #unlink(bucket: Bucket): void {
    if (bucket.older !== undefined) bucket.older.newer = bucket.newer
    else this.#oldest = bucket.newer
    if (bucket.newer !== undefined) bucket.newer.older = bucket.older
    else this.#newest = bucket.older
  }
}
