/**
 * What `to...`, `forEach`, `print` and `discard` return: a description of a sink. It opens nothing; `stream.sink(name, sink)` makes a
 * node of the graph from it, and each subtask of that node makes its own writer.
 */
import type { AsyncSpec, DeliveryGuarantee, ErrorPolicy, SinkSpec } from '@sluice/engine'
import type { Update } from '../join/join-types.js'
import type { Sentence } from '../stream/rules.js'

declare const acceptedType: unique symbol
declare const plain: unique symbol

/** A description of where records of type `T` go; give it to `stream.sink(name, sink)`. */
export interface Sink<in T> {
  /** Carries the type; never there at run time. */
  readonly [acceptedType]?: (record: T) => void
  readonly spec: SinkSpec | AsyncSpec
  /** JSON-able; part of the job's fingerprint and shown with the plan. */
  readonly options: Readonly<Record<string, unknown>>
  /** An upper bound that follows from what the sink is, with the reason as part of a sentence ("one file has one writer"). */
  readonly parallelismMax?: { readonly value: number; readonly because: string } | undefined
  /** Bound to the coordinator's thread: standard output, an object passed in. */
  readonly pinnedToHost?: boolean | undefined
  readonly delivery: DeliveryGuarantee
  /** What becomes of records that cannot be written; default 'fail'. */
  readonly onError?: ErrorPolicy | undefined
  /** The user's functions that `spec` closes over and does not show; their text belongs to the job's fingerprint. */
  readonly functions?: readonly ((...args: never) => unknown)[] | undefined
  /** The name of the dependency that it calls. */
  readonly dependency?: string | undefined
}

/** A sink that gives dead letters: `stream.sink(...)` gives back where they are read. */
export interface LetteredSink<in T> extends Sink<T> {
  readonly onError: 'deadLetter'
}

/** A sink with dead letters where its options ask for them. */
export type SinkWithLetters<O, S> = O extends { readonly onError: 'deadLetter' } ? S & { readonly onError: 'deadLetter' } : S

/** A sink that writes records one after the other, as they are: that of a stream whose records are no updates. */
export interface PlainSink<in T> extends Sink<T> {
  /** Carries the type; never there at run time. */
  readonly [plain]?: true
}

/** What may be written to: for a stream of updates a sink that says what it does with them. */
export type SinkFor<T> = [T] extends [never]
  ? Sink<T>
  : [T] extends [Update<unknown>]
    ? Sink<T> & {
        readonly [plain]?: Sentence<"This stream gives updates: ask the sink to apply them ({ updates: 'table' }) or to write each of them ({ updates: 'log' })">
      }
    : Sink<T>
