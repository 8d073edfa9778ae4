/** A function that is given a Node stream as a sink: for `pipeline(readable, createGzip(), createWriteStream(...))`. */
import { Readable } from 'node:stream'
import { SluiceError } from '@sluice/engine'
import type { BridgeContext } from '../bridge/protocol.js'
import { checkFunction } from '../options/check-options.js'
import { type ConsumerContext, ConsumerWriter } from './consumer-writer.js'
import { defineSink } from './define-sink.js'
import type { PulledRecords } from './pulled-records.js'
import type { Sink } from './sink.js'
import { CHUNK_RECORDS, formatOf, StreamChunks, type ToStreamOptions } from './stream-chunks.js'
import { callWith } from './to-async-iterable.js'

/**
 * Gives the records to a function as a Node `Readable`, for streams that end elsewhere. The function is called once in each subtask, and waited for at the end.
 * The stream holds one record, or with `format: 'bytes'` one chunk of up to 256 records, and asks for the next when that has left it. When the job fails, it
 * is destroyed with the error.
 *
 * At least once, as far as the stream: a record counts as written when it has left the stream. What streams behind it hold when the process dies is theirs.
 *
 * @throws SLUICE_SINK_FAILED where the function throws, or the stream is destroyed before its end. SLUICE_JSON_UNSUPPORTED as `toJsonLines`.
 * @example
 * import { pipeline } from 'node:stream/promises'
 * import { createGzip } from 'node:zlib'
 *
 * stream.sink('out', toReadable((lines) => pipeline(lines, createGzip(), createWriteStream('out.jsonl.gz')), { format: 'bytes' }))
 */
export function toReadable<T>(
  fn: (readable: Readable, context: ConsumerContext) => PromiseLike<unknown>,
  options: ToStreamOptions = {},
): Sink<T> {
  checkFunction('toReadable', fn)
  const format = formatOf('toReadable', options)
  return defineSink<T>({
    open: (context) =>
      new ConsumerWriter(
        (records, abandoned) => {
          const chunks = format === 'bytes' ? new StreamChunks(context) : undefined
          const stream = new RecordReadable(records, chunks, abandoned, context)
          return { stream, result: callWith(() => fn(stream, context)) }
        },
        context,
        1,
      ),
    options: { type: 'readable', format },
  })
}

/** Holds one chunk. It is asked for the next while it gives that one away, so that pulls are one ahead of who reads. */
class RecordReadable extends Readable {
  readonly #records: PulledRecords<unknown>
  readonly #chunks: StreamChunks | undefined
  readonly #abandoned: (cause: unknown) => void
  readonly #context: BridgeContext

  constructor(
    records: PulledRecords<unknown>,
    chunks: StreamChunks | undefined,
    abandoned: (cause: unknown) => void,
    context: BridgeContext,
  ) {
    super({ objectMode: chunks === undefined, highWaterMark: 1 })
    this.#records = records
    this.#chunks = chunks
    this.#abandoned = abandoned
    this.#context = context
    // Whoever reads may listen or not: the job knows of it anyway, and an error without a listener would end the process.
    this.on('error', () => undefined)
  }

  fail(error: Error): void {
    this.destroy(error)
  }

  override _read(): void {
    this.#records.pull(this.#chunks === undefined ? 1 : CHUNK_RECORDS).then(
      (records) => this.#give(records),
      (error: Error) => this.destroy(error),
    )
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#records.endSeen) {
      this.#records.cancel()
      this.#abandoned(error ?? undefined)
    }
    done(error)
  }

  #give(records: readonly unknown[] | undefined): void {
    if (this.destroyed) return
    if (records === undefined) {
      this.push(null)
      return
    }
    try {
      const chunk = this.#chunks === undefined ? records[0] : this.#chunks.join(records)
      if (chunk === null) throw nullRecord(this.#context)
      this.push(chunk)
    } catch (error) {
      this.destroy(error as Error)
    }
  }
}

function nullRecord({ operator }: BridgeContext): SluiceError {
  return new SluiceError('SLUICE_SINK_FAILED', `${operator} got null as a record, which would be the end of a Node stream of objects.`, {
    operator,
    hint: "Filter or wrap it in front of the sink, or use toAsyncIterable, toWebReadable, or format: 'bytes'.",
  })
}
