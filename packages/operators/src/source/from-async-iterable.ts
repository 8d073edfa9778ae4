/** Records from any async iterable: a generator, a client's cursor, an event iterator. */
import { checkFunction } from './check-options.js'
import { defineSource } from './define-source.js'
import { PullReader } from './pull-reader.js'
import type { Source } from './source.js'

export interface FromAsyncIterableOptions {
  /** Open it in the thread that started the job, where it needs what only that thread has. Default false. */
  readonly pinned?: boolean | undefined
}

/**
 * The values of an async iterable (or plain iterable), which the factory makes in the subtask that reads it. Up to 256 values
 * are pulled ahead. When the job stops, the iterable's `return` is called.
 *
 * @throws SLUICE_SOURCE_FAILED where the iterable throws; the cause is kept.
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
  return defineSource<T>({
    open: async (_split, context) => new PullReader(await factory({ signal: context.signal }), context),
    pinned: options.pinned,
    parallelismMax: { value: 1, because: 'an iterable has one reader' },
    options: { type: 'asyncIterable', pinned: options.pinned === true },
  })
}
