/** One attempt at a record, and what the user's function sees of it. Its signal is made when it is asked for. */
import type { AsyncContext, OperatorLog, OperatorMetrics, RunIdentity } from '@sluice/engine'

export class Attempt implements AsyncContext {
  readonly attempt: number
  readonly startedMs: number
  /** Of the gate. */
  readonly place: number
  /** Where its time is up while it still goes on. */
  expire: (() => void) | undefined
  readonly #record: AsyncContext
  #controller: AbortController | undefined
  #aborted: { readonly reason: unknown } | undefined

  constructor(record: AsyncContext, attempt: number, place: number, startedMs: number) {
    this.#record = record
    this.attempt = attempt
    this.place = place
    this.startedMs = startedMs
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason)
    return this.#controller.signal
  }

  abort(reason: unknown): void {
    this.#aborted = { reason }
    this.#controller?.abort(reason)
  }

  get job(): string {
    return this.#record.job
  }

  get operator(): string {
    return this.#record.operator
  }

  get subtask(): AsyncContext['subtask'] {
    return this.#record.subtask
  }

  get log(): OperatorLog {
    return this.#record.log
  }

  get metrics(): OperatorMetrics {
    return this.#record.metrics
  }

  get run(): RunIdentity | undefined {
    return this.#record.run
  }

  get recordId(): string {
    return this.#record.recordId
  }

  now(): number {
    return this.#record.now()
  }

  /** One that was given up may go on, and says nothing of those that follow. */
  deadLetter(record: unknown, error: unknown): void {
    if (this.#aborted === undefined) this.#record.deadLetter(record, error)
  }

  countError(): void {
    this.#record.countError()
  }

  use(name: string): unknown {
    return this.#record.use(name)
  }
}
