/**
 * Whether more than a share of the calls of the last while have failed. Calls count in ten buckets of time, which are given up as they grow too old, also where none
 * came meanwhile: what failed an hour ago says nothing of now. Pure.
 */

const BUCKETS = 10

interface Bucket {
  /** Number of the bucket since the beginning of time. */
  number: number
  calls: number
  failures: number
}

export class FailureShare {
  readonly #share: number
  readonly #callsMin: number
  readonly #bucketMs: number
  readonly #buckets: Bucket[] = Array.from({ length: BUCKETS }, () => ({ number: -1, calls: 0, failures: 0 }))

  constructor(share: number, callsMin: number, windowMs: number) {
    this.#share = share
    this.#callsMin = callsMin
    this.#bucketMs = windowMs / BUCKETS
  }

  success(nowMs: number): void {
    this.#bucket(nowMs).calls++
  }

  /** Whether that is one too many. */
  failure(nowMs: number): boolean {
    const bucket = this.#bucket(nowMs)
    bucket.calls++
    bucket.failures++
    let calls = 0
    let failures = 0
    for (const { number, calls: some, failures: failed } of this.#buckets) {
      if (number <= bucket.number - BUCKETS) continue
      calls += some
      failures += failed
    }
    return calls >= this.#callsMin && failures > this.#share * calls
  }

  reset(): void {
    for (const bucket of this.#buckets) bucket.number = -1
  }

  #bucket(nowMs: number): Bucket {
    const number = Math.floor(nowMs / this.#bucketMs)
    const bucket = this.#buckets[number % BUCKETS] as Bucket
    if (bucket.number !== number) {
      bucket.number = number
      bucket.calls = 0
      bucket.failures = 0
    }
    return bucket
  }
}
