/**
 * Keyed state as users see it: declarations, which say what is kept per key, and handles, which handlers get for the key at hand. A
 * value that is kept is plain data and immutable; change it by setting a new one.
 */
import type { Aggregator } from '../aggregate/aggregator.js'
import type { Duration } from '../duration/duration.js'
import type { StandardSchemaV1 } from '@standard-schema/spec'

declare const handleType: unique symbol

/**
 * How long state lives without being touched. What has expired is never given back. Value, reducing and aggregating state expires as a
 * whole, list and map state element by element.
 */
export type Ttl =
  | Duration
  | {
      readonly after: Duration
      /**
       * By the clock, or by event time: until the watermark has passed the timestamp of the record or timer of event time that touched it by
       * `after`; a timer of processing time touches as the last record does.
       * Default `'processing'`.
       */
      readonly time?: 'event' | 'processing' | undefined
      /** What counts as a touch. Default `'write'`. */
      readonly refresh?: 'write' | 'readAndWrite' | undefined
    }

export interface StateOptions {
  /** After which time it is given up; undefined: it is kept until it is cleared. */
  readonly ttl?: Ttl | undefined
}

export interface ValueStateOptions<T> extends StateOptions {
  /** What `get` answers where nothing is kept. It is frozen: `set` a value of your own instead of changing it. */
  readonly default?: T | undefined
  /** Values are checked against it when they are set. */
  readonly schema?: StandardSchemaV1<T> | undefined
}

/** One kind of state, declared; `H` is what handlers get for it. */
export interface StateDeclaration<out H> {
  readonly [handleType]: H
  readonly kind: 'value' | 'list' | 'map' | 'reducing' | 'aggregating'
  readonly options: StateOptions
}

/** A declared map, which broadcast state is made of. */
export interface MapDeclaration<in out K, in out V> extends StateDeclaration<MapState<K, V>> {
  readonly kind: 'map'
}

/** Declarations by name; the names are the identity of the state within its operator. */
export type States = Readonly<Record<string, StateDeclaration<unknown>>>

/** The handles of declarations. */
export type HandlesOf<S extends States> = { readonly [P in keyof S]: S[P] extends StateDeclaration<infer H> ? H : never }

/** One value per key. `V` is never where there is a default. */
export interface ValueState<in out T, out V = undefined> {
  /** The value, or the default where none is kept. */
  get(): T | V
  /** Keeps a value; undefined gives up what is kept. Fails with `SLUICE_STATE_VALUE` for what is no plain data or does not fit the schema. */
  set(value: T): void
  clear(): void
}

/** A list per key, in the order of `add`. */
export interface ListState<in out T> {
  /** Fails with `SLUICE_STATE_VALUE` for what is no plain data. */
  add(value: T): void
  /** A copy of the list, which may be kept and emitted. */
  values(): readonly T[]
  /** Replaces all elements. */
  set(values: readonly T[]): void
  readonly size: number
  clear(): void
}

/**
 * A map per key, in the order in which its keys were first set. Keys of the map are compared as keys of streams are: by content, -0 is 0,
 * and NaN and undefined fail with `SLUICE_KEY_INVALID`.
 */
export interface MapState<in out K, in out V> {
  get(key: K): V | undefined
  /** Fails with `SLUICE_STATE_VALUE` for what is no plain data. */
  set(key: K, value: V): void
  has(key: K): boolean
  delete(key: K): void
  /** As it is now: what is set or deleted afterwards does not change what is iterated over. So with `values` and `entries`. */
  keys(): Iterable<K>
  values(): Iterable<V>
  entries(): Iterable<readonly [K, V]>
  readonly size: number
  clear(): void
}

/** A value per key into which others are reduced as they come. */
export interface ReducingState<in out T> {
  add(value: T): void
  get(): T | undefined
  clear(): void
}

/** An aggregate per key. */
export interface AggregatingState<in T, out R> {
  add(value: T): void
  /** The result so far; undefined where nothing was added. */
  get(): R | undefined
  clear(): void
}

/** What the functions that declare state have in common, for the run time. */
export interface LooseStateDeclaration {
  readonly kind: StateDeclaration<unknown>['kind']
  readonly options: ValueStateOptions<unknown>
  /** `reducing`. */
  readonly reduce?: ((left: never, right: never) => unknown) | undefined
  /** `aggregating`. */
  readonly aggregator?: Aggregator<never, unknown> | undefined
}

/** Reads broadcast state: the same in every subtask. */
export interface ReadonlyMapState<in out K, out V> {
  get(key: K): V | undefined
  has(key: K): boolean
  keys(): Iterable<K>
  values(): Iterable<V>
  entries(): Iterable<readonly [K, V]>
  readonly size: number
}

/** Timers of the key at hand, in one kind of time. A timer is unique per key and time. */
export interface Timers {
  /**
   * Fires `onTimer` when time has come; one in the past fires at once, after the handler under way. ms since the epoch. Fails with
   * `SLUICE_TIMER_INVALID` for what is not a finite number.
   */
  set(time: number): void
  /** Forgets the timer of that time, if there is one. */
  cancel(time: number): void
}

/** A timer that fires. */
export interface Timer {
  /** When it was set for, in ms since the epoch. */
  readonly time: number
  readonly kind: 'eventTime' | 'processingTime'
}
