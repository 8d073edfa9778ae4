/**
 * Collects records into arrays, bounded by number and by waiting time. Event time does not pass a batch that waits: with the watermark that
 * reaches its timestamp it leaves as it is, or whatever reads it would be told late.
 */
import type { Operator, OperatorContext } from '@sluice/engine'

export class BatchOperator implements Operator {
  readonly #context: OperatorContext
  readonly #recordsMax: number
  readonly #timeMs: number | undefined
  #records: unknown[] = []
  #latest: number = Number.NaN
  #passed = false

  constructor(context: OperatorContext, recordsMax: number, timeMs: number | undefined) {
    this.#context = context
    this.#recordsMax = recordsMax
    this.#timeMs = timeMs
  }

  process(value: unknown, timestamp: number): void {
    if (!(timestamp <= this.#latest)) this.#latest = timestamp
    const size = this.#records.push(value)
    if (size >= this.#recordsMax) this.#emit()
    else if (size === 1 && this.#timeMs !== undefined) this.#context.setDeadline(this.#context.now() + this.#timeMs)
  }

  onDeadline(): void {
    this.#emit()
  }

  onWatermark(watermark: number): void {
    this.#passed = this.#records.length > 0 && watermark >= this.#latest
  }

  fire(): boolean {
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
    if (this.#timeMs !== undefined) this.#context.setDeadline(undefined)
    return records
  }
}
