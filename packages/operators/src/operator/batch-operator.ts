/**
 * Collects records into arrays, bounded by number and by waiting time. Event time does not pass a batch that waits: with the watermark that
 * reaches its timestamp it leaves as it is, or whatever reads it would be told late.
 */
import type { Operator, OperatorContext, RestoredOperator } from '@sluice/engine'

export class BatchOperator implements Operator {
  readonly #context: OperatorContext
  readonly #recordsMax: number
  readonly #timeMs: number | undefined
  #records: unknown[] = []
  #latest: number = Number.NaN
  #passed = false
  /** When the batch leaves as it is; Infinity: it may wait. */
  #dueAt: number = Number.POSITIVE_INFINITY

  constructor(context: OperatorContext, recordsMax: number, timeMs: number | undefined) {
    this.#context = context
    this.#recordsMax = recordsMax
    this.#timeMs = timeMs
  }

  process(value: unknown, timestamp: number): void {
    if (!(timestamp <= this.#latest)) this.#latest = timestamp
    const size = this.#records.push(value)
    if (size >= this.#recordsMax) this.#emit()
    else if (size === 1 && this.#timeMs !== undefined) this.#await(this.#context.now() + this.#timeMs)
  }

  onDeadline(): void {
    this.#emit()
  }

  onWatermark(watermark: number): void {
    this.#passed = this.#records.length > 0 && watermark >= this.#latest
  }

  /** Records that wait; at another parallelism they wait with those of other subtasks. */
  snapshot(): BatchState {
    return { records: this.#records, latest: this.#latest, passed: this.#passed, dueAt: this.#dueAt }
  }

  restore({ states }: RestoredOperator): void {
    for (const { records, latest, passed, dueAt } of states as readonly BatchState[]) {
      if (records.length === 0) continue
      this.#records.push(...records)
      if (!(latest <= this.#latest)) this.#latest = latest
      if (passed) this.#passed = true
      if (dueAt < this.#dueAt) this.#await(dueAt)
    }
  }

  fire(): boolean {
    if (this.#records.length > this.#recordsMax) {
      this.#context.emit(this.#records.splice(0, this.#recordsMax), this.#latest)
      return true
    }
    if (this.#records.length === this.#recordsMax) this.#passed = true
    if (!this.#passed) return false
    this.#passed = false
    this.#emit()
    return true
  }

  onStop(): void {
    this.#emit()
  }

  onEnd(): void {
    this.#emit()
  }

  #emit(): void {
    if (this.#records.length === 0) return
    const latest = this.#latest
    this.#context.emit(this.#take(), latest)
  }

  #take(): readonly unknown[] {
    const records = this.#records
    this.#records = []
    this.#latest = Number.NaN
    this.#dueAt = Number.POSITIVE_INFINITY
    if (this.#timeMs !== undefined) this.#context.setDeadline(undefined)
    return records
  }

  #await(dueAt: number): void {
    this.#dueAt = dueAt
    this.#context.setDeadline(dueAt)
  }
}

interface BatchState {
  readonly records: readonly unknown[]
  readonly latest: number
  /** The watermark has reached it. */
  readonly passed: boolean
  readonly dueAt: number
}
