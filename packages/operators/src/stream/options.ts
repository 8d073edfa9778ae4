/** Options of operators: input types, so every field may be left out or undefined. */
import type { CallOptions } from '../call/call-options.js'
import type { ErrorPolicy } from '@sluice/engine'
import type { Duration } from '../duration/duration.js'

/** Options of operators whose name is their first argument. */
export interface NamedOperatorOptions {
  /** Number of subtasks. Default: the parallelism of the job. */
  readonly parallelism?: number | undefined
}

/** Options of stateless operators. */
export interface OperatorOptions extends NamedOperatorOptions {
  /** Unique in the job. Default: what it does, numbered where needed: `map`, `map-2`. */
  readonly name?: string | undefined
}

/** What happens to records on which an operator's function throws. */
export interface ErrorOptions {
  /**
   * `'fail'`: the job fails. `'drop'`: the record is dropped, and counted under the reason `failed`. `'deadLetter'`: a `DeadLetter` leaves on `.deadLetters` of what
   * the operator gives, and is part of `job.deadLetters`. Errors that say something of the job rather than of the record always fail it. Default `'fail'`.
   */
  readonly onError?: ErrorPolicy | undefined
}

/** Options of `map`, `filter`, `flatMap` and `split`. */
export interface FunctionOptions extends OperatorOptions, ErrorOptions {}

/** Options of `process`, `coProcess` and `connectBroadcast`. What a handler emitted, and wrote to state, before it threw stays. */
export interface ProcessOptions extends NamedOperatorOptions, ErrorOptions {}

export interface MapAsyncOptions extends NamedOperatorOptions, CallOptions {
  /** How many records may be in work at once, over all subtasks. Default: one per subtask. */
  readonly concurrency?: number | undefined
  /** Whether results leave in the order of the records; false lets a quick one overtake. Default true. */
  readonly ordered?: boolean | undefined
}

/** A watermark strategy of one's own; one is made for every subtask and split. */
export interface WatermarkStrategy<in T> {
  /** Sees every record with its timestamp in ms since the epoch. */
  onRecord(record: T, timestamp: number): void
  /** Asked now and then: no record with a timestamp at or before this will come. -Infinity: nothing is known yet. */
  watermark(): number
}

interface TimestampOptionsBase extends OperatorOptions, ErrorOptions {
  /**
   * After which time without a record an input no longer holds the watermark back. It runs only while the source has been asked and has
   * nothing; bounded inputs are never idle. Default `'30s'`; false: never.
   */
  readonly idleAfter?: Duration | false | undefined
  /** Sources of one group wait for each other: none runs ahead of the slowest by more than `maxDrift` of event time. */
  readonly alignment?: { readonly group: string; readonly maxDrift: Duration } | undefined
  /** A watermark after every record instead of every 200 ms or 10,000 records: exact and slow, for tests. Default false. */
  readonly perRecord?: boolean | undefined
}

/** How far records may be out of order in event time: one of three. */
export type TimestampOptions<T = never> = TimestampOptionsBase &
  (
    | {
        /** Records may arrive this much after records with later timestamps. Default 0. */
        readonly outOfOrderness?: Duration | undefined
        readonly monotonous?: undefined
        readonly watermark?: undefined
      }
    | {
        /** Timestamps never decrease. */
        readonly monotonous: true
        readonly outOfOrderness?: undefined
        readonly watermark?: undefined
      }
    | {
        /** Makes a strategy of one's own. */
        readonly watermark: () => WatermarkStrategy<T>
        readonly outOfOrderness?: undefined
        readonly monotonous?: undefined
      }
  )

export interface KeyByOptions {
  /**
   * The records lie where this key belongs already, because they come out of an operator with the same key and kept it: they are not dealt out
   * again. Every record is checked (`SLUICE_KEY_MISPLACED`). Default false.
   */
  readonly partitioned?: boolean | undefined
}

/** When a batch is full; at least one bound. */
export type BatchOptions = NamedOperatorOptions &
  (
    | {
        /** Largest number of records in a batch. */
        readonly records: number
        /** How long the first record of a batch may wait for the last. Default: without limit. */
        readonly time?: Duration | undefined
      }
    | {
        /** How long the first record of a batch may wait for the last. */
        readonly time: Duration
        /** Largest number of records in a batch. Default: 10,000. */
        readonly records?: number | undefined
      }
  )

/**
 * When running aggregates are emitted: `'update'` for every record; `'end'` once per key at the end of the input; a duration:
 * this long after a change at the latest, once for every key that changed since it was emitted last, and at the end.
 */
export type Emission = 'update' | 'end' | Duration

export interface RunningAggregateOptions extends NamedOperatorOptions {
  /** Default `'update'`. */
  readonly emit?: Emission | undefined
}

export interface RunningReduceOptions extends NamedOperatorOptions {
  /** Default `'update'`. */
  readonly emit?: Emission | undefined
}

export interface SourceOptions {
  /** Number of subtasks; a source without splits has one. Default: the parallelism of the job. */
  readonly parallelism?: number | undefined
}

export interface SinkOptions {
  /** Number of subtasks; a sink that writes one file has one. Default: the parallelism of the job. */
  readonly parallelism?: number | undefined
}
