/**
 * Where the processing of one split stands: the newest position that a batch had, and how much of what came since was taken. What a restored split has
 * behind its position already is left out, across batches that may be cut otherwise than they were. Once per batch.
 */
import type { SourceBatch } from '../graph/operator-spec.js'
import type { SplitProgress } from './source-contract.js'

/** How much of something lies between the position and the batch at hand, and in it. */
class Count {
  /** In front of the batch at hand. */
  #before = 0
  #inBatch = 0
  /** Still to be left out behind the batch at hand. */
  #left: number

  constructor(left: number) {
    this.#left = left
  }

  /** Another batch begins, at a position of its own or not; returns how much of it is left out. */
  begin(count: number, positioned: boolean): number {
    this.#before = positioned ? 0 : this.#before + this.#inBatch
    this.#inBatch = count
    const leftOut = Math.min(count, this.#left)
    this.#left -= leftOut
    return leftOut
  }

  /** From the position on, where so much of the batch at hand was taken or left out. */
  since(taken: number): number {
    return this.#before + taken + this.#left
  }

  get inBatch(): number {
    return this.#inBatch
  }
}

export class SplitPlace {
  #position: unknown
  readonly #records: Count
  readonly #letters: Count
  readonly #dropped: Count

  constructor(progress?: SplitProgress) {
    this.#position = progress?.position
    this.#records = new Count(progress?.records ?? 0)
    this.#letters = new Count(progress?.letters ?? 0)
    this.#dropped = new Count(progress?.dropped ?? 0)
  }

  /** Records and letters of the batch that are to be left out, and dropped ones that are to be counted. */
  begin(batch: SourceBatch): { readonly records: number; readonly letters: number; readonly dropped: number } {
    const positioned = batch.position !== undefined
    if (positioned) this.#position = batch.position
    const dropped = batch.dropped ?? 0
    return {
      records: this.#records.begin(batch.records.length, positioned),
      letters: this.#letters.begin(batch.deadLetters?.length ?? 0, positioned),
      dropped: dropped - this.#dropped.begin(dropped, positioned),
    }
  }

  progress(records: number, letters: number): SplitProgress {
    return {
      position: this.#position,
      records: this.#records.since(records),
      letters: this.#letters.since(letters),
      dropped: this.#dropped.since(this.#dropped.inBatch),
    }
  }
}
