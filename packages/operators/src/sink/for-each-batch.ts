/** A function as a sink that is called for batches of records. */
import type { AsyncContext } from '@sluice/engine'
import type { CallOptions } from '../call/call-options.js'
import { planCalls } from '../call/plan-calls.js'
import { type Duration, parseDuration } from '../duration/duration.js'
import type { BatchContext } from '../operator/contexts.js'
import { checkFunction, checkInteger } from '../options/check-options.js'
import type { Sink, SinkWithLetters } from './sink.js'

export interface ForEachBatchOptions extends CallOptions {
  /** Records of a batch at most. Default 256. */
  readonly records?: number | undefined
  /** How long the first record of a batch waits for others at most. Default '1s'. */
  readonly time?: Duration | undefined
  /** Batches in flight at once, over all subtasks. Default: one per subtask. */
  readonly concurrency?: number | undefined
}

const RECORDS_DEFAULT = 256
const TIME_MS_DEFAULT = 1_000

/**
 * Calls a function for batches of records: when `records` are there, when the first of them has waited for `time`, and at the end. Where it returns a promise,
 * the batch is in flight until that settles; no more than `concurrency` are, one more is gathered beside them, and what lies upstream waits.
 *
 * At least once: batches that were in flight at a checkpoint are called again after a restore, the same records with the same `context.recordId`
 * (`<sink>/<subtask>/<number of the batch>`), and the one that was being gathered goes on. What came behind the checkpoint comes again too: cut into the same batches
 * where the records of a subtask come in the same order again (a replayable source, parallelism 1 or no exchange in between, the same parallelism) and batches fill
 * before their `time`. Otherwise another batch may bear the id: where that matters, make an id from the records.
 *
 * What protects calls counts batches: an attempt is a call with a whole batch. With `onError: 'deadLetter'` each record of a batch that is given up is a dead letter. One record is
 * given up by itself with `context.deadLetter(record, error)`.
 *
 * @throws SLUICE_OPERATOR_FAILED where the function throws or rejects, with the cause; SLUICE_TIMEOUT where a call takes too long.
 * @example
 * stream.sink('insert', forEachBatch(async (orders) => database.insert('orders', orders), { records: 500, time: '200ms', retry: {} }))
 */
export function forEachBatch<T, const O extends ForEachBatchOptions = ForEachBatchOptions>(
  fn: (records: readonly T[], context: BatchContext) => unknown,
  options?: O,
): SinkWithLetters<O, Sink<T>>
export function forEachBatch<T>(fn: (records: readonly T[], context: BatchContext) => unknown, options: ForEachBatchOptions = {}): Sink<T> {
  checkFunction('forEachBatch', fn)
  return batchSink<T>('forEachBatch', fn, options)
}

/** A sink that gathers records and calls a function with them. `what`: what a user called, in messages and as its type in the plan, where `more` says no other. */
export function batchSink<T>(
  what: string,
  called: (records: readonly T[], context: BatchContext) => unknown,
  options: ForEachBatchOptions,
  more: Readonly<Record<string, unknown>> = {},
): Sink<T> {
  const fn = called as (records: never, context: AsyncContext) => unknown
  const { spec: calls, options: shown, ...details } = planCalls(what, fn, options, ['records', 'time'])
  const { records = RECORDS_DEFAULT, time = TIME_MS_DEFAULT } = options
  checkInteger(`${what}: records`, records, 1)
  const timeMs = parseDuration(time, `time of ${what}`)
  const { concurrency, timeoutMs } = calls
  return {
    spec: {
      kind: 'async',
      fn,
      ...calls,
      gathers: { recordsMax: records, timeMs },
      ordered: false,
      discardsResults: true,
      mayChain: false,
    },
    options: { type: what, ...more, records, timeMs, concurrency, timeoutMs, ...shown },
    onError: options.onError,
    ...details,
    delivery: 'at-least-once',
  }
}
