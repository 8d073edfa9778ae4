/** Aggregates of one's own. */
import { SluiceError } from '@sluice/engine'
import type { Aggregator } from './aggregator.js'

/** How to aggregate records of type `T` in an accumulator `A` to a result `R`. */
export interface AggregatorDefinition<T, A, R> {
  /** A fresh accumulator: plain data. */
  readonly create: () => A
  /** The accumulator with one more record: the one given, changed in place, or a new one. */
  readonly add: (accumulator: A, record: T) => A
  /**
   * Two accumulators as one, where windows are put together from parts (`sliding`, `session`): `left` is of the earlier part by event time,
   * not by arrival. It may be changed and given back; `right` is not used afterwards.
   */
  readonly merge: (left: A, right: A) => A
  /** The result; never the accumulator itself where that is changed in place. */
  readonly result: (accumulator: A) => R
}

/**
 * An aggregate of one's own. Accumulators are plain data: they are state, and may be written and read back between two records.
 *
 * Fails with `SLUICE_OPTIONS_INVALID` where one of the four functions is missing.
 *
 * @example
 * const range = aggregator({
 *   create: () => ({ low: Infinity, high: -Infinity }),
 *   add: (span, order: { amount: number }) => ({ low: Math.min(span.low, order.amount), high: Math.max(span.high, order.amount) }),
 *   merge: (left, right) => ({ low: Math.min(left.low, right.low), high: Math.max(left.high, right.high) }),
 *   result: (span) => span.high - span.low,
 * })
 * orders.keyBy((order) => order.customer).aggregate('ranges', { range })
 */
export function aggregator<T, A, R>(definition: AggregatorDefinition<T, A, R>): Aggregator<T, R> {
  const { create, add, merge, result } = definition
  for (const [name, fn] of Object.entries({ create, add, merge, result })) {
    if (typeof fn !== 'function') throw new SluiceError('SLUICE_OPTIONS_INVALID', `aggregator needs ${name}, a function`)
  }
  return { kind: 'aggregator', select: undefined, create, add, merge, result, functions: [create, add, merge, result] }
}
