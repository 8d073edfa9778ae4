/** Aggregates over numbers and other things that can be ordered. The functions are shared by all operators; accumulators are plain data. */
import type { Aggregator } from './aggregator.js'
import type { Comparable } from './comparable.js'
import { countColumns, maxColumns, meanColumns, minColumns, sumColumns } from './numeric-columns.js'

/**
 * The number of records.
 *
 * @example
 * orders.keyBy((order) => order.customer).aggregate('orders', { orders: count() })
 */
export function count(): Aggregator<unknown, number> {
  return {
    kind: 'count',
    select: undefined,
    create: zero,
    add: increment,
    merge: plus,
    result: same,
    columnar: countColumns,
    functions: [],
  }
}

/**
 * The sum, compensated (Neumaier), so that small terms are not lost beside large ones; sums of integers are exact up to 2^53. NaN where
 * a term is NaN.
 *
 * @example
 * orders.keyBy((order) => order.customer).aggregate('revenue', { revenue: sum((order) => order.amount) })
 */
export function sum<T>(select: (record: T) => number): Aggregator<T, number> {
  return {
    kind: 'sum',
    select,
    create: noTerms,
    add: addTerm,
    merge: mergeTerms,
    result: totalOf,
    columnar: sumColumns,
    functions: [select],
  }
}

/**
 * The arithmetic mean: the compensated sum divided by the number of records.
 *
 * @example
 * orders.keyBy((order) => order.customer).aggregate('mean', { mean: mean((order) => order.amount) })
 */
export function mean<T>(select: (record: T) => number): Aggregator<T, number> {
  return {
    kind: 'mean',
    select,
    create: noTerms,
    add: addTerm,
    merge: mergeTerms,
    result: meanOf,
    columnar: meanColumns,
    functions: [select],
  }
}

/**
 * The smallest value. NaN where one of the values is NaN.
 *
 * @example
 * orders.keyBy((order) => order.customer).aggregate('first', { earliest: min((order) => order.at) })
 */
export function min<T, V extends Comparable>(select: (record: T) => V): Aggregator<T, V> {
  return {
    kind: 'min',
    select,
    create: nothing,
    add: keepSmaller,
    merge: mergeSmaller,
    result: valueOf,
    columnar: minColumns,
    functions: [select],
  }
}

/**
 * The largest value. NaN where one of the values is NaN.
 *
 * @example
 * orders.keyBy((order) => order.customer).aggregate('largest', { largest: max((order) => order.amount) })
 */
export function max<T, V extends Comparable>(select: (record: T) => V): Aggregator<T, V> {
  return {
    kind: 'max',
    select,
    create: nothing,
    add: keepLarger,
    merge: mergeLarger,
    result: valueOf,
    columnar: maxColumns,
    functions: [select],
  }
}

const zero = (): number => 0
const increment = (total: number): number => total + 1
const plus = (left: number, right: number): number => left + right
const same = (total: number): number => total

interface Terms {
  sum: number
  /** What rounding took from `sum`. */
  lost: number
  count: number
}

const noTerms = (): Terms => ({ sum: 0, lost: 0, count: 0 })

function addTerm(terms: Terms, term: number): Terms {
  const { sum } = terms
  const next = sum + term
  terms.lost += Math.abs(sum) >= Math.abs(term) ? sum - next + term : term - next + sum
  terms.sum = next
  terms.count++
  return terms
}

function mergeTerms(left: Terms, right: Terms): Terms {
  const count = left.count + right.count
  addTerm(left, right.sum)
  left.lost += right.lost
  left.count = count
  return left
}

/** Beyond the range of numbers `lost` is NaN and the plain sum is the answer. */
const totalOf = ({ sum, lost }: Terms): number => (Number.isFinite(sum) ? sum + lost : sum)
const meanOf = (terms: Terms): number => totalOf(terms) / terms.count

interface Held {
  value: Comparable | undefined
}

const nothing = (): Held => ({ value: undefined })
const valueOf = (held: Held): Comparable | undefined => held.value

function keepSmaller(held: Held, value: Comparable): Held {
  if (held.value === undefined || value < held.value || value !== value) held.value = value
  return held
}

function keepLarger(held: Held, value: Comparable): Held {
  if (held.value === undefined || value > held.value || value !== value) held.value = value
  return held
}

const mergeSmaller = (left: Held, right: Held): Held => (right.value === undefined ? left : keepSmaller(left, right.value))
const mergeLarger = (left: Held, right: Held): Held => (right.value === undefined ? left : keepLarger(left, right.value))
