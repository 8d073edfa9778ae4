/** A function as a sink: called for each record. */
import type { AsyncContext } from '@sluice/engine'
import type { CallOptions } from '../call/call-options.js'
import { planCalls } from '../call/plan-calls.js'
import type { AsyncRecordContext } from '../operator/contexts.js'
import { checkFunction } from '../options/check-options.js'
import type { Sink, SinkWithLetters } from './sink.js'

export interface ForEachOptions extends CallOptions {
  /** Records in flight at once, over all subtasks. Default: one per subtask. */
  readonly concurrency?: number | undefined
}

/**
 * Calls a function for each record. Where it returns a promise, the record is in flight until that settles; no more than
 * `concurrency` are, and what lies upstream waits.
 *
 * At least once: records that were in flight at a checkpoint, and those behind it, come again after a restore. `context.recordId`
 * (`<sink>/<subtask>/<number>`) is the same again where the records of a subtask come in the same order again: a replayable source, parallelism 1
 * or no exchange in between, the same parallelism. Otherwise another record may bear it: where that matters, make an id from the record itself.
 *
 * @throws SLUICE_OPERATOR_FAILED where the function throws or rejects; SLUICE_TIMEOUT where a call takes too long.
 * @example
 * stream.sink('notify', forEach(async (order, { signal }) => {
 *   await fetch('https://example.org/orders', { method: 'POST', body: JSON.stringify(order), signal })
 * }, { concurrency: 8, timeout: '5s' }))
 */
export function forEach<T, const O extends ForEachOptions = ForEachOptions>(
  fn: (record: T, context: AsyncRecordContext) => unknown,
  options?: O,
): SinkWithLetters<O, Sink<T>>
export function forEach<T>(fn: (record: T, context: AsyncRecordContext) => unknown, options: ForEachOptions = {}): Sink<T> {
  checkFunction('forEach', fn)
  const called = fn as (record: never, context: AsyncContext) => unknown
  const { spec: calls, options: shown, ...details } = planCalls('forEach', called, options)
  const { concurrency, timeoutMs, guard } = calls
  return {
    spec: {
      kind: 'async',
      fn: called,
      ...calls,
      ordered: false,
      discardsResults: true,
      mayChain: concurrency === undefined && guard === undefined && !isAsyncFunction(fn),
    },
    options: { type: 'forEach', concurrency, timeoutMs, ...shown },
    onError: options.onError,
    ...details,
    delivery: 'at-least-once',
  }
}

function isAsyncFunction(fn: unknown): boolean {
  return Object.prototype.toString.call(fn) === '[object AsyncFunction]'
}
