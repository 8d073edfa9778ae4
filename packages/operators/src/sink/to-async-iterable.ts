/** A function that iterates as a sink. */
import { checkFunction } from '../options/check-options.js'
import { type ConsumerContext, ConsumerWriter } from './consumer-writer.js'
import { defineSink } from './define-sink.js'
import type { PulledRecords } from './pulled-records.js'
import type { Sink } from './sink.js'

/**
 * Gives the records to a function as an async iterable, which the function iterates at its own pace: a record leaves only when the function asks for it. The
 * function is called once in each subtask, and waited for at the end. When the job fails, the iteration throws.
 *
 * At least once: a record counts as written when the function asks for the next one. After a restore it comes again where that had not happened when the
 * checkpoint was taken, or happened behind it.
 *
 * @throws SLUICE_SINK_FAILED where the function throws, or stops iterating before the end; SLUICE_PROTOCOL_BROKEN where it calls `next()` while another call
 * waits.
 * @example
 * stream.sink('rows', toAsyncIterable(async (rows) => {
 *   for await (const row of rows) await database.insert('rows', [row])
 * }))
 */
export function toAsyncIterable<T>(fn: (records: AsyncIterable<T>, context: ConsumerContext) => PromiseLike<unknown>): Sink<T> {
  checkFunction('toAsyncIterable', fn)
  return defineSink<T>({
    open: (context) =>
      new ConsumerWriter<T>((records, abandoned) => {
        const iterable = iterate(records, abandoned)
        // The iterable asks for the error with its next record.
        return { stream: { fail: () => undefined }, result: callWith(() => fn(iterable, context)) }
      }, context),
    options: { type: 'asyncIterable' },
  })
}

/** What a function throws before it gives a promise is told like what it rejects with. */
export async function callWith(call: () => unknown): Promise<void> {
  await call()
}

function iterate<T>(records: PulledRecords<T>, abandoned: (cause: unknown) => void): AsyncIterable<T> {
  const iterator: AsyncIterator<T> = {
    async next() {
      const pulled = await records.pull(1)
      return pulled === undefined ? { done: true, value: undefined } : { done: false, value: pulled[0] as T }
    },
    async return() {
      records.cancel()
      abandoned(undefined)
      return { done: true, value: undefined }
    },
  }
  return { [Symbol.asyncIterator]: () => iterator }
}
