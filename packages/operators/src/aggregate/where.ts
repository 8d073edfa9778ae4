/** Aggregates over some of the records. */
import type { Aggregator } from './aggregator.js'

/**
 * An aggregate over the records for which `predicate` holds, beside others over all of them. Where no record fits it is what it is of no
 * record: 0 for `count`, `sum` and `distinct`, NaN for `mean`, Infinity for `min` and -Infinity for `max` of numbers, undefined for `first` and `last`.
 *
 * @example
 * orders.keyBy((order) => order.customer).aggregate('sizes', {
 *   orders: count(),
 *   large: where((order) => order.amount > 1_000, count()),
 * })
 */
export function where<T, R>(predicate: (record: NoInfer<T>) => boolean, aggregator: Aggregator<NoInfer<T>, R>): Aggregator<T, R>
export function where<T, R>(predicate: (record: T) => boolean, aggregator: Aggregator<NoInfer<T>, R>): Aggregator<T, R>
export function where<T, R>(predicate: (record: T) => boolean, aggregator: Aggregator<T, R>): Aggregator<T, R> {
  const outer = aggregator.where as ((record: T) => unknown) | undefined
  const both = outer === undefined ? predicate : (record: T): boolean => Boolean(outer(record)) && predicate(record)
  return { ...aggregator, where: both, functions: [...aggregator.functions, predicate] }
}
