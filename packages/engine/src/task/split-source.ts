/**
 * Reads splits one after the other, by readers that give batches, possibly asynchronously. Where it stands is the position of the batch at hand and
 * how much of it was taken; a batch that was read ahead and not begun is no state. Runs on the subtask's thread.
 */
import type { Gate } from '../channel/gate.js'
import { SluiceError } from '../errors/sluice-error.js'
import type { SourceContext } from '../graph/operator-context.js'
import type { DeadLetter, SourceBatch, SplitReader, SplitSourceSpec } from '../graph/operator-spec.js'
import { checkStateValue } from '../state/plain-value.js'
import type { ChainDrivers } from './chain-drivers.js'
import { isPromise } from './element-checks.js'
import { SourceAcknowledgements } from './source-acknowledgements.js'
import {
  type BegunSplit,
  NOTHING_TAKEN,
  type RemainingSplit,
  type SourceDriver,
  type SourceState,
  type SplitProgress,
  type SplitShare,
  type SplitSourceState,
} from './source-contract.js'
import type { BatchCursor } from './source-cursor.js'
import { SplitPlace } from './split-place.js'
import { assignSplits } from './split-shares.js'

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
  /** Whether checkpoints are taken. */
  readonly checkpoints: boolean
  /** A reader failed while it was told what was taken or covered. */
  readonly fail: (error: unknown) => void
}

const NO_RECORDS: readonly unknown[] = []
const NO_LETTERS: readonly DeadLetter[] = []

export class SplitSource implements SourceDriver {
  pending = false
  readonly acknowledgements: SourceAcknowledgements
  readonly #options: SplitSourceOptions
  readonly #cursor: BatchCursor = { records: NO_RECORDS, index: 0 }
  /** Of the current batch; they leave in front of its records. */
  #letters: readonly DeadLetter[] = NO_LETTERS
  #letterIndex = 0
  /** Parts of the list that are this subtask's and not yet in the queue. */
  #unlisted: readonly SplitShare[]
  /** Splits to open, in their order. */
  #queue: (RemainingSplit | BegunSplit)[] = []
  #splitsChecked = false
  /** The split that is being opened or read; it stays when the job stops before its end. */
  #reading: RemainingSplit | BegunSplit | undefined
  #reader: SplitReader | undefined
  #batch: SourceBatch | undefined
  /** The split of the batch that is being processed, and where that stands in it. */
  #current: RemainingSplit | undefined
  #place: SplitPlace = new SplitPlace()
  #failure: unknown
  #asynchronous = false
  /** The job stops: no further batch is begun. */
  #ending = false
  /** The last split has given its last batch, which may still be under way. */
  #ended = false
  #closed = false

