/**
 * What runs per key without a window, aggregates and reductions alike, by when it is emitted. Rows lie in a table of the state; results
 * go out one by one, as there is credit.
 */
import type { KeyTable, Operator, OperatorContext, RestoredOperator } from '@sluice/engine'
import { ownColumn } from '../aggregate/column-names.js'
import type { CompiledAggregators } from '../aggregate/compile-aggregators.js'
import { type BeforeEnd, watermarkBeforeEnd } from './before-end.js'
import { type PeriodicState, restorePeriod } from './periodic-state.js'

/** How rows are kept: aggregates, or a reduction. */
export type CompiledRows = Pick<CompiledAggregators, 'columns' | 'names' | 'update' | 'result'>

/** For every record, at the end of the input, or this many ms after a change. */
export type EmissionMs = 'update' | 'end' | number

export function createRunning(context: OperatorContext, rows: CompiledRows, emission: EmissionMs): Operator {
  if (emission === 'update') return new UpdatingAggregate(context, rows)
  return emission === 'end' ? new FinalAggregate(context, rows) : new PeriodicAggregate(context, rows, emission)
}

/** Emits the row of its key for every record. */
class UpdatingAggregate implements Operator {
  readonly #context: OperatorContext
  readonly #rows: CompiledRows
  readonly #table: KeyTable

  constructor(context: OperatorContext, rows: CompiledRows) {
    this.#context = context
    this.#rows = rows
    this.#table = context.keyTable('rows', rows.columns, rows.names)
  }

  process(value: unknown, timestamp: number): void {
    const rows = this.#rows
    const table = this.#table
    this.#context.emit(rows.result(table, rows.update(table, value)), timestamp)
  }

  close(): void {
    this.#table.clear()
  }
}

/** Emits every row once, when the input has ended, in the order in which the keys came first, as late as its latest record and behind the watermark. */
class FinalAggregate implements Operator {
  readonly #context: OperatorContext
  readonly #rows: CompiledRows
  readonly #table: KeyTable
  readonly #latestColumn: number
  /** The slot that is next to go out; undefined: the input goes on. */
  #next: number | undefined
  /** The last but that of the end. */
  #watermark: number = Number.NEGATIVE_INFINITY

  constructor(context: OperatorContext, rows: CompiledRows) {
    this.#context = context
    this.#rows = rows
    this.#latestColumn = rows.columns.length
    this.#table = context.keyTable('rows', [...rows.columns, 'number'], [...rows.names, ownColumn('latest')])
  }

  process(value: unknown, timestamp: number): void {
    const table = this.#table
    const slot = this.#rows.update(table, value)
    const latest = (table.columns[this.#latestColumn] as NumberCells).values
    // Without a timestamp there is nothing to compare: a row that is far away in memory is not touched for it.
    if (table.created || (timestamp === timestamp && !(timestamp <= (latest[slot] as number)))) latest[slot] = timestamp
  }

  onWatermark(watermark: number): void {
    if (watermark !== Number.POSITIVE_INFINITY) this.#watermark = watermark
  }

  onEnd(): void {
    this.#next = 0
  }

  snapshot(): BeforeEnd {
    return { watermark: this.#watermark }
  }

  restore(restored: RestoredOperator): void {
    this.#watermark = watermarkBeforeEnd(restored)
    if (restored.ended) this.#next = 0
  }

  fire(): boolean {
    if (this.#next === undefined) return false
    const table = this.#table
    const slot = table.next(this.#next)
    if (slot < 0) {
      this.#next = undefined
      return false
    }
    this.#next = slot + 1
    table.goneBelow = slot + 1
    const latest = (table.columns[this.#latestColumn] as NumberCells).values
    // A row may be older than the watermark by now; what goes out is not late for that.
    this.#context.emit(this.#rows.result(table, slot), Math.max(latest[slot] as number, this.#watermark + 1))
    return true
  }

  close(): void {
    this.#table.clear()
  }
}

/** Emits the rows that changed, this long after the first change at the latest, and what is left when the input has ended. */
class PeriodicAggregate implements Operator {
  readonly #context: OperatorContext
  readonly #rows: CompiledRows
  readonly #periodMs: number
  readonly #table: KeyTable
  /** Of a column that says whether the row waits to be emitted. */
  readonly #changedColumn: number
  #changed: number[] = []
  /** How many of `changed` are out; undefined: they are not due. */
  #fired: number | undefined
  /** When they are; Infinity: nothing waits. */
  #dueAt: number = Number.POSITIVE_INFINITY
  /** Of the latest record of the subtask. */
  #latest: number = Number.NaN
  /** The last but that of the end. */
  #watermark: number = Number.NEGATIVE_INFINITY

  constructor(context: OperatorContext, rows: CompiledRows, periodMs: number) {
    this.#context = context
    this.#rows = rows
    this.#periodMs = periodMs
    this.#changedColumn = rows.columns.length
    this.#table = context.keyTable('rows', [...rows.columns, 'number'], [...rows.names, ownColumn('changed')])
  }

  process(value: unknown, timestamp: number): void {
    const table = this.#table
    const slot = this.#rows.update(table, value)
    if (!(timestamp <= this.#latest)) this.#latest = timestamp
    const changed = (table.columns[this.#changedColumn] as NumberCells).values
    if (!table.created && changed[slot] === 1) return
    changed[slot] = 1
    if (this.#changed.push(slot) > 1) return
    this.#dueAt = this.#context.now() + this.#periodMs
    this.#context.setDeadline(this.#dueAt)
  }

  onWatermark(watermark: number): void {
    if (watermark !== Number.POSITIVE_INFINITY) this.#watermark = watermark
  }

  onDeadline(): void {
    this.#dueAt = Number.POSITIVE_INFINITY
    this.#fired = 0
  }

  onEnd(): void {
    this.#context.setDeadline(undefined)
    this.#fired = 0
  }

  snapshot(): PeriodicState {
    const dueAt = this.#fired === undefined ? this.#dueAt : Number.NEGATIVE_INFINITY
    return { newest: this.#latest, watermark: this.#watermark, dueAt }
  }

  restore(restored: RestoredOperator): void {
    const { newest, watermark, dueAt } = restorePeriod(restored)
    this.#latest = newest
    this.#watermark = watermark
    const table = this.#table
    const changed = (table.columns[this.#changedColumn] as NumberCells).values
    for (let slot = table.next(0); slot >= 0; slot = table.next(slot + 1)) if (changed[slot] === 1) this.#changed.push(slot)
    if (restored.ended || dueAt === Number.NEGATIVE_INFINITY) this.#fired = 0
    else if (this.#changed.length > 0) {
      this.#dueAt = dueAt < Number.POSITIVE_INFINITY ? dueAt : this.#context.now()
      this.#context.setDeadline(this.#dueAt)
    }
  }

  fire(): boolean {
    if (this.#fired === undefined) return false
    const slot = this.#changed[this.#fired]
    if (slot === undefined) {
      this.#changed = []
      this.#fired = undefined
      return false
    }
    this.#fired++
    const table = this.#table
    const changed = (table.columns[this.#changedColumn] as NumberCells).values
    table.touch(slot)
    changed[slot] = 0
    // Other subtasks may have moved the watermark past all records of this one; what goes out now is not late for that.
    this.#context.emit(this.#rows.result(table, slot), Math.max(this.#latest, this.#watermark + 1))
    return true
  }

  close(): void {
    this.#table.clear()
  }
}

interface NumberCells {
  readonly values: Float64Array
}
