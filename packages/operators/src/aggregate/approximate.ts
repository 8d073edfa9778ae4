/** Aggregates that answer with a stated error in bounded memory. Their accumulators are plain data and merge to what one alone would hold. */
import { SluiceError } from '@sluice/engine'
import { checkFunction, checkOptions } from '../options/check-options.js'
import type { Aggregator } from './aggregator.js'
import {
  addDistinct,
  type DistinctSketch,
  emptyDistinct,
  estimateDistinct,
  mergeDistinct,
  PRECISION_MAX,
  PRECISION_MIN,
} from './hyper-log-log.js'
import { QuantileBins, type QuantileSketch } from './quantile-sketch.js'

export interface ApproximateOptions {
  /** The error that is accepted, as a share: 0.01 is one percent. Default 0.01. */
  readonly error?: number | undefined
}

const ERROR_DEFAULT = 0.01
/** Standard error of HyperLogLog times the root of its registers. */
const DISTINCT_ERROR = 1.04
const DISTINCT_ERROR_MIN = 0.0021
const DISTINCT_ERROR_MAX = 0.26
const QUANTILE_ERROR_MIN = 0.0005
const QUANTILE_ERROR_MAX = 0.5

/**
 * The number of different values, estimated by HyperLogLog: the result has a standard error of 1.04 / sqrt(m), where the m registers, a
 * power of two, are chosen so that it is at most `error` (0.0021 to 0.26, default 0.01: m = 16,384, standard error 0.0081). Two results in
 * three are within it, 19 in 20 within twice as much. Values are compared as by `distinct`. It takes m bytes per key at most, and eight per
 * value as long as there are few, which are counted almost exactly: up to 3 m / 32.
 * Reading a result takes time in proportion to m, so emit rarely.
 *
 * Fails with `SLUICE_OPTIONS_INVALID` where `error` is out of range, and with `SLUICE_KEY_INVALID` on values that are undefined or NaN.
 *
 * @example
 * orders
 *   .keyBy((order) => Math.floor(order.at / 86_400_000))
 *   .aggregate('per-day', { customers: approxDistinct((order) => order.customer, { error: 0.02 }) }, { emit: 'end' })
 */
export function approxDistinct<T>(select: (record: T) => unknown, options: ApproximateOptions = {}): Aggregator<T, number> {
  checkFunction('approxDistinct', select)
  checkOptions('approxDistinct', options, ['error'])
  const { error = ERROR_DEFAULT } = options
  checkError('approxDistinct', error, DISTINCT_ERROR_MIN, DISTINCT_ERROR_MAX)
  const precision = Math.min(Math.max(Math.ceil(2 * Math.log2(DISTINCT_ERROR / error)), PRECISION_MIN), PRECISION_MAX)
  return {
    kind: `approxDistinct (error ${error})`,
    select,
    create: emptyDistinct,
    add: (sketch: DistinctSketch, value: unknown) => addDistinct(sketch, value, precision),
    merge: (left: DistinctSketch, right: DistinctSketch) => mergeDistinct(left, right, precision),
    result: estimateDistinct,
    leavesRight: true,
    functions: [select],
  }
}

/**
 * Quantiles, in the order in which their shares are asked for: 0.5 is the median, 0.99 what 99 in 100 values are not above, 0 the smallest
 * and 1 the largest value. Of n values in order, the result for `share` is the one at position `floor(share * (n - 1))`, within the relative
 * `error` (0.0005 to 0.5, default 0.01: between 0.99 and 1.01 times the value), estimated by DDSketch. Up to 32 values are kept
 * as they are and answered exactly, as are the smallest and the largest value. NaN for all shares where one of the values is NaN.
 *
 * The memory per key grows with the logarithm of the spread of the values: at an error of 0.01 some 8 bytes for every 2 percent between
 * the smallest and the largest magnitude, which is 10 KiB for 1 to 10^11. Magnitudes are told apart down to a share of 10^-30 of the largest of their sign;
 * smaller ones are taken for that.
 *
 * Fails with `SLUICE_OPTIONS_INVALID` where `error` or one of the shares (0 to 1, at least one) is out of range.
 *
 * @example
 * orders
 *   .keyBy((order) => order.customer)
 *   .aggregate('amounts', { amounts: quantiles((order) => order.amount, [0.5, 0.99]) }, { emit: '10s' })
 *   .map(({ key, amounts: [median, high] }) => ({ key, median, high }))
 */
export function quantiles<T, const Q extends readonly number[]>(
  select: (record: T) => number,
  shares: Q,
  options: ApproximateOptions = {},
): Aggregator<T, { readonly [I in keyof Q]: number }> {
  checkFunction('quantiles', select)
  if (!Array.isArray(shares) || shares.length === 0 || !shares.every((share) => share >= 0 && share <= 1)) {
    throw new SluiceError(
      'SLUICE_OPTIONS_INVALID',
      `quantiles takes shares from 0 to 1, at least one, and was given ${JSON.stringify(shares)}.`,
    )
  }
  checkOptions('quantiles', options, ['error'])
  const { error = ERROR_DEFAULT } = options
  checkError('quantiles', error, QUANTILE_ERROR_MIN, QUANTILE_ERROR_MAX)
  const bins = new QuantileBins(error)
  const asked = shares.slice()
  return {
    kind: `quantiles ${asked.join(', ')} (error ${error})`,
    select,
    create: noValues,
    add: (sketch: QuantileSketch, value: number) => bins.add(sketch, value),
    merge: (left: QuantileSketch, right: QuantileSketch) => bins.merge(left, right),
    result: (sketch: QuantileSketch) => bins.quantiles(sketch, asked),
    leavesRight: true,
    functions: [select],
  }
}

const noValues = (): QuantileSketch => []

function checkError(caller: string, error: unknown, min: number, max: number): void {
  if (typeof error === 'number' && error >= min && error <= max) return
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `error of ${caller} is ${String(error)}, and takes a number from ${min} to ${max}.`)
}