  constructor(options: SplitSourceOptions) {
    this.#options = options
    this.#unlisted = [{ first: options.subtask, step: options.parallelism }]
    const { checkpoints, fail } = options
    this.acknowledgements = new SourceAcknowledgements({ checkpoints, fail: (error) => fail(this.#located(error)) })
  }

  get deadlineMs(): undefined {
    return undefined
  }

  get exhausted(): boolean {
    return this.#ended && !this.#hasBatch && !this.#ending
  }

  ready(): boolean {
    if (this.#ending) return !this.#batchDone
    return this.#hasBatch || (!this.#ended && !this.pending)
  }

  take(limit: number): number {
    const cursor = this.#cursor
    if (this.#batchDone && (this.#ending || !this.#nextBatch())) return NOTHING_TAKEN
    if (!this.#emitLetters()) return 0
    const before = cursor.index
    this.#options.drivers.batch(cursor, Math.min(cursor.records.length, before + limit))
    return cursor.index - before
  }

  snapshot(): SplitSourceState | undefined {
    const { spec, context, subtask, parallelism } = this.#options
    if (!spec.replayable) return undefined
    this.#checkSplits()
    const begun: BegunSplit[] = []
    const remaining: RemainingSplit[] = []
    const current = this.#current
    const reading = this.#reading
    // It is at its end where the reader has gone on from it.
    if (current !== undefined && (current === reading || !this.#batchDone)) {
      const progress = this.#place.progress(this.#cursor.index, this.#letterIndex)
      checkStateValue(progress.position, `position in split ${current.index}`, context.operator)
      begun.push({ index: current.index, split: current.split, ...progress })
    }
    for (const split of reading === undefined || reading === current ? this.#queue : [reading, ...this.#queue]) {
      if (isBegun(split)) begun.push(split)
      else remaining.push(split)
    }
    return { reads: 'splits', subtask, parallelism, begun, remaining, unlisted: this.#unlisted }
  }

  restore(states: readonly SourceState[]): void {
    const { spec, subtask, parallelism } = this.#options
    const own = states.filter((state) => state.reads === 'splits')
    if (own.length === 0) return
    const { splits, unlisted } = assignSplits(own, subtask, parallelism, spec.orderedSplits === true)
    this.#queue = [...splits]
    this.#unlisted = unlisted
  }

  countTaken(): void {
    this.acknowledgements.count(this.#cursor.index, this.#letterIndex)
  }

  /** What acknowledges batches gives in them what belongs together; the others go on in the middle of one when they are read again. */
  mayEnd(): boolean {
    if (!this.acknowledgements.active) return true
    this.#ending = true
    return this.#batchDone
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([this.#closeReader(), this.acknowledgements.close()])
  }

  async #closeReader(): Promise<void> {
    const reader = this.#reader
    this.#reader = undefined
    if (!this.acknowledgements.ended()) await reader?.close?.()
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
    const split = this.#reading as RemainingSplit | BegunSplit
    if (split !== this.#current) {
      this.#current = split
      this.#place = new SplitPlace(isBegun(split) ? split : undefined)
      this.#options.onSplit(split.index, this.#queue.length)
    }
    const { records, letters, dropped } = this.#place.begin(batch)
    if (this.acknowledgements.active) this.acknowledgements.begin(batch.records.length, batch.deadLetters?.length ?? 0)
    this.#cursor.records = batch.records
    this.#cursor.index = records
    this.#letters = batch.deadLetters ?? NO_LETTERS
    this.#letterIndex = letters
    if (dropped > 0) this.#options.countDropped(dropped)
    // Read ahead by one batch while this one is processed; a synchronous reader is asked when it is needed.
    if (this.#asynchronous && !this.#ended && this.#reader?.readsAhead !== false) this.#request()
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
    const { spec, context } = this.#options
    if (this.#unlisted.length > 0) await this.#list()
    for (;;) {
      await this.#closeReader()
      await this.acknowledgements.room()
      // Readers end when the job stops: the split at hand may not be at its end.
      if (this.#closed || context.signal.aborted) return undefined
      const split = this.#queue.shift()
      this.#reading = split
      if (split === undefined) return undefined
      const reader = await spec.open(split.split, context, isBegun(split) ? split.position : undefined)
      if (this.#closed) {
        // The job left while the split was being opened: nobody else will close it.
        await reader.close?.()
        return undefined
      }
      this.#reader = reader
      this.acknowledgements.opened(reader)
      const batch = await reader.next()
      if (batch !== undefined) return batch
    }
  }

  async #list(): Promise<void> {
    const { spec, context } = this.#options
    const splits = await spec.splits(context)
    const listed: RemainingSplit[] = []
    for (const { first, step } of this.#unlisted)
      for (let index = first; index < splits.length; index += step) listed.push({ index, split: splits[index] })
    listed.sort((left, right) => left.index - right.index)
    this.#queue = this.#queue.concat(listed)
    if (spec.orderedSplits === true) this.#queue.sort((left, right) => left.index - right.index)
    this.#unlisted = []
    this.#splitsChecked = false
  }

  /** Splits are the user's; what is not plain data must not be lost in a checkpoint. */
  #checkSplits(): void {
    if (this.#splitsChecked) return
    const { operator } = this.#options.context
    for (const split of [this.#current, this.#reading, ...this.#queue])
      if (split !== undefined) checkStateValue(split.split, `split ${split.index}`, operator)
    this.#splitsChecked = true
  }

  #located(error: unknown): unknown {
    if (error instanceof SluiceError) return error
    const message = error instanceof Error ? error.message : String(error)
    return new SluiceError('SLUICE_SOURCE_FAILED', `${this.#options.context.operator} failed to read: ${message}`, { cause: error })
  }
}

function isBegun(split: RemainingSplit & Partial<SplitProgress>): split is BegunSplit {
  return split.records !== undefined
}
