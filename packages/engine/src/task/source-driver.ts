/**
 * The two ways a subtask reads: indexes (a function of a number, which the chain's driver inlines) and splits (readers that
 * give batches, possibly asynchronously). Both hand a bounded number of records to the driver per call.
 */
import type { Gate } from '../channel/gate.js'
import { SluiceError } from '../errors/sluice-error.js'
import type { SourceContext } from '../graph/operator-context.js'
import type { DeadLetter, IndexedSourceSpec, SourceBatch, SplitReader, SplitSourceSpec } from '../graph/operator-spec.js'
import type { ChainDrivers } from './chain-drivers.js'
import { isPromise } from './element-checks.js'
import { type BatchCursor, createIndexCursor, type IndexCursor, indexesBelow } from './source-cursor.js'

/** Returned by `take` when there was nothing at all; 0 says that something moved, but no record. */
export const NOTHING_TAKEN = -1
/** Products of a rate and a time are this exact: what is due at a time is due although the product falls just short of it. */
const DUE_TOLERANCE = 1e-6

export interface SourceDriver {
  /** Hands at most `limit` records to the chain; returns how many were taken, or NOTHING_TAKEN. */
  take(limit: number, nowMs: number): number
  /** Nothing will come any more. */
  readonly exhausted: boolean
  /** When `take` may find something again (monotonic ms); undefined: at once, or when woken. */
  readonly deadlineMs: number | undefined
  /** Whether `take` would find something now. */
  ready(nowMs: number): boolean
  /** A read is under way. */
  readonly pending: boolean
  close(): Promise<void>
}

export class IndexSource implements SourceDriver {
  readonly pending = false as boolean
  readonly #cursor: IndexCursor
  readonly #drivers: ChainDrivers
  readonly #total: number
  readonly #ratePerMs: number | undefined
  #startMs = Number.NaN

  constructor(spec: IndexedSourceSpec, drivers: ChainDrivers, subtask: number, parallelism: number) {
    this.#drivers = drivers
    this.#cursor = createIndexCursor(subtask, parallelism)
    this.#total = spec.count === undefined ? Number.POSITIVE_INFINITY : indexesBelow(this.#cursor, spec.count)
    this.#ratePerMs = spec.ratePerSecond === undefined ? undefined : spec.ratePerSecond / 1000
  }

  get exhausted(): boolean {
    return this.#cursor.done >= this.#total
  }

