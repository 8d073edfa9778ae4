/** A web stream as an iterator that holds its lock from the first to the last read, and gives it back in every case: at the end, on failure, on cancel. */
import { protocolBroken } from '../bridge/protocol.js'
import type { PullContext } from './pull-reader.js'

/** The global ReadableStream and that of `node:stream/web`, whichever types a project loads. */
export interface WebStreamLike<T> {
  getReader(): unknown
  [Symbol.asyncIterator](): AsyncIterator<T>
}

interface WebReader {
  read(): Promise<{ readonly done: boolean; readonly value?: unknown }>
  cancel(reason?: unknown): Promise<void>
  releaseLock(): void
}

/** Fails where somebody else reads the stream. */
export function iterateWebStream(stream: WebStreamLike<unknown>, context: PullContext): AsyncIterable<unknown> {
  const given = stream as (WebStreamLike<unknown> & { readonly locked?: boolean }) | undefined
  if (typeof given?.getReader !== 'function') throw protocolBroken(context, 'function', 'gave something else than a ReadableStream')
  if (given.locked === true) throw protocolBroken(context, 'stream', 'is locked: somebody else reads it')
  const reader = given.getReader() as WebReader
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        let ended = true
        try {
          const result = await reader.read()
          ended = result.done
          return result as IteratorResult<unknown>
        } finally {
          if (ended) reader.releaseLock()
        }
      },
      async return() {
        try {
          await reader.cancel()
        } finally {
          reader.releaseLock()
        }
        return { done: true, value: undefined }
      },
    }),
  }
}
