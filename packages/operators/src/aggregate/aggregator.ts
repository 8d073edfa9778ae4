/**
 * What an aggregate is: how an accumulator is made, fed, merged and read. Accumulators are plain data, so that they can be state;
 * `add` gives back the accumulator it was given (changed in place) or a new one, and `result` never hands out the accumulator itself.
 */
import type { ColumnKind } from '@sluice/engine'

declare const accepted: unique symbol
declare const given: unique symbol

/** An aggregate over records of type `T` with a result of type `R`. Made by `count()`, `mean(...)` and the like, or by `aggregator(...)`. */
export interface Aggregator<in T, out R> {
  /** Carry the types; never there at run time. */
  readonly [accepted]?: (record: T) => void
  readonly [given]?: R
  /** Which records are aggregated; undefined: all. */
  readonly where?: ((record: never) => unknown) | undefined
  /** What of a record is aggregated; undefined: the record itself. */
  readonly select: ((record: never) => unknown) | undefined
  readonly create: () => unknown
  readonly add: (accumulator: never, value: never) => unknown
  /** Joins two accumulators; `left` may be changed and given back, `right` may not be used afterwards. */
  readonly merge: (left: never, right: never) => unknown
  readonly result: (accumulator: never) => unknown
  /** Whether `merge` only reads `right` and shares nothing with it that changes; otherwise it is given a copy where `right` is still needed. */
  readonly leavesRight?: boolean | undefined
  /** The same aggregate over columns of a table; undefined: its accumulator lies in one value column. */
  readonly columnar?: ColumnarForm | undefined
  /** Whether parts may only be merged in the order of their records: first, last, values. */
  readonly inOrder?: boolean | undefined
  /** The functions of the user among the above; their text belongs to the job's fingerprint. */
  readonly functions: readonly ((...args: never) => unknown)[]
  /** For messages and the plan: `mean`. */
  readonly kind: string
}

/**
 * An aggregate whose accumulator is a row of columns. The functions are given the `values` of its columns, one argument each: a
 * Float64Array where the kind is `'number'`, an array where it is `'value'`. Small functions, so that they are inlined where they are called.
 */
export interface ColumnarForm {
  readonly columns: readonly ColumnKind[]
  /** `(slot, ...columns)`: the row holds nothing yet. */
  readonly reset: (slot: number, ...columns: never[]) => void
  /** `(slot, value, ...columns)` */
  readonly add: (slot: number, value: never, ...columns: never[]) => void
  /** `(into, from, ...columns, ...columns of from)`; `from` is only read, and shares nothing that changes with `into` afterwards. */
  readonly merge: (into: number, from: number, ...columns: never[]) => void
  /** `(slot, ...columns)` */
  readonly result: (slot: number, ...columns: never[]) => unknown
}

/** Aggregators by the name of their result. */
export type Aggregators<T> = Readonly<Record<string, Aggregator<T, unknown>>>

/** The result of an aggregator. */
export type ResultOf<A> = A extends Aggregator<never, infer R> ? R : never
