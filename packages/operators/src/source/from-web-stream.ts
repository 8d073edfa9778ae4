/** Web streams: the body of a fetch, a TransformStream. */
import { SluiceError } from '@sluice/engine'
import { planReadAhead } from '../bridge/read-ahead.js'
import { checkChoice, checkOptions } from '../options/check-options.js'
import { defineSource } from './define-source.js'
import { PullReader } from './pull-reader.js'
import type { Source } from './source.js'
import { chunkBytesMax, formatReader, type StreamFormat } from './stream-format.js'
import { iterateWebStream, type WebStreamLike } from './web-stream-iterator.js'

export interface FromWebStreamOptions {
  /** What a chunk is. Default 'objects'. */
  readonly format?: StreamFormat | undefined
  /** Open a factory's stream in the thread that started the job. A stream that is passed in is always read there. Default false. */
  readonly pinned?: boolean | undefined
  /**
   * The function opens the same stream each time, with the same content. A restored job then calls it again and passes over what was
   * processed. Default false: a restored job processes whatever the stream gives.
   */
  readonly replayable?: boolean | undefined
  /** Chunks that are taken from the stream ahead of the one that is processed, at most; bytes and text end a batch of 256 KiB too. 0: none. Default 256. */
  readonly readAhead?: number | undefined
}

/** A web stream, or a function that opens it in the subtask that reads it. */
export type WebStreamInput<T> = WebStreamLike<T> | (() => WebStreamLike<T> | Promise<WebStreamLike<T>>)

/**
 * What a web stream gives: objects, bytes, or lines of UTF-8 text. A stream that is passed in is read in the thread that started
 * the job; a factory is called in the subtask that reads it.
 *
 * Chunks are read only when the job asks for them: beyond `readAhead` the stream holds what its own `highWaterMark` allows. The stream is cancelled when the
 * job stops or fails before its end, and its lock is given back in every case.
 *
 * @throws SLUICE_SOURCE_FAILED where the stream fails, or gives bytes and no format is named; SLUICE_PROTOCOL_BROKEN where somebody else holds its lock.
 * @example
 * job.source('lines', fromWebStream(async () => (await fetch('https://example.org/words.txt')).body!, { format: 'lines' }))
 */
export function fromWebStream(
  input: WebStreamInput<Uint8Array | string>,
  options: FromWebStreamOptions & { readonly format: 'lines' },
): Source<string>
export function fromWebStream(
  input: WebStreamInput<Uint8Array | string>,
  options: FromWebStreamOptions & { readonly format: 'bytes' },
): Source<Uint8Array>
export function fromWebStream<T>(
  input: WebStreamInput<T>,
  options?: FromWebStreamOptions & { readonly format?: 'objects' | undefined },
): Source<T>
export function fromWebStream(input: WebStreamInput<unknown>, options: FromWebStreamOptions = {}): Source<unknown> {
  checkOptions('fromWebStream', options, ['format', 'pinned', 'replayable', 'readAhead'])
  const { format = 'objects', pinned = false, replayable = false, readAhead } = options
  checkChoice('fromWebStream: format', format, ['objects', 'bytes', 'lines'])
  const bounds = planReadAhead('fromWebStream', readAhead, chunkBytesMax(format))
  const isFactory = typeof input === 'function'
  if (!isFactory && typeof (input as Partial<WebStreamLike<unknown>> | undefined)?.getReader !== 'function') {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', 'fromWebStream takes a ReadableStream or a function that returns one.')
  }
  if (replayable && !isFactory) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', 'fromWebStream: a stream that is passed in is read once, and cannot be replayable.', {
      hint: 'Pass a function that opens the stream.',
    })
  }
  return defineSource({
    open: async (_split, context) => {
      const chunks = iterateWebStream(isFactory ? await input() : input, context)
      return formatReader(new PullReader(chunks, context, bounds, 'stream'), format, context)
    },
    pinned: pinned || !isFactory,
    replayable,
    parallelismMax: { value: 1, because: 'a stream has one reader' },
    options: { type: 'webStream', format },
  })
}
