/**
 * The unbounded inner join: every record meets what is kept of the other side under its key, and is kept itself. A pair is given when
 * its second record comes, whichever side that is; so the pairs do not depend on how the two streams interleave.
 */
import type { NumberColumn, Operator, OperatorContext, RestoredOperator, ValueColumn } from '@sluice/engine'
import { type JoinFn, type KeyOf, laterOf, RESULTS_AT_ONCE_MAX } from './join-input.js'
import { JoinRows, type JoinRowsOptions } from './join-rows.js'
import { expandResults, type Results } from './pair-run.js'

export class InnerJoin implements Operator {
  readonly #context: OperatorContext
  readonly #leftKeyOf: KeyOf
  readonly #rightKeyOf: KeyOf
  readonly #fn: JoinFn
  readonly #rows: JoinRows
  readonly #expires: boolean
  readonly #timed: boolean

  constructor(context: OperatorContext, leftKeyOf: KeyOf, rightKeyOf: KeyOf, fn: JoinFn, options: JoinRowsOptions) {
    this.#context = context
    this.#leftKeyOf = leftKeyOf
    this.#rightKeyOf = rightKeyOf
    this.#fn = fn
    this.#rows = new JoinRows(context, options)
    this.#expires = this.#rows.expires
    this.#timed = options.timed
  }

  process(value: unknown, timestamp: number, input: number): void {
    const rows = this.#rows
    const now = this.#expires ? rows.look(this.#context.now()) : 0
    const isLeft = input === 0
    const slot = rows.slotOf(isLeft ? this.#leftKeyOf(value) : this.#rightKeyOf(value))
    const own = isLeft ? rows.left : rows.right
    const other = isLeft ? rows.right : rows.left
    const table = rows.table
    if (this.#timed) own.lists.append(table, slot, value, timestamp, now, 0)
    else own.lists.append(table, slot, value, now, 0, 0)
    const lists = other.lists
    const columns = table.columns
    const from = other.ttlMs === undefined ? 0 : rows.liveFrom(other, slot, now)
    const end = (columns[lists.ends] as NumberColumn).values[slot] as number
    if (end === 0) return
    const held = (columns[lists.records] as ValueColumn).values[slot]
    const fn = this.#fn
    if (end === 1) {
      const result = isLeft ? fn(value, held) : fn(held, value)
      const time = this.#timed ? laterOf(timestamp, (columns[lists.firstNumbers] as NumberColumn).values[slot] as number) : timestamp
      this.#context.emit(result, time)
      return
    }
    const pairs = new Pairs(this.#context, fn, isLeft, value, timestamp, held as readonly unknown[])
    if (this.#timed) {
      pairs.stride = lists.fields
      pairs.numbers = (columns[lists.numbers] as ValueColumn).values[slot] as readonly number[]
    }
    if (end - from > RESULTS_AT_ONCE_MAX) expandResults(this.#context, pairs, from, end)
    else for (let index = from; index < end; index++) pairs.emit(index)
  }

  snapshot(): unknown {
    return this.#rows.snapshot()
  }

  restore(restored: RestoredOperator): void {
    this.#rows.restore(restored)
  }

  close(): void {
    this.#rows.table.clear()
  }
}

/** One record and its partners. */
export class Pairs implements Results {
  readonly #context: OperatorContext
  readonly #fn: JoinFn
  readonly #isLeft: boolean
  readonly #value: unknown
  readonly #timestamp: number
  readonly #partners: readonly unknown[]
  /** Times of the partners, every `stride`-th number; undefined: nothing has a time. */
  numbers: readonly number[] | undefined = undefined
  stride = 1

  constructor(context: OperatorContext, fn: JoinFn, isLeft: boolean, value: unknown, timestamp: number, partners: readonly unknown[]) {
    this.#context = context
    this.#fn = fn
    this.#isLeft = isLeft
    this.#value = value
    this.#timestamp = timestamp
    this.#partners = partners
  }

  value(index: number): unknown {
    const partner = this.#partners[index]
    return this.#isLeft ? this.#fn(this.#value, partner) : this.#fn(partner, this.#value)
  }

  timeOf(index: number): number {
    const numbers = this.numbers
    return numbers === undefined ? this.#timestamp : laterOf(this.#timestamp, numbers[index * this.stride] as number)
  }

  emit(index: number): void {
    this.#context.emit(this.value(index), this.timeOf(index))
  }
}
