/**
 * What user functions see of the world, as types: the engine's own context objects in the user's terms. An async function is given
 * the engine's object itself; `process` has one object per subtask, whose fields change from record to record.
 */
import type { OperatorLog, OperatorMetrics } from '@sluice/engine'

declare const resourceType: unique symbol

/**
 * A resource declared with `job.resource(name, { open, close })`. Give it to `context.use(resource)`. At run time it is the
 * resource's name, so it may be captured by any function of the job.
 */
export type Resource<R> = string & { readonly [resourceType]: () => R }

/** What every context has. */
export interface Context {
  /** The job's name. */
  readonly job: string
  /** The operator's name. */
  readonly operator: string
  /** Which subtask of the operator runs this function, from 0, and how many there are. */
  readonly subtask: { readonly index: number; readonly parallelism: number }
  /** Structured log; lines carry operator and subtask. */
  readonly log: OperatorLog
  /** The job's own metrics, shown as `user.<name>`; at most 64 names per operator. */
  readonly metrics: OperatorMetrics
  /** Processing time in ms since the epoch. */
  now(): number
  /** The open resource of this worker. */
  use<R>(resource: Resource<R>): R
}

/** The context of `process` on a stream that is not keyed. One object per subtask: read it while the function runs, do not keep it. */
export interface ProcessContext extends Context {
  /** Event time of the record in ms since the epoch; undefined where none was assigned. */
  readonly timestamp: number | undefined
  /** Counts an error of the record at hand that your code answers by itself. An adaptive `rateLimit` in front follows it. */
  countError(): void
}

/** The context of `process` on a keyed stream. One object per subtask: read it while the function runs, do not keep it. */
export interface KeyedProcessContext<out K> extends ProcessContext {
  /** The key of the record. */
  readonly key: K
}

/** The context of functions that may be asynchronous: `mapAsync` and `forEach`. It belongs to one record and may be kept until the promise settles. */
export interface AsyncRecordContext extends Context {
  /** Aborted when the time of this attempt is up, and when the job fails; hand it to `fetch` and the like. */
  readonly signal: AbortSignal
  /** Which attempt at the record this is, from 1: more where it is retried. */
  readonly attempt: number
  /** Stable over re-runs of the same record as far as the source is replayable: use it as an idempotency key. */
  readonly recordId: string
  /** Counts an error of the record at hand that your code answers by itself. An adaptive `rateLimit` in front follows it. */
  countError(): void
}

/** The context of `forEachBatch`. It belongs to one batch and may be kept until the promise settles. */
export interface BatchContext extends Context {
  /** Aborted when the time of this attempt is up, and when the job fails; hand it to `fetch` and the like. */
  readonly signal: AbortSignal
  /** Id of the batch, the same in each attempt. Stable as far as `forEachBatch` says. */
  readonly recordId: string
  /** Which attempt at the batch this is, from 1: more where it is retried. */
  readonly attempt: number
  /** Counts an error that your code answers by itself. An adaptive `rateLimit` in front follows it. */
  countError(): void
  /**
   * Gives up one record of the batch, while the others go on: it is dropped or a dead letter, as `onError` says, when this attempt has succeeded. Give it the record itself, as it is in
   * the batch; said twice, the first error counts. Throws the error where `onError` is 'fail'.
   *
   * @throws SLUICE_OPTIONS_INVALID for what is not in the batch
   *
   * @example
   * const insert = async (rows: readonly { id: number }[]) => rows.filter((row) => row.id < 0)
   * orders.sink('insert', forEachBatch(async (rows: readonly { id: number }[], context) => {
   *   for (const refused of await insert(rows)) context.deadLetter(refused, new RangeError('a negative id'))
   * }, { onError: 'deadLetter' }))
   */
  deadLetter(record: unknown, error: unknown): void
}
