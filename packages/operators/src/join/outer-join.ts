/**
 * The unbounded outer join, whose result is a table that changes. A record that finds no partner and whose side keeps such has a row of its
 * own; its first partner takes that row away and puts the pair in its place. What expires is forgotten and changes nothing: records that
 * have met stay joined, and a record that met nobody keeps its row.
 *
 * Invariant: the number kept with a record is negative as long as its row without a partner is in the result.
 */
import type { NumberColumn, Operator, OperatorContext, RestoredOperator } from '@sluice/engine'
import { type JoinFn, type KeyOf, laterOf, RESULTS_AT_ONCE_MAX } from './join-input.js'
import { JoinRows, type JoinRowsOptions, type JoinSide } from './join-rows.js'
import type { JoinedKey, OuterJoin, Update } from './join-types.js'
import { expandResults, type Results } from './pair-run.js'

/** Numbers of a row that is made anew begin above all that it can have given out before it expired. */
const NUMBERS_PER_MS = 1_000

export interface OuterJoinRowsOptions extends JoinRowsOptions {
  readonly type: OuterJoin
}

export class OuterJoinOperator implements Operator {
  readonly #context: OperatorContext
  readonly #leftKeyOf: KeyOf
  readonly #rightKeyOf: KeyOf
  readonly #fn: JoinFn
  readonly #rows: JoinRows
  readonly #keepsLeft: boolean
  readonly #keepsRight: boolean

  constructor(context: OperatorContext, leftKeyOf: KeyOf, rightKeyOf: KeyOf, fn: JoinFn, options: OuterJoinRowsOptions) {
    this.#context = context
    this.#leftKeyOf = leftKeyOf
    this.#rightKeyOf = rightKeyOf
    this.#fn = fn
    this.#rows = new JoinRows(context, options)
    this.#keepsLeft = options.type !== 'right'
    this.#keepsRight = options.type !== 'left'
  }

  process(value: unknown, timestamp: number, input: number): void {
    const rows = this.#rows
    const { table, fields } = rows
    const now = rows.expires ? rows.look(this.#context.now()) : 0
    const isLeft = input === 0
    const key = isLeft ? this.#leftKeyOf(value) : this.#rightKeyOf(value)
    const slot = rows.slotOf(key)
    if (table.created) {
      const first = rows.expires ? Math.floor(now) * NUMBERS_PER_MS + 1 : 1
      ;(table.columns[rows.left.next] as NumberColumn).values[slot] = first
      ;(table.columns[rows.right.next] as NumberColumn).values[slot] = first
    }
    const own = isLeft ? rows.left : rows.right
    const other = isLeft ? rows.right : rows.left
    const next = (table.columns[own.next] as NumberColumn).values
    const number = next[slot] as number
    next[slot] = number + 1
    const from = rows.liveFrom(other, slot, now)
    const end = other.lists.endOf(table, slot)
    const alone = end === from && (isLeft ? this.#keepsLeft : this.#keepsRight)
    const kept = alone ? -number : number
    if (fields.time < 0) {
      if (fields.arrival < 0) own.lists.append(table, slot, value, kept, 0, 0)
      else own.lists.append(table, slot, value, now, kept, 0)
    } else if (fields.arrival < 0) own.lists.append(table, slot, value, timestamp, kept, 0)
    else own.lists.append(table, slot, value, timestamp, now, kept)
    if (alone) {
      const row: Update<unknown, JoinedKey<unknown>> = isLeft
        ? { op: 'upsert', key: [key, number, 0], value: this.#fn(value, undefined) }
        : { op: 'upsert', key: [key, 0, number], value: this.#fn(undefined, value) }
      this.#context.emit(row, timestamp)
      return
    }
    if (end === from) return
    const pairs = new NumberedPairs(this.#context, this.#fn, rows, other, slot, { key, value, timestamp, number, isLeft })
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

/** The record that has come. */
interface Arrived {
  readonly key: unknown
  readonly value: unknown
  readonly timestamp: number
  readonly number: number
  readonly isLeft: boolean
}

class NumberedPairs implements Results {
  readonly #context: OperatorContext
  readonly #fn: JoinFn
  readonly #rows: JoinRows
  readonly #other: JoinSide
  readonly #slot: number
  readonly #arrived: Arrived

  constructor(context: OperatorContext, fn: JoinFn, rows: JoinRows, other: JoinSide, slot: number, arrived: Arrived) {
    this.#context = context
    this.#fn = fn
    this.#rows = rows
    this.#other = other
    this.#slot = slot
    this.#arrived = arrived
  }

  emit(index: number): void {
    this.#context.emit(this.value(index), this.timeOf(index))
  }

  timeOf(index: number): number {
    const { table, fields } = this.#rows
    const { timestamp } = this.#arrived
    return fields.time < 0 ? timestamp : laterOf(timestamp, this.#other.lists.numberAt(table, this.#slot, index, fields.time))
  }

  /** The pair; the row of a partner that had none so far is taken away before. */
  value(index: number): Update<unknown, JoinedKey<unknown>> {
    const { table, fields } = this.#rows
    const { lists } = this.#other
    const { key, value, number, isLeft } = this.#arrived
    const partner = lists.recordAt(table, this.#slot, index)
    const kept = lists.numberAt(table, this.#slot, index, fields.number)
    const partnerNumber = Math.abs(kept)
    if (kept < 0) {
      lists.setNumber(table, this.#slot, index, fields.number, partnerNumber)
      const gone: Update<unknown, JoinedKey<unknown>> = isLeft
        ? { op: 'delete', key: [key, 0, partnerNumber], value: this.#fn(undefined, partner) }
        : { op: 'delete', key: [key, partnerNumber, 0], value: this.#fn(partner, undefined) }
      this.#context.emit(gone, this.timeOf(index))
    }
    return isLeft
      ? { op: 'upsert', key: [key, number, partnerNumber], value: this.#fn(value, partner) }
      : { op: 'upsert', key: [key, partnerNumber, number], value: this.#fn(partner, value) }
  }
}