  get deadlineMs(): number | undefined {
    if (this.#ratePerMs === undefined || Number.isNaN(this.#startMs)) return undefined
    const { base, offset, offsets } = this.#cursor
    return this.#startMs + (base + (offsets[offset] as number)) / this.#ratePerMs
  }

  ready(nowMs: number): boolean {
    if (this.exhausted) return false
    const deadlineMs = this.deadlineMs
    return deadlineMs === undefined || deadlineMs <= nowMs
  }

  take(limit: number, nowMs: number): number {
    if (Number.isNaN(this.#startMs)) this.#startMs = nowMs
    const cursor = this.#cursor
    const before = cursor.done
    let allowed = Math.min(limit, this.#total - before)
    if (this.#ratePerMs !== undefined) {
      const due = Math.floor((nowMs - this.#startMs) * this.#ratePerMs + DUE_TOLERANCE) + 1
      allowed = Math.min(allowed, indexesBelow(cursor, due) - before)
    }
    if (allowed <= 0) return NOTHING_TAKEN
    this.#drivers.index(cursor, allowed)
    return cursor.done - before
  }

  async close(): Promise<void> {}
}

export interface SplitSourceOptions {
  readonly spec: SplitSourceSpec
  readonly context: SourceContext
  readonly drivers: ChainDrivers
  readonly gate: Gate
  readonly subtask: number
  readonly parallelism: number
  readonly deadLetter: (letter: DeadLetter) => void
  readonly countDropped: (count: number) => void
  /** The next records are those of another split; `unopened`: how many are to come behind it. */
  readonly onSplit: (split: number, unopened: number) => void
  /** A read has settled. */
  readonly wake: () => void
}

const NO_RECORDS: readonly unknown[] = []
const NO_LETTERS: readonly DeadLetter[] = []

export class SplitSource implements SourceDriver {
  pending = false
  readonly #options: SplitSourceOptions
  readonly #cursor: BatchCursor = { records: NO_RECORDS, index: 0 }
  /** Of the current batch; they leave in front of its records. */
  #letters: readonly DeadLetter[] = NO_LETTERS
  #letterIndex = 0
  #splits: readonly unknown[] | undefined
  #nextSplit: number
  #reader: SplitReader | undefined
  #batch: SourceBatch | undefined
  /** Number of the split of the batch that was read last, and of the one being processed. */
  #readSplit = -1
  #currentSplit = -1
  #failure: unknown
  #asynchronous = false
  /** The last split has given its last batch, which may still be under way. */
  #ended = false
  #closed = false

  constructor(options: SplitSourceOptions) {
    this.#options = options
    this.#nextSplit = options.subtask
  }

  get deadlineMs(): undefined {
    return undefined
  }

  get exhausted(): boolean {
    return this.#ended && !this.#hasBatch
  }

  ready(): boolean {
    return this.#hasBatch || (!this.#ended && !this.pending)
  }

  take(limit: number): number {
    const cursor = this.#cursor
    if (this.#batchDone && !this.#nextBatch()) return NOTHING_TAKEN
    if (!this.#emitLetters()) return 0
    const before = cursor.index
    this.#options.drivers.batch(cursor, Math.min(cursor.records.length, before + limit))
    return cursor.index - before
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#closeReader()
  }

  async #closeReader(): Promise<void> {
    const reader = this.#reader
    this.#reader = undefined
    await reader?.close?.()
  }

  get #batchDone(): boolean {
    return this.#cursor.index === this.#cursor.records.length && this.#letterIndex === this.#letters.length
  }

  get #hasBatch(): boolean {
    return this.#batch !== undefined || !this.#batchDone
  }

  /** True when all have left; they need credit like records. */
  #emitLetters(): boolean {
    const { gate, deadLetter } = this.#options
    while (this.#letterIndex < this.#letters.length) {
      if (gate.closed > 0) return false
      deadLetter(this.#letters[this.#letterIndex++] as DeadLetter)
    }
    return gate.closed === 0
  }

  /** Makes the next batch current; false where none is there yet. */
  #nextBatch(): boolean {
    if (this.#failure !== undefined) throw this.#located(this.#failure)
    if (this.#batch === undefined && !this.pending) this.#request()
    const batch = this.#batch
    if (batch === undefined) return false
    this.#batch = undefined
    if (this.#readSplit !== this.#currentSplit) {
      this.#currentSplit = this.#readSplit
      const behind = (this.#splits?.length ?? 0) - 1 - this.#currentSplit
      this.#options.onSplit(this.#currentSplit, Math.floor(behind / this.#options.parallelism))
    }
    this.#cursor.records = batch.records
    this.#cursor.index = 0
    this.#letters = batch.deadLetters ?? NO_LETTERS
    this.#letterIndex = 0
    if (batch.dropped !== undefined) this.#options.countDropped(batch.dropped)
    // Read ahead by one batch while this one is processed; a synchronous reader is asked when it is needed.
    if (this.#asynchronous && !this.#ended) this.#request()
    return true
  }

  #request(): void {
    if (this.#reader !== undefined) {
      let result: SourceBatch | undefined | Promise<SourceBatch | undefined>
      try {
        result = this.#reader.next()
      } catch (error) {
        throw this.#located(error)
      }
      if (!isPromise(result) && result !== undefined) {
        this.#batch = result
        return
      }
      if (isPromise(result)) {
        this.#asynchronous = true
        this.#await(result.then((batch) => batch ?? this.#advance()))
        return
      }
    }
    this.#await(this.#advance())
  }

  #await(result: Promise<SourceBatch | undefined>): void {
    this.pending = true
    const settle = (): void => {
      this.pending = false
      this.#options.wake()
    }
    result.then(
      (batch) => {
        this.#batch = batch
        if (batch === undefined) this.#ended = true
        settle()
      },
      (error: unknown) => {
        this.#failure = error ?? new Error('rejected without a reason')
        settle()
      },
    )
  }

  /** The first batch of the next split that has one; undefined at the end of the last. */
  async #advance(): Promise<SourceBatch | undefined> {
    const { spec, context, parallelism } = this.#options
    this.#splits ??= await spec.splits(context)
    for (;;) {
      await this.#closeReader()
      if (this.#closed || this.#nextSplit >= this.#splits.length) return undefined
      const split = this.#splits[this.#nextSplit]
      this.#nextSplit += parallelism
      const reader = await spec.open(split, context)
      if (this.#closed) {
        // The job left while the split was being opened: nobody else will close it.
        await reader.close?.()
        return undefined
      }
      this.#reader = reader
      const batch = await reader.next()
      if (batch !== undefined) {
        this.#readSplit = this.#nextSplit - parallelism
        return batch
      }
    }
  }

  #located(error: unknown): unknown {
    if (error instanceof SluiceError) return error
    const message = error instanceof Error ? error.message : String(error)
    return new SluiceError('SLUICE_SOURCE_FAILED', `${this.#options.context.operator} failed to read: ${message}`, { cause: error })
  }
}
