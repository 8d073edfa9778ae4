/**
 * Limits of single keys. Records of a key whose bucket is empty wait in a bounded queue while others pass; where it is full the stream is held, or they are
 * dropped. The order of a key is kept.
 */
import {
  canonicalKey,
  groupsOf,
  hashKey,
  type HoldingOperator,
  keyGroupOf,
  type OperatorContext,
  type RestoredOperator,
  SluiceError,
} from '@sluice/engine'
import { PlacedHeap } from '../placed-heap.js'
import { type Bucket, KeyBuckets } from './key-buckets.js'
import { type LimitedRecord, LimitedRecords } from './limited-records.js'
import { checkSignal, type LimitShare } from './limit-settings.js'
import { DROPPED_PORT, type LimiterState, refuseEndless, restoredRate } from './stream-limiter.js'
import { TOKEN_TOLERANCE, TokenClock } from './token-clock.js'

/** Timers are no finer. */
const WAIT_MS_MIN = 1

export interface KeyLimiterOptions {
  readonly share: LimitShare
  readonly rate: number
  readonly signalled: boolean
  readonly keyOf: (record: unknown) => unknown
  /** Of this subtask. */
  readonly keys: number
  readonly queueRecords: number
  readonly queueBytes: number
}

export class KeyLimiter implements HoldingOperator {
  readonly #context: OperatorContext
  readonly #options: KeyLimiterOptions
  readonly #clock: TokenClock
  readonly #buckets: KeyBuckets
  readonly #held: LimitedRecords
  /** Buckets with records that wait, by when they have a token. */
  readonly #due = new PlacedHeap<Bucket>((left, right) => left.due < right.due)
  #rate: number
  /** No other rate comes. */
  #rateIsLast = false

  constructor(context: OperatorContext, options: KeyLimiterOptions) {
    const { share, rate, keys } = options
    this.#context = context
    this.#options = options
    this.#rate = rate
    this.#clock = new TokenClock(share.perMs(rate), context.now())
    this.#buckets = new KeyBuckets(share.burst(this.#clock.perMs), keys)
    this.#held = new LimitedRecords((watermark, idle) => context.passWatermark(watermark, idle))
  }

