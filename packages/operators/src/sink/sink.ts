/**
 * What `to...`, `forEach`, `print` and `discard` return: a description of a sink. It opens nothing; `stream.sink(name, sink)` makes a
 * node of the graph from it, and each subtask of that node makes its own writer.
 */
import type { AsyncSpec, DeliveryGuarantee, SinkSpec } from '@sluice/engine'

declare const acceptedType: unique symbol

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
  /** The user's functions that `spec` closes over and does not show; their text belongs to the job's fingerprint. */
  readonly functions?: readonly ((...args: never) => unknown)[] | undefined
}
