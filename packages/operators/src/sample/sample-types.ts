/** What `tailSample` takes and gives, as types. A trace is all records of a key that come within a time, whatever they are. */
import type { ByteSize } from '../duration/byte-size.js'
import type { Duration } from '../duration/duration.js'
import type { NamedOperatorOptions } from '../stream/options.js'

/**
 * Why a trace is decided on: it has waited for `decideAfter`; the bounds had no room for what came next; it has `recordsPerTrace` records; or nothing more will
 * come, because the input has ended or the job was stopped.
 */
export type DecisionCause = 'time' | 'full' | 'recordsPerTrace' | 'end'

/** What a policy knows of a trace besides its records. */
export interface TraceInfo {
  readonly key: unknown
  /** Processing time since its first record came, in ms. */
  readonly waitedMs: number
  /** Anything but `'time'` is an early decision: records of the trace may be missing. */
  readonly cause: DecisionCause
}

/** How one policy decides; made by `keepWhen` and the like. */
export type TraceRule<T> =
  | { readonly kind: 'keepIfAny'; readonly test: (record: T) => unknown }
  | { readonly kind: 'keepWhen' | 'dropWhen'; readonly test: (records: readonly T[], trace: TraceInfo) => unknown }
  | { readonly kind: 'keepIfLonger'; readonly durationMs: number; readonly intervalOf: (record: T) => readonly [number, number] }
  | { readonly kind: 'keepShare'; readonly share: number }
  | { readonly kind: 'keepRate'; readonly traces: number; readonly perMs: number }

/** One policy of `tailSample`. */
export interface TracePolicy<in T> {
  /** Tells it apart in metrics. */
  readonly name: string
  readonly rule: TraceRule<T>
}

interface TailSampleBase<in T> extends NamedOperatorOptions {
  /**
   * How long a trace is collected, from its first record, by the clock. Time in which the operator itself is held back does not count, and behind a restore a trace
   * that was open waits for all of it again: its records come again from the sources.
   */
  readonly decideAfter: Duration
  /** Asked in this order: the first that keeps or drops decides. A trace that none keeps is dropped. */
  readonly policies: readonly TracePolicy<T>[]
  /** Traces that are collected at once, over all subtasks. Default 50,000. */
  readonly traces?: number | undefined
  /** Records of these, over all subtasks. Default 500,000. */
  readonly records?: number | undefined
  /** Encoded size of these, over all subtasks; part of the memory budget of the job. Default `'64mb'`. In memory a record takes two to five times as much. */
  readonly bytes?: ByteSize | undefined
  /**
   * How sizes are known: `'sampled'` measures every eighth record and takes the mean of the last ones for the others; `'exact'` encodes every record for that, which costs
   * about half as much again, and is right also where a few records are much larger than the others. Default `'sampled'`.
   */
  readonly sizes?: 'sampled' | 'exact' | undefined
  /** A trace with so many records is decided at once; records that come later follow the decision. Default 10,000. */
  readonly recordsPerTrace?: number | undefined
  /** Decisions that are remembered for late records: so many, over all subtasks, and for so long. Default 100,000 and `'10m'`. A later record begins a trace anew. */
  readonly remember?: { readonly traces?: number | undefined; readonly for?: Duration | undefined } | undefined
}

/**
 * Where a bound is reached, `'decideEarly'` asks the policies about the trace that has waited longest, with the records that are there; its later records follow the
 * decision.
 */
export interface DecideEarly<in T> extends TailSampleBase<T> {
  readonly whenFull?: 'decideEarly' | undefined
  readonly lossy?: undefined
}

/** Where a bound is reached, the trace that came last is dropped whole, and nobody is asked: those that wait keep their time. */
export interface DropNewestTrace<in T> extends TailSampleBase<T> {
  readonly whenFull: 'dropNewest'
  /** The loss is meant although a sink behind it writes every record exactly once; without it such a job is refused (`SLUICE_LOSSY_STREAM`). */
  readonly lossy?: boolean | undefined
}

export type TailSampleOptions<T> = DecideEarly<T> | DropNewestTrace<T>