  process(value: unknown, timestamp: number, input: number): void {
    if (input !== 0) {
      this.#setRate(checkSignal(value, this.#context.operator))
      return
    }
    const given = this.#clock.read(this.#context.now())
    const bucket = this.#use(value, given)
    if (bucket.waiting.length > 0 || given + TOKEN_TOLERANCE < this.#buckets.tokenAt(bucket)) this.#onLimited(bucket, value, timestamp)
    else if (this.#context.hasCredit()) {
      this.#buckets.take(bucket, given)
      this.#context.emit(value, timestamp)
    } else {
      this.#hold(bucket, value, timestamp)
      this.#holdInput(true)
    }
  }

  get holding(): number {
    return this.#held.count
  }

  get holdingBytes(): number {
    return this.#held.bytes
  }

  get releasable(): boolean {
    const first = this.#due.first
    if (first === undefined || !this.#context.hasCredit()) return false
    return first.due <= this.#clock.peek(this.#context.now()) + TOKEN_TOLERANCE
  }

  release(): boolean {
    const bucket = this.#due.first
    if (bucket === undefined || !this.#context.hasCredit()) return false
    const given = this.#clock.read(this.#context.now())
    if (!this.#buckets.take(bucket, given)) {
      this.#await()
      return false
    }
    const held = bucket.waiting.shift() as LimitedRecord
    this.#schedule(bucket)
    this.#context.emit(held.value, held.timestamp)
    this.#held.remove(held)
    if (this.#options.share.drops || this.#hasRoom) this.#holdInput(false)
    this.#await()
    return true
  }

  holdWatermark(watermark: number, idle: boolean): void {
    this.#held.holdWatermark(watermark, idle)
  }

  onDeadline(): void {
    this.#await()
  }

  onInputEnd(input: number): void {
    if (input === 0) return
    this.#rateIsLast = true
    this.#await()
  }

  snapshot(): LimiterState {
    const { index, parallelism } = this.#context.subtask
    return { index, parallelism, held: this.#held.snapshot(), rate: this.#rate }
  }

  /** No key has a token: some of those that there were may have been used behind the checkpoint. */
  restore({ states }: RestoredOperator): void {
    const { keyGroups, subtask } = this.#context
    const written = states as readonly LimiterState[]
    const rate = restoredRate(written)
    if (rate !== undefined && this.#options.signalled) this.#setRate(rate)
    const given = this.#clock.read(this.#context.now())
    this.#buckets.beginEmpty(given)
    const { from, to } = groupsOf(subtask.index, subtask.parallelism, keyGroups)
    const isMine = (value: unknown): boolean => {
      const group = keyGroupOf(hashKey(this.#options.keyOf(value)), keyGroups)
      return group >= from && group < to
    }
    const same = written.length === 1 && written[0]?.parallelism === subtask.parallelism
    const restored = this.#held.restore(
      written.map(({ held }) => held),
      (value) => same || isMine(value),
    )
    for (const held of restored) this.#enqueue(this.#use(held.value, given), held)
    if (!this.#options.share.drops && !this.#hasRoom) this.#holdInput(true)
    this.#await()
  }

  #use(value: unknown, given: number): Bucket {
    const key = this.#options.keyOf(value)
    if (key === undefined)
      throw new SluiceError('SLUICE_KEY_INVALID', `the key function of ${this.#context.operator} returned undefined`, {
        operator: this.#context.operator,
      })
    const buckets = this.#buckets
    const { forgotten } = buckets
    const bucket = buckets.use(canonicalKey(key), given)
    if (buckets.forgotten > forgotten) this.#context.metrics.count('forgottenKeys')
    return bucket
  }

  #onLimited(bucket: Bucket, value: unknown, timestamp: number): void {
    if (this.#options.share.drops && !this.#hasRoom) {
      this.#context.countDropped(1, 'limited')
      if (this.#context.hasCredit(DROPPED_PORT)) this.#context.emit(value, timestamp, DROPPED_PORT)
      else this.#context.metrics.count('unread')
      return
    }
    this.#hold(bucket, value, timestamp)
    if (!this.#options.share.drops && !this.#hasRoom) this.#holdInput(true)
    if (this.#due.first === bucket) this.#await()
  }

  /** A record more may wait. */
  get #hasRoom(): boolean {
    return this.#held.count < this.#options.queueRecords && this.#held.bytes < this.#options.queueBytes
  }

  #hold(bucket: Bucket, value: unknown, timestamp: number): void {
    this.#enqueue(bucket, this.#held.add(value, timestamp, this.#context.sizeOf(value)))
  }

  #enqueue(bucket: Bucket, held: LimitedRecord): void {
    if (bucket.waiting.push(held) === 1) this.#schedule(bucket)
  }

  #schedule(bucket: Bucket): void {
    if (bucket.waiting.length === 0) {
      this.#due.remove(bucket)
      return
    }
    bucket.due = this.#buckets.tokenAt(bucket)
    this.#due.put(bucket)
  }

  /** The stream that says the rate is read on. */
  #holdInput(held: boolean): void {
    this.#context.holdInput(held, this.#options.signalled ? 0 : undefined)
  }

  #setRate(rate: number): void {
    this.#rate = rate
    this.#clock.setRate(this.#options.share.perMs(rate), this.#context.now())
    this.#await()
  }

  /** A wake-up where the next record may leave. What waits for credit alone needs none. */
  #await(): void {
    const { first } = this.#due
    const nowMs = this.#context.now()
    const given = this.#clock.read(nowMs)
    if (first === undefined || first.due <= given + TOKEN_TOLERANCE) {
      this.#context.setDeadline(undefined)
      return
    }
    if (this.#rateIsLast && this.#clock.perMs === 0) refuseEndless(this.#context, this.#held.count)
    const waitMs = Math.max(this.#clock.msUntil(first.due), WAIT_MS_MIN)
    this.#context.setDeadline(waitMs === Number.POSITIVE_INFINITY ? undefined : Math.ceil(nowMs + waitMs))
  }
}
