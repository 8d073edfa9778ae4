/** Records from any async iterable: a generator, a client's cursor, an event iterator. */
import { planReadAhead } from '../bridge/read-ahead.js'
import { checkFunction, checkOptions } from '../options/check-options.js'
import { defineSource } from './define-source.js'
import { PullReader } from './pull-reader.js'
import type { Source } from './source.js'

export interface FromAsyncIterableOptions {
  /** Open it in the thread that started the job, where it needs what only that thread has. Default false. */
  readonly pinned?: boolean | undefined
  /**
   * The factory gives the same values in the same order each time. A restored job then calls it again and passes over the values that were
   * processed, which takes as long as the iterable takes to give them. Default false: a restored job processes whatever it gives.
   */
  readonly replayable?: boolean | undefined
  /** Values that are pulled ahead of the one that is processed, at most. 0: none, each is pulled when the one before it is done with. Default 256. */
  readonly readAhead?: number | undefined
}

/**
 * The values of an async iterable (or plain iterable), which the factory makes in the subtask that reads it. `next()` is called only when the job asks for
 * values, one call after the other. When the job stops or fails, the iterable's `return` is called.
 *
 * @throws SLUICE_SOURCE_FAILED where the iterable throws; the cause is kept. SLUICE_PROTOCOL_BROKEN where it has no iterator, or `next()` gives no object.
 * @example
 * async function* lines() {
 *   yield 'first'
 *   yield 'second'
 * }
 * job.source('lines', fromAsyncIterable(lines))
 */
export function fromAsyncIterable<T>(
  factory: (options: { readonly signal: AbortSignal }) => AsyncIterable<T> | Iterable<T> | Promise<AsyncIterable<T> | Iterable<T>>,
  options: FromAsyncIterableOptions = {},
): Source<T> {
  checkFunction('fromAsyncIterable', factory)
  checkOptions('fromAsyncIterable', options, ['pinned', 'replayable', 'readAhead'])
  const bounds = planReadAhead('fromAsyncIterable', options.readAhead)
  return defineSource<T>({
    open: async (_split, context) => new PullReader(await factory({ signal: context.signal }), context, bounds),
    pinned: options.pinned,
    replayable: options.replayable,
    parallelismMax: { value: 1, because: 'an iterable has one reader' },
    options: { type: 'asyncIterable', pinned: options.pinned === true },
  })
}
