/**
 * The interface for sources of one's own; the built-in ones are made with it. A source lists its splits, and each split is
 * opened by the subtask it belongs to and read there in batches.
 */
import { type DeliveryGuarantee, type Listening, type SourceBatch, SluiceError, type SplitReader } from '@sluice/engine'
import type { Context } from '../operator/contexts.js'
import { checkChoice, checkInteger } from '../options/check-options.js'
import { PullReader } from './pull-reader.js'
import type { Source } from './source.js'

/** What a source knows of the world. */
export interface SourceReadContext extends Context {
  /** Aborted when the job stops or fails. */
  readonly signal: AbortSignal
  /** Counts records that the source lost, with a reason in a few words. */
  countDropped(count: number, reason: string): void
  /** Encoded size of a value in bytes. It is encoded for that. */
  sizeOf(value: unknown): number
  /** Says where the source can be reached: a line `source.listening` of the job log, and the event `listening` of the run. */
  announce(listening: Listening): void
}

/** A batch with more to say than its records, such as the `position` of its first one, from which `open` can begin again: see `SourceBatch`. */
export interface TypedBatch<out T> extends SourceBatch {
  readonly records: readonly T[]
}

/** Reads one split. */
export interface SourceReader<out T> {
  /**
   * The next records: a few hundred at best, at least one where it can be, undefined at the end. Return a promise only where there is
   * something to wait for; the next call comes after it has settled.
   */
  next(): readonly T[] | TypedBatch<T> | undefined | Promise<readonly T[] | TypedBatch<T> | undefined>
  /** Where `next` returns promises: whether it is called for the next batch while one is processed. Default true. */
  readonly readsAhead?: boolean | undefined
  /**
   * So many records (and so many dead letters) of this reader are in the job's hands so far: its first operators have processed them. A failure may lose them still.
   * Called behind a step in which there were any, not per record, and once more before `close`.
   */
  taken?(records: number, deadLetters: number): void
  /**
   * A checkpoint is complete that covers so many records (and dead letters) of this reader: a restored job does not ask for them again, so a queue may be told to forget
   * them. In order, before `close`, which comes when all are covered; where it returns a promise, the next call waits for it, and a rejection fails the job.
   * Never called where the job takes no checkpoints.
   */
  covered?(records: number, deadLetters: number): void | Promise<void>
  /** After the last record, also on failure and stop. */
  close?(): void | Promise<void>
}

export interface SourceDefinition<T, S, P = unknown> {
  /**
   * Parts that can be read in parallel, the same list each time it is asked; split i goes to subtask i modulo the parallelism.
   * Plain data, because those that are left become part of a checkpoint. Default: one split (undefined), read by one subtask.
   */
  readonly splits?: ((context: SourceReadContext) => readonly S[] | Promise<readonly S[]>) | undefined
  /**
   * Opens one split in the subtask that owns it: a reader, or an async iterable or generator of single records. `position`: that of a batch
   * this source gave, to begin with after a restore; undefined: the beginning of the split.
   */
  readonly open: (
    split: S,
    context: SourceReadContext,
    position: P | undefined,
  ) => SourceReader<T> | AsyncIterable<T> | Promise<SourceReader<T> | AsyncIterable<T>>
  /**
   * Reading again gives the same records in the same order. After a restore a split is opened at the position of the batch that was being
   * processed, and the records of it that were processed already are left out. Batches without positions count from the last one
   * that had one: a reader without any is read again from its beginning. Default false: nothing is known of what was read, and a restored job
   * reads what the source gives then.
   */
  readonly replayable?: boolean | undefined
  /**
   * What holds of its records over failures. Default: `'exactly-once'` where it is replayable, else `'at-most-once'`. A source that acknowledges what checkpoints cover
   * (`SourceReader.covered`) and is given the rest again says `'at-least-once'`.
   */
  readonly delivery?: DeliveryGuarantee | undefined
  /** Sources with the same text run in one thread, with one subtask each: they share what only one thread can have, such as a port. */
  readonly colocation?: string | undefined
  /** Bound to the thread that started the job, for what cannot be opened elsewhere. Default false. */
  readonly pinned?: boolean | undefined
  /** The largest parallelism that makes sense, with the reason as part of a sentence. Default: 1 without `splits`, else unbounded. */
  readonly parallelismMax?: { readonly value: number; readonly because: string } | undefined
  /** JSON-able values that identify the source; they are part of the job's fingerprint and shown with the plan. */
  readonly options?: Readonly<Record<string, unknown>> | undefined
  /** The schema that the records were validated against, where there is one. */
  readonly schema?: object | undefined
  /** Splits are to be opened in order: time advances from split to split. Default false. */
  readonly orderedSplits?: boolean | undefined
  /**
   * Every split ends by itself, as a file does; waiting for its next record is then never taken for idleness. Default false: a source that is
   * silent for a while no longer holds event time back.
   */
  readonly bounded?: boolean | undefined
  /** What was sent to it and waits to be read, at most, in bytes over all subtasks: part of the memory budget. Default 0: it reads no more than it gives. */
  readonly holdsBytes?: number | undefined
}

