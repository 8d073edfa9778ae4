/**
 * Records of a batch that its function gave up one by one, while the others go on. One per batch under way, on the thread of its subtask; what was given up counts
 * once the attempt has succeeded that said so, or the batch has failed. A record of the batch is given up once, with the first error: whoever says it twice means the
 * same one, or its equal further on.
 */
import { SluiceError } from '../errors/sluice-error.js'
import type { RecordFailures } from './record-failures.js'

export class FailedRecords {
  readonly #failures: RecordFailures
  readonly #batch: readonly unknown[]
  /** By their places in the batch. */
  #errors = new Map<number, unknown>()
  /** Behind the last one: they come in order mostly. */
  #next = 0

  constructor(failures: RecordFailures, batch: readonly unknown[]) {
    this.#failures = failures
    this.#batch = batch
  }

  /** Throws an error that no policy is for. */
  add(record: unknown, error: unknown): void {
    if (!this.#failures.owns(error)) throw error
    const behind = this.#placeOf(record, this.#next)
    const at = behind < 0 && this.#next > 0 ? this.#placeOf(record, 0) : behind
    if (at >= 0) {
      this.#errors.set(at, error)
      this.#next = at + 1
    } else if (!this.#batch.includes(record)) {
      throw new SluiceError('SLUICE_OPTIONS_INVALID', 'context.deadLetter was given a record that is not in the batch.', {
        hint: 'Give it the record itself, as it is in the batch, and not what was made of it.',
        cause: error,
      })
    }
  }

  /** Another attempt begins. */
  clear(): void {
    this.#errors.clear()
    this.#next = 0
  }

  /** How many there are. */
  get count(): number {
    return this.#errors.size
  }

  /** What the record at a place failed with by itself; `otherwise` where it did not. */
  errorAt(at: number, otherwise: unknown): unknown {
    return this.#errors.has(at) ? this.#errors.get(at) : otherwise
  }

  /** Of those that were not given up yet; -1: there is none. */
  #placeOf(record: unknown, from: number): number {
    let at = this.#batch.indexOf(record, from)
    while (at >= 0 && this.#errors.has(at)) at = this.#batch.indexOf(record, at + 1)
    return at
  }
}
