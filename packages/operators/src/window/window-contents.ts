/**
 * What is kept of the records of a window: aggregates, a reduction, or the records themselves. Operators of windows know their contents
 * by this interface alone. One object per subtask; `update` runs per record.
 */
import {
  type Column,
  type ColumnKind,
  type ColumnName,
  KeyTable,
  type NumberColumn,
  type OperatorContext,
  type ValueColumn,
} from '@sluice/engine'
import type { Aggregators } from '../aggregate/aggregator.js'
import { ownColumn } from '../aggregate/column-names.js'
import { compileAggregators } from '../aggregate/compile-aggregators.js'
import type { AnyFunction } from '../job/graph-draft.js'
import { SubtaskProcessContext } from '../operator/process-context.js'
import type { TimeWindow, WindowContext } from './window-types.js'

export interface WindowContents {
  /** The first columns of a table; an operator's own follow. */
  readonly columns: readonly ColumnKind[]
  /** What they are called in checkpoints. */
  readonly names: readonly ColumnName[]
  /** Whether the parts of a window may be kept apart and merged when it fires. */
  readonly mergeable: boolean
  /** Adds a record to the row of its key, which is made where it is missing (`table.created`); gives back the slot. */
  readonly update: (table: KeyTable, record: unknown) => number
  readonly keyOf: (record: unknown) => unknown
  /** Adds a record to a row. */
  readonly add: (table: KeyTable, slot: number, record: unknown) => void
  /** Makes a row hold nothing. */
  readonly reset: (table: KeyTable, slot: number) => void
  /** Adds row `from`, whose records are later than those of `into`. `from` stays as it is and may be used on. */
  readonly append: (table: KeyTable, into: number, source: KeyTable, from: number) => void
  /** After a restore, for every row: what arrives from now on is behind what is in it. Absent: it does not matter. */
  readonly resume?: ((table: KeyTable, slot: number) => void) | undefined
  /** Sends what a row comes to. */
  readonly emit: (table: KeyTable, slot: number, window: TimeWindow, timestamp: number) => void
}

/** Moves the first columns of a row to one of another table. The row itself stays and shares with it, so reset it before it is used again. */
export function moveContents(columns: number, table: KeyTable, into: number, source: KeyTable, from: number): void {
  for (let index = 0; index < columns; index++) {
    const target = table.columns[index] as Column
    if (target.kind === 'number') target.values[into] = (source.columns[index] as NumberColumn).values[from] as number
    else {
      const { values } = target
      const held = (source.columns[index] as ValueColumn).values[from]
      // A column may be shorter than the table; writing far behind its end would turn the array into a dictionary.
      if (into >= values.length && held === undefined) continue
      while (values.length < into) values.push(undefined)
      values[into] = held
    }
  }
}

/** No subtask takes more records than this per millisecond for long. */
const ARRIVALS_PER_MS = 4_096

type KeyOf = (record: never) => unknown

export function aggregateContents(context: OperatorContext, keyOf: KeyOf, aggregators: Aggregators<never>): WindowContents {
  const { columns, names, mergeable, update, add, reset, merge, result } = compileAggregators(keyOf, aggregators)
  return {
    columns,
    names,
    mergeable,
    keyOf: keyOf as (record: unknown) => unknown,
    update,
    add,
    reset,
    append: merge,
    emit: (table, slot, window, timestamp) => context.emit(result(table, slot, window), timestamp),
  }
}

const heldOf = (table: KeyTable): unknown[] => (table.columns[0] as ValueColumn).values
const anyOf = (table: KeyTable): Float64Array => (table.columns[1] as NumberColumn).values
const listsOf = (table: KeyTable): unknown[][] => (table.columns[0] as ValueColumn).values as unknown[][]
const numbersOf = (table: KeyTable): number[][] => (table.columns[1] as ValueColumn).values as number[][]

/** A value, and whether there is one: the first record of a row is taken as it is. */
export function reduceContents(context: OperatorContext, keyOf: KeyOf, reduce: AnyFunction): WindowContents {
  const fn = reduce as (left: unknown, right: unknown) => unknown
  const of = keyOf as (record: unknown) => unknown
  return {
    columns: ['value', 'number'],
    names: [ownColumn('held'), ownColumn('any')],
    mergeable: true,
    keyOf: of,
    update(table, record) {
      const slot = table.slotOf(of(record))
      const held = heldOf(table)
      const any = anyOf(table)
      held[slot] = table.created || any[slot] === 0 ? record : fn(held[slot], record)
      any[slot] = 1
      return slot
    },
    add(table, slot, record) {
      const held = heldOf(table)
      const any = anyOf(table)
      held[slot] = any[slot] === 0 ? record : fn(held[slot], record)
      any[slot] = 1
    },
    reset(table, slot) {
      const held = heldOf(table)
      const any = anyOf(table)
      held[slot] = undefined
      any[slot] = 0
    },
    append(table, into, source, from) {
      if (anyOf(source)[from] === 0) return
      const held = heldOf(table)
      const any = anyOf(table)
      const value = heldOf(source)[from]
      held[into] = any[into] === 0 ? value : fn(held[into], value)
      any[into] = 1
    },
    emit: (table, slot, _window, timestamp) => context.emit(heldOf(table)[slot], timestamp),
  }
}