/**
 * A source of one's own.
 *
 * @throws SLUICE_OPTIONS_INVALID where the definition has no `open`, a wrong `parallelismMax`, or a `delivery` of exactly once that nothing replays.
 * @example
 * // Three files of numbers, read in parallel.
 * const numbers = defineSource({
 *   splits: () => [0, 100, 200],
 *   open: async function* (first) {
 *     for (let value = first; value < first + 100; value++) yield value
 *   },
 *   replayable: true,
 * })
 * job.source('numbers', numbers)
 * @example
 * // A batch says where it begins, so that a restored job goes on there.
 * const squares = defineSource({
 *   open: (_split, _context, position: number | undefined) => {
 *     let next = position ?? 0
 *     return {
 *       next: () => {
 *         if (next >= 1_000) return undefined
 *         const first = next
 *         next += 100
 *         return { records: Array.from({ length: 100 }, (_, at) => (first + at) ** 2), position: first }
 *       },
 *     }
 *   },
 *   replayable: true,
 * })
 * job.source('squares', squares)
 * @example
 * // A queue is told to forget a message when a checkpoint covers it, and gives all others again.
 * const waiting = ['a', 'b', 'c']
 * const messages = defineSource({
 *   open: () => {
 *     let given = 0
 *     let forgotten = 0
 *     return {
 *       next: () => (given < waiting.length ? [waiting[given++] as string] : undefined),
 *       covered: (records) => {
 *         while (forgotten < records) console.log('forget', waiting[forgotten++])
 *       },
 *     }
 *   },
 *   delivery: 'at-least-once',
 * })
 * job.source('messages', messages)
 */
export function defineSource<T, S = undefined, P = unknown>(definition: SourceDefinition<T, S, P>): Source<T> {
  const {
    splits,
    open,
    replayable = false,
    pinned = false,
    parallelismMax,
    options = {},
    schema,
    orderedSplits,
    bounded = false,
    delivery = replayable ? 'exactly-once' : 'at-most-once',
    colocation,
    holdsBytes,
  } = definition
  if (typeof open !== 'function') throw new SluiceError('SLUICE_OPTIONS_INVALID', 'defineSource needs open(split, context).')
  if (parallelismMax !== undefined) checkInteger('parallelismMax.value', parallelismMax.value, 1)
  if (holdsBytes !== undefined) checkInteger('holdsBytes of defineSource', holdsBytes, 0)
  checkChoice('delivery of defineSource', delivery, ['exactly-once', 'at-least-once', 'at-most-once'])
  if (delivery === 'exactly-once' && !replayable)
    throw new SluiceError('SLUICE_OPTIONS_INVALID', "delivery of defineSource is 'exactly-once', and the source is not replayable.", {
      hint: "Leave it out, or say 'at-least-once' where the source is given again what it did not acknowledge.",
    })
  return {
    spec: {
      kind: 'source',
      reads: 'splits',
      splits: (context) => (splits === undefined ? [undefined] : splits(context as SourceReadContext)),
      open: async (split, context, position) =>
        toSplitReader(await open(split as S, context as SourceReadContext, position as P | undefined), context as SourceReadContext),
      replayable,
      orderedSplits,
      bounded,
      holdsBytes,
    },
    options,
    parallelismMax: parallelismMax ?? (splits === undefined ? { value: 1, because: 'a source without splits has one reader' } : undefined),
    pinnedToHost: pinned,
    delivery,
    replayable,
    schema,
    orderedSplits,
    colocation,
  }
}

function toSplitReader(opened: SourceReader<unknown> | AsyncIterable<unknown>, context: SourceReadContext): SplitReader {
  const reader = Symbol.asyncIterator in opened ? new PullReader(opened, context) : opened
  const { taken, covered } = reader as Partial<SourceReader<unknown>>
  return {
    next: () => toBatch(reader.next()),
    readsAhead: reader.readsAhead,
    close: () => reader.close?.(),
    ...(taken === undefined ? {} : { taken: taken.bind(reader) }),
    ...(covered === undefined ? {} : { covered: covered.bind(reader) }),
  }
}

type Read = readonly unknown[] | SourceBatch | undefined

function toBatch(read: Read | Promise<Read>): SourceBatch | undefined | Promise<SourceBatch | undefined> {
  if (read === undefined) return undefined
  if (read instanceof Promise) return read.then(wrap)
  return wrap(read)
}

function wrap(read: Read): SourceBatch | undefined {
  return Array.isArray(read) ? { records: read } : (read as SourceBatch | undefined)
}
