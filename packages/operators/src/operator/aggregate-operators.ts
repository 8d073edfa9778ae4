/** Running aggregates per key, by when they are emitted. Rows lie in a Map until keyed state takes its place. */
import type { Operator, OperatorContext } from '@sluice/engine'
import type { AggregateRow, CompiledAggregators, RowTable } from '../aggregate/compile-aggregators.js'

/** Emits the row of its key for every record. */
export class UpdatingAggregate implements Operator {
  readonly #context: OperatorContext
  readonly #aggregators: CompiledAggregators
  readonly #rows: RowTable = new Map()

  constructor(context: OperatorContext, aggregators: CompiledAggregators) {
    this.#context = context
    this.#aggregators = aggregators
  }

  process(value: unknown, timestamp: number): void {
    const row = this.#aggregators.update(this.#rows, value)
    this.#context.emit(this.#aggregators.result(row), timestamp)
  }

  close(): void {
    this.#rows.clear()
  }
}

/** Emits every row once, when the input has ended, in the order in which the keys came first. */
export class FinalAggregate implements Operator {
  readonly #aggregators: CompiledAggregators
  readonly #rows: RowTable = new Map()

  constructor(aggregators: CompiledAggregators) {
    this.#aggregators = aggregators
  }

  process(value: unknown): void {
    this.#aggregators.update(this.#rows, value)
  }

  *onEnd(): Iterable<unknown> {
    for (const row of this.#rows.values()) yield this.#aggregators.result(row)
  }

  close(): void {
    this.#rows.clear()
  }
}

/** Emits the rows that changed, this long after the first change at the latest, and what is left when the input has ended. */
export class PeriodicAggregate implements Operator {
  readonly #context: OperatorContext
  readonly #aggregators: CompiledAggregators
  readonly #periodMs: number
  readonly #rows: RowTable = new Map()
  #changed: AggregateRow[] = []
  /** Results are as late as the latest record of the subtask, so that they are never behind the watermark. */
  #latest: number = Number.NaN

  constructor(context: OperatorContext, aggregators: CompiledAggregators, periodMs: number) {
    this.#context = context
    this.#aggregators = aggregators
    this.#periodMs = periodMs
  }

  process(value: unknown, timestamp: number): void {
    const row = this.#aggregators.update(this.#rows, value)
    if (!(timestamp <= this.#latest)) this.#latest = timestamp
    if (row.changed) return
    row.changed = true
    if (this.#changed.push(row) === 1) this.#context.setDeadline(this.#context.now() + this.#periodMs)
  }

  onDeadline(): void {
    this.#context.expand(this.onEnd(), this.#latest)
  }

  onEnd(): Iterable<unknown> {
    const changed = this.#changed
    this.#changed = []
    this.#context.setDeadline(undefined)
    return this.#results(changed)
  }

  close(): void {
    this.#rows.clear()
  }

  /** Suspended between two rows, and never across a record: the engine pulls it to its end first. */
  *#results(changed: readonly AggregateRow[]): Iterable<unknown> {
    for (const row of changed) {
      row.changed = false
      yield this.#aggregators.result(row)
    }
  }
}
