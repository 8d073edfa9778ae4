/**
 * What `from...`, `generate` and `interval` return: a description of a source. It opens nothing; `job.source(name, source)`
 * makes a node of the graph from it, and the subtask that owns a split opens it.
 */
import type { DeliveryGuarantee, RecordShapeSeed, SourceSpec } from '@sluice/engine'

declare const recordType: unique symbol

/** A description of where records of type `T` come from; give it to `job.source(name, source)`. */
export interface Source<out T> {
  /** Carries the type; never there at run time. */
  readonly [recordType]?: T
  readonly spec: SourceSpec
  /** JSON-able; part of the job's fingerprint and shown with the plan. */
  readonly options: Readonly<Record<string, unknown>>
  /** An upper bound that follows from what the source is, with the reason as part of a sentence ("an array has one reader"). */
  readonly parallelismMax?: { readonly value: number; readonly because: string } | undefined
  /** Bound to the coordinator's thread: standard input, an object passed in. */
  readonly pinnedToHost?: boolean | undefined
  readonly delivery: DeliveryGuarantee
  /** The user's functions that `spec` closes over and does not show; their text belongs to the job's fingerprint. */
  readonly functions?: readonly ((...args: never) => unknown)[] | undefined
  /** Whether reading again from a position gives the same records. */
  readonly replayable: boolean
  /** The schema the source validates against, where there is one; the codec is compiled from it. */
  readonly schema?: object | undefined
  /** What is known of the records from elsewhere (a file's own schema); seeds the codec. */
  readonly shape?: RecordShapeSeed | undefined
  /** It loses records on purpose: which ones, as part of a sentence, and whether that is accepted in front of a sink that is exactly-once. */
  readonly lossy?: { readonly because: string; readonly accepted: boolean } | undefined
  /** Splits are opened in order, so that time advances in order over splits. */
  readonly orderedSplits?: boolean | undefined
  /** Sources with the same text run in one thread, with one subtask each: they share what only one thread can have, such as a port. */
  readonly colocation?: string | undefined
  /** It makes no sense without checkpoints: what of it, as it stands in a job ("ack: 'checkpoint'"). */
  readonly needsCheckpoints?: string | undefined
}

/** A source that loses records on purpose; the stream of its records is `lossy`. */
export interface LossySource<out T> extends Source<T> {
  readonly lossy: { readonly because: string; readonly accepted: boolean }
}
