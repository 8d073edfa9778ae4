/** Web streams as a sink: a TransformStream, the writable side of a socket. */
import { SluiceError } from '@sluice/engine'
import { protocolBroken, sideFailed } from '../bridge/protocol.js'
import { released } from '../bridge/release.js'
import { defineSink, type RecordWriter, type SinkWriteContext } from './define-sink.js'
import { PendingWrites } from './pending-writes.js'
import type { Sink } from './sink.js'
import { CHUNK_RECORDS, formatOf, StreamChunks, type ToStreamOptions } from './stream-chunks.js'

/** The global WritableStream and that of `node:stream/web`, whichever types a project loads. */
export interface WritableStreamLike<in T> {
  readonly locked: boolean
  getWriter(): {
    readonly closed: Promise<unknown>
    readonly ready: Promise<unknown>
    readonly desiredSize: number | null
    write(chunk: T): Promise<unknown>
    close(): Promise<unknown>
    abort(reason?: unknown): Promise<unknown>
    releaseLock(): void
  }
}

/** A web stream, or a function that opens one in each subtask. */
export type WebStreamOutput<T> = WritableStreamLike<T> | (() => WritableStreamLike<T> | Promise<WritableStreamLike<T>>)

/**
 * Writes records to a web stream. Nothing is written while the stream wants nothing (`desiredSize` of 0 or less): the job waits until it is `ready`. With
 * `format: 'bytes'` the stream gets text and bytes as they are and everything else as JSON lines, up to 256 records a chunk. A stream that is passed in is
 * written to in the thread that started the job, by one subtask; a factory is called in each subtask. The stream is closed after the last record, and aborted
 * with the error where the job fails; its lock is given back in every case.
 *
 * At least once: a checkpoint waits until the stream has taken every chunk; after a restore, what was written behind it comes again.
 *
 * @throws SLUICE_SINK_FAILED where the stream fails; the cause is kept. SLUICE_PROTOCOL_BROKEN where somebody else holds its lock. SLUICE_JSON_UNSUPPORTED as
 * `toJsonLines`.
 * @example
 * const seen: unknown[] = []
 * stream.sink('out', toWebStream(() => new WritableStream({ write: (order) => void seen.push(order) })))
 */
export function toWebStream<T>(output: WebStreamOutput<Uint8Array>, options: ToStreamOptions & { readonly format: 'bytes' }): Sink<T>
export function toWebStream<T>(output: WebStreamOutput<T>, options?: ToStreamOptions & { readonly format?: 'objects' | undefined }): Sink<T>
export function toWebStream<T>(output: WebStreamOutput<never>, options: ToStreamOptions = {}): Sink<T> {
  const format = formatOf('toWebStream', options)
  const isFactory = typeof output === 'function'
  if (!isFactory && typeof (output as Partial<WritableStreamLike<T>> | undefined)?.getWriter !== 'function')
    throw new SluiceError('SLUICE_OPTIONS_INVALID', 'toWebStream takes a WritableStream or a function that returns one.')
  return defineSink<T>({
    open: async (context) =>
      new WebStreamWriter(isFactory ? await output() : output, format === 'bytes' ? new StreamChunks(context) : undefined, context),
    parallelismMax: isFactory ? undefined : { value: 1, because: 'a stream that is passed in has one writer' },
    pinned: !isFactory,
    options: { type: 'webStream', format },
  })
}

type StreamWriter = ReturnType<WritableStreamLike<unknown>['getWriter']>

class WebStreamWriter implements RecordWriter<unknown> {
  readonly #context: SinkWriteContext
  readonly #writer: StreamWriter
  readonly #chunks: StreamChunks | undefined
  readonly #pending = new PendingWrites()
  #failure: SluiceError | undefined
  #finished = false
  #closing = false

  constructor(stream: WritableStreamLike<never>, chunks: StreamChunks | undefined, context: SinkWriteContext) {
    const given = stream as Partial<WritableStreamLike<never>> | null | undefined
    if (typeof given?.getWriter !== 'function') throw protocolBroken(context, 'function', 'gave something else than a WritableStream')
    if (given.locked === true) throw protocolBroken(context, 'stream', 'is locked: somebody else writes to it')
    this.#context = context
    this.#chunks = chunks
    this.#writer = given.getWriter()
    this.#writer.closed.then(
      () => {
        if (!this.#closing) this.#fail(new Error('it was closed'))
      },
      (error: unknown) => this.#fail(error),
    )
    // Whoever waits for it hears of the failure by `closed` too.
    this.#writer.ready.catch(() => undefined)
  }

  write(records: readonly unknown[]): void | Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const step = this.#chunks === undefined ? 1 : CHUNK_RECORDS
    for (let at = 0; at < records.length; at += step) {
      if (!this.#wants) return this.#writeSlowly(records.slice(at), step)
      this.#give(records, at, step)
    }
  }

  durable(): void | Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    return this.#pending.settled()
  }

  async finish(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    this.#closing = true
    try {
      await this.#writer.close()
    } catch (error) {
      throw this.#failure ?? sideFailed('SLUICE_SINK_FAILED', this.#context, 'stream', error)
    }
    this.#finished = true
  }

  async close(): Promise<void> {
    try {
      if (!this.#finished && this.#failure === undefined) {
        this.#closing = true
        const { operator } = this.#context
        // A write that is under way comes first, and may never end.
        await released(
          this.#writer.abort(
            new SluiceError('SLUICE_INTERRUPTED', `The job ended before the stream of ${operator} was at its end.`, { operator }),
          ),
        )
      }
    } finally {
      this.#writer.releaseLock()
    }
  }

  get #wants(): boolean {
    const { desiredSize } = this.#writer
    return desiredSize !== null && desiredSize > 0
  }

  async #writeSlowly(records: readonly unknown[], step: number): Promise<void> {
    for (let at = 0; at < records.length; at += step) {
      while (!this.#wants) {
        try {
          await this.#writer.ready
        } catch (error) {
          throw this.#failure ?? sideFailed('SLUICE_SINK_FAILED', this.#context, 'stream', error)
        }
        if (this.#failure !== undefined) throw this.#failure
      }
      this.#give(records, at, step)
    }
  }

  #give(records: readonly unknown[], at: number, step: number): void {
    const chunk = this.#chunks === undefined ? records[at] : this.#chunks.join(records.slice(at, at + step))
    this.#pending.give()
    this.#writer.write(chunk).then(
      () => this.#pending.take(),
      (error: unknown) => this.#fail(error),
    )
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined || this.#finished || this.#closing) return
    this.#failure = sideFailed('SLUICE_SINK_FAILED', this.#context, 'stream', error)
    this.#pending.fail(this.#failure)
    this.#context.fail(this.#failure)
  }
}
