/** A function that is given a web stream as a sink: the body of a request, `pipeThrough(new CompressionStream('gzip'))`. */
import { checkFunction } from '../options/check-options.js'
import { type Consumed, type ConsumerContext, ConsumerWriter } from './consumer-writer.js'
import { defineSink } from './define-sink.js'
import type { PulledRecords } from './pulled-records.js'
import type { Sink } from './sink.js'
import { CHUNK_RECORDS, formatOf, StreamChunks, type ToStreamOptions } from './stream-chunks.js'
import { callWith } from './to-async-iterable.js'

/**
 * Gives the records to a function as a web `ReadableStream`. The function is called once in each subtask, and waited for at the end. The stream holds nothing:
 * a record, or with `format: 'bytes'` a chunk of up to 256 records, is made when it is read. When the job fails, the stream fails with the error.
 *
 * At least once, as far as the stream: a record counts as written when the next one is read. What streams behind it hold when the process dies is theirs.
 *
 * @throws SLUICE_SINK_FAILED where the function throws, or the stream is cancelled before its end. SLUICE_JSON_UNSUPPORTED as `toJsonLines`.
 * @example
 * stream.sink('upload', toWebReadable(async (body) => {
 *   await fetch('https://example.org/orders', { method: 'PUT', body, duplex: 'half' } as RequestInit)
 * }, { format: 'bytes' }))
 */
export function toWebReadable<T>(
  fn: (stream: ReadableStream<Uint8Array>, context: ConsumerContext) => PromiseLike<unknown>,
  options: ToStreamOptions & { readonly format: 'bytes' },
): Sink<T>
export function toWebReadable<T>(
  fn: (stream: ReadableStream<T>, context: ConsumerContext) => PromiseLike<unknown>,
  options?: ToStreamOptions & { readonly format?: 'objects' | undefined },
): Sink<T>
export function toWebReadable<T>(
  fn: (stream: ReadableStream<never>, context: ConsumerContext) => PromiseLike<unknown>,
  options: ToStreamOptions = {},
): Sink<T> {
  checkFunction('toWebReadable', fn)
  const format = formatOf('toWebReadable', options)
  return defineSink<T>({
    open: (context) =>
      new ConsumerWriter((records, abandoned) => {
        const chunks = format === 'bytes' ? new StreamChunks(context) : undefined
        const source = new RecordStream(records, chunks, abandoned)
        // Nothing is made ahead: a pull comes where somebody reads.
        const stream = new ReadableStream<never>(source, { highWaterMark: 0 })
        return { stream: source, result: callWith(() => fn(stream, context)) }
      }, context),
    options: { type: 'webReadable', format },
  })
}

/** What a web stream asks for its chunks. */
class RecordStream implements Consumed {
  readonly #records: PulledRecords<unknown>
  readonly #chunks: StreamChunks | undefined
  readonly #abandoned: (cause: unknown) => void
  #controller: ReadableStreamDefaultController<unknown> | undefined

  constructor(records: PulledRecords<unknown>, chunks: StreamChunks | undefined, abandoned: (cause: unknown) => void) {
    this.#records = records
    this.#chunks = chunks
    this.#abandoned = abandoned
  }

  start(controller: ReadableStreamDefaultController<unknown>): void {
    this.#controller = controller
  }

  async pull(controller: ReadableStreamDefaultController<unknown>): Promise<void> {
    try {
      const records = await this.#records.pull(this.#chunks === undefined ? 1 : CHUNK_RECORDS)
      if (records !== undefined) controller.enqueue(this.#chunks === undefined ? records[0] : this.#chunks.join(records))
      else if (this.#records.endSeen) controller.close()
    } catch (error) {
      this.#abandoned(error)
      throw error
    }
  }

  cancel(reason: unknown): void {
    this.#records.cancel()
    this.#abandoned(reason)
  }

  fail(error: Error): void {
    this.#controller?.error(error)
  }
}