/**
 * The records in order of arrival; where windows are merged, each with its number, so that lists can be merged in that order. Numbers begin
 * with the clock, and behind all that are there after a restore.
 */
function recordContents(
  context: OperatorContext,
  keyOf: KeyOf,
  merges: boolean,
  emit: (records: readonly unknown[], key: unknown, window: TimeWindow, timestamp: number) => void,
): WindowContents {
  const of = keyOf as (record: unknown) => unknown
  let arrived = context.now() * ARRIVALS_PER_MS
  /** From behind, and in place: what is in order already is not touched, so a row that grows by small ones costs no more than those. */
  const merge = (table: KeyTable, into: number, source: KeyTable, from: number): void => {
    const records = listsOf(table)[into] as unknown[]
    const numbers = numbersOf(table)[into] as number[]
    const added = listsOf(source)[from] as readonly unknown[]
    const addedNumbers = numbersOf(source)[from] as readonly number[]
    let left = records.length - 1
    let right = added.length - 1
    for (let index = 0; index <= right; index++) {
      records.push(added[index])
      numbers.push(addedNumbers[index] as number)
    }
    for (let to = records.length - 1; right >= 0; to--) {
      if (left >= 0 && (numbers[left] as number) > (addedNumbers[right] as number)) {
        records[to] = records[left]
        numbers[to] = numbers[left--] as number
      } else {
        records[to] = added[right]
        numbers[to] = addedNumbers[right--] as number
      }
    }
  }
  return {
    columns: merges ? ['value', 'value'] : ['value'],
    names: merges ? [ownColumn('records'), ownColumn('arrivals')] : [ownColumn('records')],
    mergeable: false,
    keyOf: of,
    update(table, record) {
      const slot = table.slotOf(of(record))
      const lists = listsOf(table)
      if (table.created) lists[slot] = [record]
      else (lists[slot] as unknown[]).push(record)
      if (merges) {
        const numbers = numbersOf(table)
        if (table.created) numbers[slot] = [arrived++]
        else (numbers[slot] as number[]).push(arrived++)
      }
      return slot
    },
    add(table, slot, record) {
      listsOf(table)[slot]?.push(record)
      if (merges) numbersOf(table)[slot]?.push(arrived++)
    },
    reset(table, slot) {
      const lists = listsOf(table)
      lists[slot] = []
      if (!merges) return
      const numbers = numbersOf(table)
      numbers[slot] = []
    },
    append: merge,
    resume: merges
      ? (table, slot) => {
          const latest = numbersOf(table)[slot]?.at(-1) ?? 0
          if (latest >= arrived) arrived = latest + 1
        }
      : undefined,
    emit: (table, slot, window, timestamp) => emit((listsOf(table)[slot] as unknown[]).slice(), table.keyAt(slot), window, timestamp),
  }
}

/**
 * `process` over all records of a window.
 *
 * @param merges whether windows are merged: sessions
 */
export function processContents(context: OperatorContext, keyOf: KeyOf, process: AnyFunction, merges: boolean): WindowContents {
  const fn = process as (records: readonly unknown[], context: WindowContext<unknown>) => Iterable<unknown> | undefined | null
  let view = new SubtaskWindowContext(context)
  return recordContents(context, keyOf, merges, (records, key, window, timestamp) => {
    view.key = key
    view.window = window
    view.moveTo(timestamp)
    const emitted = fn(records, view)
    if (emitted === undefined || emitted === null) return
    context.expand(emitted, timestamp)
    // A generator goes on when it is pulled, and one record may fire several windows before: it keeps the context that it was given.
    if (!Array.isArray(emitted)) view = new SubtaskWindowContext(context)
  })
}

/** Aggregates that must see records in order, where windows are merged: the records are kept and aggregated when the window fires. */
export function replayedContents(context: OperatorContext, keyOf: KeyOf, aggregators: Aggregators<never>): WindowContents {
  const { columns, update, result } = compileAggregators(keyOf, aggregators)
  // Holds nothing between two calls, so it is no state.
  const table = new KeyTable(columns)
  return recordContents(context, keyOf, true, (records, _key, window, timestamp) => {
    let slot = 0
    for (const record of records) slot = update(table, record)
    context.emit(result(table, slot, window), timestamp)
    table.clear()
  })
}

class SubtaskWindowContext extends SubtaskProcessContext implements WindowContext<unknown> {
  window: TimeWindow = { start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY }
  readonly #context: OperatorContext

  constructor(context: OperatorContext) {
    super(context)
    this.#context = context
  }

  get watermark(): number {
    return this.#context.watermark
  }
}
