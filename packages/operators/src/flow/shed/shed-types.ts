/**
 * What `shed` takes and gives, as types. The policies are a union discriminated by `policy`: an option of one is refused where another was chosen.
 */
import type { ByteSize } from '../../duration/byte-size.js'
import type { Duration } from '../../duration/duration.js'
import type { Key, NoPromise, Sentence } from '../../stream/rules.js'

/**
 * When records may be lost: any one of these is enough. Until then a full queue holds the producers back.
 */
export interface ShedTriggers {
  /** Records have been waiting for so long without a break: the consumer has not taken everything at once since. */
  readonly fullFor?: Duration | undefined
  /**
   * A record is older than this: by its timestamp where it has one, else since its arrival. Looked at when it arrives and when it leaves; it is this record that
   * goes, whatever the policy.
   */
  readonly age?: Duration | undefined
  /** Event time is so far behind the clock. While it is, the queue counts as full at its present length. */
  readonly watermarkLag?: Duration | undefined
  /** The process has more than this in resident memory, looked at every 100 ms at most. While it has, the queue counts as full at its present length. */
  readonly memory?: ByteSize | undefined
}

interface QueueBounds {
  /** Records in the queue, over all subtasks. Default 10,000. */
  readonly records?: number | undefined
  /** Encoded size of the records in the queue, over all subtasks. Default `'16mb'`; part of the memory budget of the job. */
  readonly bytes?: ByteSize | undefined
}

interface LossyBounds extends QueueBounds {
  /** How long a record may wait in the queue; then it is dropped. Default: as long as it takes. */
  readonly time?: Duration | undefined
  /** When records may be lost. Default: when the queue is full. */
  readonly when?: ShedTriggers | undefined
  /** The loss is meant although a sink behind it writes every record exactly once; without it such a job is refused (`SLUICE_LOSSY_STREAM`). */
  readonly lossy?: boolean | undefined
}

interface NoPolicyOptions {
  readonly keep?: undefined
  readonly seed?: undefined
  readonly by?: undefined
  readonly key?: undefined
  readonly priority?: undefined
  readonly directory?: undefined
  readonly diskBytes?: undefined
}

type Without<P extends keyof NoPolicyOptions> = Omit<NoPolicyOptions, P>

/** A record that finds the queue full is dropped: what waits keeps its place. */
export interface DropNewest extends LossyBounds, NoPolicyOptions {
  readonly policy: 'drop-newest'
}

/** The record that has waited longest makes room: what leaves is as new as it can be. */
export interface DropOldest extends LossyBounds, NoPolicyOptions {
  readonly policy: 'drop-oldest'
}

/** A share of the records: while there is pressure every record is kept with the same probability, or every record of a key. */
export interface Sample<in T, in out K> extends LossyBounds, Without<'keep' | 'seed' | 'by'> {
  readonly policy: 'sample'
  /** The share that is kept, between 0 and 1, both excluded. */
  readonly keep: number
  /** Records of one key are all kept or may all go, in every subtask and after every restart: a trace stays whole. */
  readonly by?: ((record: T) => K & Key<K>) | undefined
  /** Of the random numbers where there is no `by`. Default 1. */
  readonly seed?: number | undefined
}

/** The record with the lowest priority goes, the oldest among equals. */
export interface ByPriority<in T> extends LossyBounds, Without<'priority'> {
  readonly policy: 'priority'
  /** Larger is more important. Asked once for each record that has to wait. */
  readonly priority: (record: T) => number | Sentence<NoPromise>
}

/** One record per key, the latest: it takes the place of the one before it. `records` bounds the keys. */
export interface Latest<in T, in out K> extends LossyBounds, Without<'key'> {
  readonly policy: 'latest'
  /** Whose latest record is kept. Asked once for each record that has to wait. */
  readonly key: (record: T) => K & Key<K>
}

/**
 * Nothing is lost: what does not fit the queue goes to disk and comes back in its order. Where the disk may take no more, the producers wait. A checkpoint holds
 * everything that waits, also what is on disk.
 */
export interface Spill extends QueueBounds, Without<'directory' | 'diskBytes'> {
  readonly policy: 'spill'
  /** Where the files lie, relative to the working directory; it is made where it is not there. Of this operator alone. */
  readonly directory: string
  /** On disk, over all subtasks. Default `'256mb'`. */
  readonly diskBytes?: ByteSize | undefined
  readonly time?: undefined
  readonly when?: undefined
  readonly lossy?: undefined
}

/** What a key is where a policy is written down by itself, and nothing else is said. */
type PlainKey = string | number | bigint | boolean | null | Date

/** The policies that lose records. `K`: the type of the keys of `'latest'` and of `by`. */
export type ShedPolicy<T, K = PlainKey> = DropNewest | DropOldest | Sample<T, K> | ByPriority<T> | Latest<T, K>
