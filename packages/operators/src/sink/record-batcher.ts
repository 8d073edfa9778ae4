/**
 * Gathers records into batches of a size or an age and hands them to a function that may be asynchronous, one batch after the other. What was not
 * handed over, or is with the function still, is state: it comes again after a restore, cut into the same batches where the source
 * gives its records in the same order. Runs in the thread of its subtask.
 */
import type { RecordWriter, SinkWriteContext } from './define-sink.js'

export interface BatchBounds {
  readonly recordsMax: number
  readonly timeMs: number
}

/** Called with a batch and the number of its first record, over all attempts. */
export type HandOver<T> = (batch: readonly T[], firstRecord: number) => void | Promise<void>

export class RecordBatcher<T> implements RecordWriter<T> {
  readonly #handOver: HandOver<T>
  readonly #bounds: BatchBounds
  readonly #context: SinkWriteContext
  #batch: T[] = []
  /** With the function. */
  #under: readonly T[] = []
  /** Of the write under way, behind the batch. */
  #rest: readonly T[] = []
  #next: number

  constructor(handOver: HandOver<T>, bounds: BatchBounds, context: SinkWriteContext) {
    this.#handOver = handOver
    this.#bounds = bounds
    this.#context = context
    this.#next = context.firstRecord
  }

  write(records: readonly T[]): void | Promise<void> {
    const { recordsMax, timeMs } = this.#bounds
    for (let index = 0; index < records.length; index++) {
      if (this.#batch.push(records[index] as T) === 1) this.#context.setDeadline(this.#context.now() + timeMs)
      if (this.#batch.length < recordsMax) continue
      const pending = this.#send()
      if (pending === undefined) continue
      this.#rest = records.slice(index + 1)
      return pending.then(() => {
        const rest = this.#rest
        this.#rest = []
        return this.write(rest)
      })
    }
  }

  onDeadline(): void | Promise<void> {
    return this.#send()
  }

  unwritten(): readonly T[] {
    return [...this.#under, ...this.#batch, ...this.#rest]
  }

  finish(): void | Promise<void> {
    return this.#send()
  }

  #send(): undefined | Promise<void> {
    const batch = this.#batch
    if (batch.length === 0) return undefined
    this.#batch = []
    this.#context.setDeadline(undefined)
    const first = this.#next
    this.#next += batch.length
    const result = this.#handOver(batch, first)
    if (result === undefined) return undefined
    this.#under = batch
    return result.then(() => {
      this.#under = []
    })
  }
}
