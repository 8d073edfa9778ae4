/** Aggregates that keep records or values. What they hold grows with what they see; results are copies. */
import type { Aggregator, ColumnarForm } from './aggregator.js'
import { emptySet, insert, sizeOf, unite } from './value-set.js'

/**
 * The value of the first record to arrive; without a function the record itself.
 *
 * @example
 * orders.keyBy((order) => order.customer).aggregate('first', { first: first((order) => order.id) })
 */
export function first<T>(): Aggregator<T, T>
export function first<T, V>(select: (record: T) => V): Aggregator<T, V>
export function first(select?: (record: never) => unknown): Aggregator<never, unknown> {
  return {
    kind: 'first',
    select,
    create: nothing,
    add: keepFirst,
    merge: mergeFirst,
    result: valueOf,
    inOrder: true,
    columnar: firstColumns,
    functions: listed(select),
  }
}

/**
 * The value of the record that arrived last; without a function the record itself.
 *
 * @example
 * orders.keyBy((order) => order.customer).aggregate('last', { last: last((order) => order.id) })
 */
export function last<T>(): Aggregator<T, T>
export function last<T, V>(select: (record: T) => V): Aggregator<T, V>
export function last(select?: (record: never) => unknown): Aggregator<never, unknown> {
  return {
    kind: 'last',
    select,
    create: nothing,
    add: keepLast,
    merge: mergeLast,
    result: valueOf,
    inOrder: true,
    columnar: lastColumns,
    functions: listed(select),
  }
}

/**
 * All values in order of arrival; without a function the records themselves. Every result is a copy, so emit it rarely
 * (`emit: 'end'`).
 *
 * @example
 * orders.keyBy((order) => order.customer).aggregate('ids', { ids: values((order) => order.id) }, { emit: 'end' })
 */
export function values<T>(): Aggregator<T, readonly T[]>
export function values<T, V>(select: (record: T) => V): Aggregator<T, readonly V[]>
export function values(select?: (record: never) => unknown): Aggregator<never, readonly unknown[]> {
  return {
    kind: 'values',
    select,
    create: emptyList,
    add: append,
    merge: concatenate,
    result: copyOf,
    inOrder: true,
    leavesRight: true,
    functions: listed(select),
  }
}

/**
 * The number of different values, exactly. Values are compared as keys are: by content, and undefined and NaN fail with
 * `SLUICE_KEY_INVALID`. Every different value is kept.
 *
 * @example
 * orders.keyBy((order) => order.customer).aggregate('days', { days: distinct((order) => Math.floor(order.at / 86_400_000)) })
 */
export function distinct<T>(select: (record: T) => unknown): Aggregator<T, number> {
  return {
    kind: 'distinct',
    select,
    create: emptySet,
    add: insert,
    merge: unite,
    result: sizeOf,
    leavesRight: true,
    functions: listed(select),
  }
}

type AnyFunction = (...args: never) => unknown

const listed = (select: AnyFunction | undefined): readonly AnyFunction[] => (select === undefined ? [] : [select])

interface Held {
  value: unknown
  any: boolean
}

const nothing = (): Held => ({ value: undefined, any: false })
const valueOf = (held: Held): unknown => held.value

function keepFirst(held: Held, value: unknown): Held {
  if (held.any) return held
  held.value = value
  held.any = true
  return held
}

function keepLast(held: Held, value: unknown): Held {
  held.value = value
  held.any = true
  return held
}

const mergeFirst = (left: Held, right: Held): Held => (left.any ? left : right)
const mergeLast = (left: Held, right: Held): Held => (right.any ? right : left)

const emptyList = (): unknown[] => []
const copyOf = (list: readonly unknown[]): readonly unknown[] => list.slice()

function append(list: unknown[], value: unknown): unknown[] {
  list.push(value)
  return list
}

/** Values are immutable, so two lists may share them. */
function concatenate(left: unknown[], right: readonly unknown[]): unknown[] {
  for (const value of right) left.push(value)
  return left
}

const firstColumns: ColumnarForm = {
  columns: ['value', 'number'],
  reset: clearHeld,
  add: (slot: number, value: unknown, held: unknown[], any: Float64Array) => {
    if (any[slot] === 1) return
    held[slot] = value
    any[slot] = 1
  },
  merge: (into: number, from: number, held: unknown[], any: Float64Array, source: readonly unknown[], sourceAny: Float64Array) => {
    if (any[into] === 1 || sourceAny[from] === 0) return
    held[into] = source[from]
    any[into] = 1
  },
  result: heldIn,
}

const lastColumns: ColumnarForm = {
  columns: ['value', 'number'],
  reset: clearHeld,
  add: (slot: number, value: unknown, held: unknown[], any: Float64Array) => {
    held[slot] = value
    any[slot] = 1
  },
  merge: (into: number, from: number, held: unknown[], any: Float64Array, source: readonly unknown[], sourceAny: Float64Array) => {
    if (sourceAny[from] === 0) return
    held[into] = source[from]
    any[into] = 1
  },
  result: heldIn,
}

function clearHeld(slot: number, held: unknown[], any: Float64Array): void {
  held[slot] = undefined
  any[slot] = 0
}

function heldIn(slot: number, held: readonly unknown[]): unknown {
  return held[slot]
}
