/** The rules of the API as types. Where one is broken the compiler says so in a sentence: the name of a type that nothing can satisfy. */
import type { SideOutput } from './side-output.js'

/** What has to be known of a stream before it may be windowed or written; the caveats of united streams add up. */
export type Caveat = 'no timestamps' | 'lossy'

declare const sentence: unique symbol

/** A type that nothing has. The compiler shows it where a rule is broken, so that its text is the message. */
export interface Sentence<out S extends string> {
  readonly [sentence]: S
}

/** What the compiler says where an async function is given. */
export type NoPromise = 'An async function is not allowed here: use mapAsync(name, fn, { concurrency })'

/** What a synchronous function may return: anything but a promise. */
export type Sync<U> = U extends PromiseLike<unknown> ? Sentence<NoPromise> : U

/**
 * What a function that gives any number of records may return: an array or iterable of them, or nothing. Arrays and generators are
 * asked for by name first: comparing them member by member with an iterable costs the compiler a hundred times as much.
 */
export type Emitted<R> = R extends readonly unknown[] | Generator<unknown, unknown, never>
  ? R
  : R extends PromiseLike<unknown> | AsyncIterable<unknown>
    ? Sentence<NoPromise>
    : R extends string
      ? Sentence<'A string would flow on character by character: return an array of records'>
      : // A handler without a return statement gives nothing.
        R extends Iterable<unknown> | void | undefined | null
        ? R
        : Sentence<'Return an array or another iterable of records, be a generator that yields them, or return nothing'>

/** The records that flow on when a function returns `R`; what side outputs carry is left out. */
export type Element<R> = R extends readonly (infer E)[] | Generator<infer E, unknown, never>
  ? Exclude<E, SideOutput<unknown>>
  : R extends Iterable<infer E>
    ? Exclude<E, SideOutput<unknown>>
    : never

/** What a key may be: a string, number, bigint, boolean, null or Date, or a plain object or tuple of these; never undefined. */
export type Key<K> = undefined extends K
  ? Sentence<'A key must not be undefined: filter such records out first, or give them a key such as null'>
  : K extends string | number | bigint | boolean | null | Date
    ? K
    : K extends PromiseLike<unknown>
      ? Sentence<NoPromise>
      : K extends symbol | ((...args: never) => unknown)
        ? Sentence<'A key is plain data: a function or a symbol cannot be one'>
        : { readonly [P in keyof K]: Key<K[P]> }

/** Lets pass what is keyed alike: keys of different types never meet. One may be narrower than the other. */
export type SameKey<K, L> = [K] extends [L]
  ? unknown
  : [L] extends [K]
    ? unknown
    : Sentence<'The keys of both streams must have the same type: keys of different types never meet'>

/** Lets pass streams with timestamps. */
export type Timed<C extends Caveat, S extends string> = 'no timestamps' extends C ? Sentence<S> : unknown

/** A type guard of records. */
type Guard<T, S extends T> = (record: T) => record is S

/** What a guard lets through: the type that it asserts, or `T` where it asserts none. */
export type Guarded<T, G> = G extends Guard<T, infer S> ? S : T

/** What no guard of `G` lets through. */
export type Rest<T, G> = Exclude<T, { [P in keyof G]: G[P] extends Guard<T, infer S> ? S : never }[keyof G]>

/** Refuses outputs named `rest`, which is what no other output took, and `deadLetters`. */
export interface NoReservedOutputs {
  readonly deadLetters?:
    | Sentence<"An output must not be named 'deadLetters': those are the records on which a predicate failed">
    | undefined
  readonly rest?: Sentence<"An output must not be named 'rest': that is what the others leave over"> | undefined
}

/** Refuses aggregates named like what a result has anyway. */
export interface NoReservedAggregates {
  readonly key?: Sentence<"An aggregate must not be named 'key': every result has the key under that name"> | undefined
  readonly window?: Sentence<"An aggregate must not be named 'window': a windowed result has its window under that name"> | undefined
}
