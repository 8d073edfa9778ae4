/** Options of `rateLimit`. Contradicting ones do not compile: which belong together is said by `algorithm`, `key` and `onLimit`. */
import type { ByteSize } from '../../duration/byte-size.js'
import type { Duration } from '../../duration/duration.js'
import type { NamedOperatorOptions } from '../../stream/options.js'
import type { Key, NoPromise, Sentence } from '../../stream/rules.js'

/** A number of records per `per`, or a stream of such numbers: its latest record counts, 0 pauses. */
type RateOf<S> =
  | {
      readonly rate: number
      readonly initial?: undefined
    }
  | {
      readonly rate: S
      /** The rate until the stream has given its first. */
      readonly initial: number
    }

interface Per {
  /** What `rate` counts for. Default `'1s'`. */
  readonly per?: Duration | undefined
}

type TokenBucket<S> = RateOf<S> &
  Per & {
    readonly algorithm?: 'token-bucket' | undefined
    /** How many records may leave at once, after a pause. Default: what 100 ms of the rate give, at least 1. */
    readonly burst?: number | undefined
  }

type LeakyBucket<S> = RateOf<S> &
  Per & {
    /** Records leave evenly spaced, to within 5 ms. */
    readonly algorithm: 'leaky-bucket'
    readonly burst?: Sentence<"A leaky bucket has no burst: its records leave evenly spaced. Take algorithm 'token-bucket'"> | undefined
  }

/** The rate follows what is measured of an operator behind this one. */
interface Adaptive extends Per {
  readonly rate?: undefined
  /** The name of that operator, such as a `mapAsync` or a sink. */
  readonly observe: string
  /** The rate is never below; above 0. */
  readonly min: number
  /** Nor above. */
  readonly max: number
  /** Default: `min`. */
  readonly initial?: number | undefined
  /** How often the rate is decided anew. Default `'100ms'`. */
  readonly period?: Duration | undefined
  /** How many records may leave at once, after a pause. Default: what 100 ms of the rate give, at least 1. */
  readonly burst?: number | undefined
  readonly key?: undefined
  readonly keys?: undefined
  readonly queue?: undefined
}

/** What must not be exceeded, as a mean over a period. */
export interface LimitTarget {
  /** How long one record takes in the observed operator. */
  readonly latency?: Duration | undefined
  /** How long a record waits on the edges in front of it. */
  readonly queueTime?: Duration | undefined
  /** Share of records for which its code called `context.countError()`, 0 to 1. */
  readonly errorRate?: number | undefined
}

interface Aimd extends Adaptive {
  /** Adds `increase` in a period in which the target is met; multiplies by `decrease` when it is not, once per round trip. */
  readonly algorithm: 'aimd'
  /** At least one of them. */
  readonly target: LimitTarget
  /** Default: a hundredth of `max`. */
  readonly increase?: number | undefined
  /** Default 0.7. */
  readonly decrease?: number | undefined
  readonly tolerance?: undefined
}

interface Gradient extends Adaptive {
  /** Compares the latency, with the time in the queue, with the least of the last half minute or more: no target is needed. */
  readonly algorithm: 'gradient'
  readonly target?: LimitTarget | undefined
  /** How many times the least latency is still well. Default 1.5. */
  readonly tolerance?: number | undefined
  readonly increase?: undefined
  readonly decrease?: undefined
}

/** Whose limit it is: that of the whole stream, or one for each key. */
type Scope<T, K> =
  | {
      readonly key?: undefined
      readonly keys?: undefined
      readonly queue?: undefined
    }
  | {
      /** Every key has the whole rate for itself. The stream is dealt out by it, so that a limit is exact whatever the parallelism. */
      readonly key: (record: T) => K & Key<K> & (K extends PromiseLike<unknown> ? Sentence<NoPromise> : unknown)
      /** How many keys are remembered, over all subtasks. Default 10,000. */
      readonly keys?: number | undefined
      /** Records of limited keys that may wait while others pass, over all subtasks. Default 1,000 records and 16 MiB; none with `onLimit: 'drop'`. */
      readonly queue?: { readonly records: number; readonly bytes?: ByteSize | undefined } | undefined
    }

/** What becomes of records beyond the limit. */
export interface HoldLimited {
  /** They wait, and hold the stream back. */
  readonly onLimit?: 'hold' | undefined
  readonly lossy?: undefined
}

export interface DropLimited {
  /** They are dropped and counted. */
  readonly onLimit: 'drop'
  /** true: such losses are accepted in front of sinks that are exactly-once. */
  readonly lossy?: boolean | undefined
}

/** A limit that adapts. */
export type AdaptiveLimit = NamedOperatorOptions & (Aimd | Gradient)

/** A limit of a rate; `S`: the stream that may say the rate. */
export type StaticLimit<T, K, S> = NamedOperatorOptions & Scope<T, K> & (TokenBucket<S> | LeakyBucket<S>)
