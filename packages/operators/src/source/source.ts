/**
 * What `from...`, `generate` and `interval` return: a description of a source. It opens nothing; `job.source(name, source)`
 * makes a node of the graph from it, and the subtask that owns a split opens it.
 */
import type { DeliveryGuarantee, RecordShapeSeed, SourceSpec } from '@sluice/engine'

declare const recordType: unique symbol

/** What a source that listens has to agree on with others of its job. */
export interface Listens {
  /** `127.0.0.1:8080` */
  readonly address: string
  /** What it takes of what comes there: `POST /orders`. */
  readonly route: string
  /** What all sources at the address have in common, by the names of the options. */
  readonly server: Readonly<Record<string, string | number | undefined>>
}

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
  /** Where it listens: no other source of the job may take the same route, and those at one address say the same of its server. */
  readonly listens?: Listens | undefined
  /** It makes no sense without checkpoints: what of it, as it stands in a job ("ack: 'checkpoint'"). */
  readonly needsCheckpoints?: string | undefined
}

/** A source that loses records on purpose; the stream of its records is `lossy`. */
export interface LossySource<out T> extends Source<T> {
  readonly lossy: { readonly because: string; readonly accepted: boolean }
}
