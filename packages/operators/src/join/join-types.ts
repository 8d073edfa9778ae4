/** Options and results of joins, as users see them. */
import type { CallOptions } from '../call/call-options.js'
import type { Duration } from '../duration/duration.js'
import type { ErrorOptions, NamedOperatorOptions } from '../stream/options.js'
import type { Caveat } from '../stream/rules.js'
import type { WindowAssigner, WindowOptions } from '../window/window-types.js'

/**
 * A change of an updating result: the table `key -> value` with this change applied is the result so far. A `delete` carries the value
 * that was there last. Operators whose results change give these; sinks of files apply them (`{ updates: 'table' }`), write each of them
 * (`{ updates: 'log' }`), or refuse them by type; `compact` makes the final table of them.
 */
export interface Update<out V, out K = unknown> {
  readonly op: 'upsert' | 'delete'
  readonly key: K
  readonly value: V
}

/** Which rows of an unbounded join have a result of their own without a partner. */
export type OuterJoin = 'left' | 'right' | 'full'

/** How long the records of a join are kept: of both sides, or of either. A side without one is kept for ever. */
export type JoinTtl = Duration | { readonly left?: Duration | undefined; readonly right?: Duration | undefined }

export interface JoinOptions extends NamedOperatorOptions {
  /** How long records wait for partners, by the clock; undefined: for ever, and the plan warns. */
  readonly ttl?: JoinTtl | undefined
  readonly type?: 'inner' | undefined
}

export interface OuterJoinOptions<J extends OuterJoin> extends NamedOperatorOptions {
  readonly ttl?: JoinTtl | undefined
  readonly type: J
}

/**
 * The key of a row of an outer join: the join's key, and a number for either record, 0 where there is none. Numbers tell the records of a
 * key apart and grow; without `ttl` they count them from 1.
 */
export type JoinedKey<K> = readonly [key: K, left: number, right: number]

export interface WindowJoinOptions<C extends Caveat> extends NamedOperatorOptions, Pick<WindowOptions, 'allowedLateness'> {
  /** Records meet that lie in the same window. */
  readonly window: WindowAssigner<C>
}

export interface IntervalJoinOptions extends NamedOperatorOptions {
  /** How much earlier than the left record its partners may be. Default 0. */
  readonly before?: Duration | undefined
  /** How much later than the left record its partners may be. Default 0. */
  readonly after?: Duration | undefined
}

export interface TemporalJoinOptions<J extends 'inner' | 'left' = 'inner' | 'left'> extends NamedOperatorOptions {
  /** `'left'` keeps records for which no version was valid. Default `'inner'`. */
  readonly type?: J | undefined
}

/** On a keyed stream, whose key is looked up. */
export interface KeyedLookupOptions<U, K> extends NamedOperatorOptions, ErrorOptions {
  /** The key of a row of the side table. */
  readonly key: (row: U) => K
}

export interface LookupOptions<T, U, K> extends KeyedLookupOptions<U, K> {
  /** What is looked up for a record. */
  readonly on: (record: T) => K
}

/** On a keyed stream, whose key is looked up. */
export interface KeyedAsyncLookupOptions extends NamedOperatorOptions, CallOptions {
  /** Answers that are kept per subtask, and for how long. Default: 10,000 entries for a minute; false: none. */
  readonly cache?: { readonly entries?: number | undefined; readonly ttl?: Duration | undefined } | false | undefined
  /** Lookups in work at once, over all subtasks. Default: one per subtask. */
  readonly concurrency?: number | undefined
  /** Whether results leave in the order of the records; false lets a quick one overtake. Default true. */
  readonly ordered?: boolean | undefined
}

export interface AsyncLookupOptions<T, K> extends KeyedAsyncLookupOptions {
  /** What is looked up for a record. */
  readonly on: (record: T) => K
}

export interface DedupeOptions extends NamedOperatorOptions {
  /** How long a key is remembered; undefined: for ever, and the plan warns. */
  readonly ttl?: Duration | undefined
  /** What `ttl` is measured in. Default `'processing'`. */
  readonly time?: 'event' | 'processing' | undefined
}

export interface TopNOptions extends NamedOperatorOptions {
  /** When changes go out, as of `aggregate`. Default `'update'`. */
  readonly emit?: 'update' | 'end' | Duration | undefined
  /** How long a key is kept without a record; undefined: for ever. */
  readonly ttl?: Duration | undefined
}
