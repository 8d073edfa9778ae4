/** Node streams: standard input, files, sockets, transforms. */
import type { Readable } from 'node:stream'
import { SluiceError } from '@sluice/engine'
import { planReadAhead } from '../bridge/read-ahead.js'
import { checkChoice, checkOptions } from '../options/check-options.js'
import { defineSource } from './define-source.js'
import { ReadableReader } from './readable-reader.js'
import type { Source } from './source.js'
import { chunkBytesMax, formatReader, type StreamFormat } from './stream-format.js'

export interface FromReadableOptions {
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

/** A stream, or a function that opens it in the subtask that reads it. */
export type ReadableInput = Readable | (() => Readable | Promise<Readable>)

/**
 * What a Node stream gives: objects, bytes, or lines of UTF-8 text. A stream that is passed in (such as `process.stdin`) is read in
 * the thread that started the job; a factory is called in the subtask that reads it.
 *
 * Chunks leave the stream's own buffer only when the job asks for them: beyond `readAhead` the stream holds what its `highWaterMark` allows. It is destroyed at
 * its end, and when the job stops or fails.
 *
 * @throws SLUICE_SOURCE_FAILED where the stream fails, is closed before its end, or gives bytes and no format is named; SLUICE_PROTOCOL_BROKEN where it gives
 * a chunk after its end.
 * @example
 * job.source('lines', fromReadable(process.stdin, { format: 'lines' }))
 */
export function fromReadable(input: ReadableInput, options: FromReadableOptions & { readonly format: 'lines' }): Source<string>
export function fromReadable(input: ReadableInput, options: FromReadableOptions & { readonly format: 'bytes' }): Source<Uint8Array>
export function fromReadable<T = unknown>(
  input: ReadableInput,
  options?: FromReadableOptions & { readonly format?: 'objects' | undefined },
): Source<T>
export function fromReadable(input: ReadableInput, options: FromReadableOptions = {}): Source<unknown> {
  checkOptions('fromReadable', options, ['format', 'pinned', 'replayable', 'readAhead'])
  const { format = 'objects', pinned = false, replayable = false, readAhead } = options
  checkChoice('fromReadable: format', format, ['objects', 'bytes', 'lines'])
  const bounds = planReadAhead('fromReadable', readAhead, chunkBytesMax(format))
  const isFactory = typeof input === 'function'
  if (!isFactory && typeof (input as Partial<Readable> | undefined)?.pipe !== 'function') {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', 'fromReadable takes a readable stream or a function that returns one.')
  }
  if (replayable && !isFactory) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', 'fromReadable: a stream that is passed in is read once, and cannot be replayable.', {
      hint: 'Pass a function that opens the stream.',
    })
  }
  return defineSource({
    open: async (_split, context) => formatReader(new ReadableReader(isFactory ? await input() : input, context, bounds), format, context),
    pinned: pinned || !isFactory,
    replayable,
    parallelismMax: { value: 1, because: 'a stream has one reader' },
    options: { type: 'readable', format },
  })
}
