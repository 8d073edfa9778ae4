/**
 * Where the records of a file pass on their way into a batch: those that fit are collected, those that do not go by the
 * policy `onInvalid`. One gate per reader; it holds one batch at a time.
 */
import { type DeadLetter, type ErrorCode, type SourceBatch, SluiceError } from '@sluice/engine'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { INVALID, RecordValidator } from './compile-validator.js'

/** What happens to a record that does not fit its schema or cannot be parsed. */
export type InvalidPolicy = 'fail' | 'drop' | 'deadLetter'

export class RecordGate {
  /** undefined: every record fits. */
  readonly validator: RecordValidator | undefined
  /** Records of the open batch; a source that needs no check may push here. */
  records: unknown[] = []
  readonly policy: InvalidPolicy
  readonly #operator: string
  #deadLetters: DeadLetter[] | undefined
  #dropped = 0

  constructor(options: { readonly schema: StandardSchemaV1 | undefined; readonly policy: InvalidPolicy; readonly operator: string }) {
    this.validator = options.schema === undefined ? undefined : new RecordValidator(options.schema)
    this.policy = options.policy
    this.#operator = options.operator
  }

  /** Collects a record that fits. false: it does not, and `validator.reason` says why. */
  admit(record: unknown): boolean {
    const checked = this.validator === undefined ? record : this.validator.check(record)
    if (checked === INVALID) return false
    this.records.push(checked)
    return true
  }

  /** Applies the policy to an input that does not fit; throws where it is `fail`. */
  reject(code: ErrorCode, input: unknown, reason: string, position: string): void {
    if (this.policy === 'fail') throw new SluiceError(code, `${position}: ${reason}`, { operator: this.#operator, position })
    if (this.policy === 'drop') this.#dropped++
    else (this.#deadLetters ??= []).push({ operator: this.#operator, input, reason, position })
  }

  /** Nothing was collected since the last `take`. */
  get isEmpty(): boolean {
    return this.records.length === 0 && this.#dropped === 0 && this.#deadLetters === undefined
  }

  /** The open batch, which began at a position; a new one begins. */
  take(position?: unknown): SourceBatch {
    const dropped = this.#dropped === 0 ? undefined : this.#dropped
    const batch = { records: this.records, deadLetters: this.#deadLetters, dropped, position }
    this.records = []
    this.#deadLetters = undefined
    this.#dropped = 0
    return batch
  }
}
