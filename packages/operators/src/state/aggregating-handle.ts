/** An aggregate per key: the columns of the aggregator where it has a columnar form, else its accumulator as a value. */
import { checkStateValue, type ColumnKind, type NumberColumn, type ValueColumn } from '@sluice/engine'
import type { Aggregator, ColumnarForm } from '../aggregate/aggregator.js'
import type { KeyedRows, StateCells } from './keyed-rows.js'
import { putValue } from './put-value.js'
import type { AggregatingState } from './state-types.js'
import type { TimeToLive } from './time-to-live.js'

type AnyFunction = (...args: unknown[]) => unknown

/** First when the row expires, Infinity where it does not, NaN where it holds nothing; then those of the aggregator. */
export const aggregatingColumns = (aggregator: Aggregator<never, unknown>): readonly ColumnKind[] => [
  'number',
  ...(aggregator.columnar?.columns ?? (['value'] as const)),
]

export class AggregatingHandle implements AggregatingState<unknown, unknown>, StateCells {
  readonly sweepAt: ((slot: number) => boolean) | undefined
  readonly #rows: KeyedRows
  readonly #name: string
  readonly #ttl: TimeToLive | undefined
  readonly #expiries: NumberColumn
  readonly #columns: readonly (NumberColumn | ValueColumn)[]
  readonly #keepsValues: boolean
  readonly #select: ((record: unknown) => unknown) | undefined
  readonly #form: Record<'reset' | 'add' | 'result', AnyFunction>

  constructor(rows: KeyedRows, name: string, ttl: TimeToLive | undefined, firstColumn: number, aggregator: Aggregator<never, unknown>) {
    const { columns } = rows.table
    this.#rows = rows
    this.#name = name
    this.#ttl = ttl
    this.#expiries = columns[firstColumn] as NumberColumn
    const count = aggregatingColumns(aggregator).length
    this.#columns = columns.slice(firstColumn + 1, firstColumn + count)
    this.#keepsValues = this.#columns.some(({ kind }) => kind === 'value')
    this.#select = aggregator.select as ((record: unknown) => unknown) | undefined
    const form = aggregator.columnar ?? valueForm(aggregator, this.#columns[0] as ValueColumn, name, rows.operator)
    this.#form = form as unknown as Record<'reset' | 'add' | 'result', AnyFunction>
    this.sweepAt = ttl === undefined ? undefined : (slot) => this.#expireAt(slot, ttl)
  }

  add(value: unknown): void {
    const slot = this.#slot()
    const ttl = this.#ttl
    if (ttl !== undefined) this.#expireAt(slot, ttl)
    const expiries = this.#expiries.values
    if (expiries[slot] !== expiries[slot]) {
      for (const column of this.#columns) if (column.kind === 'value') putValue(column, slot, undefined)
      this.#call(this.#form.reset, slot)
      expiries[slot] = Number.POSITIVE_INFINITY
    }
    this.#add(slot, this.#select === undefined ? value : this.#select(value))
    if (ttl !== undefined) expiries[slot] = this.#rows.expiryFor(ttl)
  }

  get(): unknown {
    const slot = this.#slot()
    const ttl = this.#ttl
    if (ttl !== undefined && this.#expireAt(slot, ttl)) this.#rows.doubtful = true
    if (this.isEmptyAt(slot)) return undefined
    if (ttl?.onRead === true) this.#expiries.values[slot] = this.#rows.expiryFor(ttl)
    return this.#call(this.#form.result, slot)
  }

  clear(): void {
    this.resetAt(this.#slot())
    this.#rows.doubtful = true
  }

  resetAt(slot: number): void {
    this.#expiries.values[slot] = Number.NaN
    for (const column of this.#columns) column.release(slot)
  }

  isEmptyAt(slot: number): boolean {
    const expiry = this.#expiries.values[slot] as number
    return expiry !== expiry
  }

  adoptAt(slot: number): void {
    if (this.isEmptyAt(slot)) return
    this.#expiries.values[slot] = this.#ttl === undefined ? Number.POSITIVE_INFINITY : this.#rows.expiryFor(this.#ttl)
  }

  #slot(): number {
    const { slot } = this.#rows
    if (slot < 0) this.#rows.refuse(`state ${this.#name}`)
    return slot
  }

  /** What is kept is data; numbers are numbers whatever was given. */
  #add(slot: number, value: unknown): void {
    if (this.#keepsValues) checkStateValue(value, this.#name, this.#rows.operator)
    const columns = this.#columns
    const first = (columns[0] as NumberColumn | ValueColumn).values
    if (columns.length === 1) this.#form.add(slot, value, first)
    else if (columns.length === 2) this.#form.add(slot, value, first, (columns[1] as NumberColumn | ValueColumn).values)
    else this.#form.add(slot, value, ...columns.map((column) => column.values))
  }

  #call(fn: AnyFunction, slot: number): unknown {
    return fn(slot, ...this.#columns.map((column) => column.values))
  }

  #expireAt(slot: number, ttl: TimeToLive): boolean {
    if (!(this.#rows.nowFor(ttl) >= (this.#expiries.values[slot] as number))) return false
    this.resetAt(slot)
    return true
  }
}

/** An accumulator in one column. One that is changed in place is looked at when it is made, any other whenever it is new. */
function valueForm(
  aggregator: Aggregator<never, unknown>,
  column: ValueColumn,
  name: string,
  operator: string,
): Pick<ColumnarForm, 'reset' | 'add' | 'result'> {
  const { create, add, result } = aggregator as unknown as Record<'create' | 'add' | 'result', AnyFunction>
  const keep = (slot: number, accumulator: unknown): void => {
    checkStateValue(accumulator, name, operator)
    putValue(column, slot, accumulator)
  }
  return {
    reset: (slot) => keep(slot, create()),
    add: (slot, value) => {
      const before = column.values[slot]
      const after = add(before, value)
      if (after !== before) keep(slot, after)
    },
    result: (slot) => result(column.values[slot]),
  }
}
