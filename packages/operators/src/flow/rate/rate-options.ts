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

/** A limit of a rate; `S`: the stream that may say the rate. */
export type StaticLimit<T, K, S> = NamedOperatorOptions & Scope<T, K> & (TokenBucket<S> | LeakyBucket<S>)
