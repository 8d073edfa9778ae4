/**
 * Records of a batch that its function gave up one by one, while the others go on. One per batch under way, on the thread of its subtask; what was given up counts
 * once the attempt has succeeded that said so, or the batch has failed.
 */
import type { RecordFailures } from './record-failures.js'

export class FailedRecords {
  readonly #failures: RecordFailures
  #given: { readonly record: unknown; readonly error: unknown }[] = []

  constructor(failures: RecordFailures) {
    this.#failures = failures
  }

  /** Throws an error that no policy is for. */
  add(record: unknown, error: unknown): void {
    if (!this.#failures.owns(error)) throw error
    this.#given.push({ record, error })
  }

  /** Another attempt begins. */
  clear(): void {
    this.#given = []
  }

  get list(): readonly { readonly record: unknown; readonly error: unknown }[] {
    return this.#given
  }

  /** What a record failed with by itself; `error` where it did not. */
  errorOf(record: unknown, error: unknown): unknown {
    const own = this.#given.find((given) => given.record === record)
    return own === undefined ? error : own.error
  }
}
