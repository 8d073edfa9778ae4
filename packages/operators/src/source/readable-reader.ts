/**
 * A reader over a Node stream in paused mode: it takes chunks out of the stream's buffer only while somebody waits for a batch, so that beyond a batch the stream
 * holds what its highWaterMark allows and no more. The stream is destroyed in every case. Runs in the thread of its subtask.
 */
import type { Readable } from 'node:stream'
import { protocolBroken, streamFailed, warnOf } from '../bridge/protocol.js'
import { type ReadAhead, sizeOfChunk } from '../bridge/read-ahead.js'
import type { SourceReader } from './define-source.js'
import type { PullContext } from './pull-reader.js'

export class ReadableReader implements SourceReader<unknown> {
  readonly readsAhead: boolean
  readonly #stream: Readable
  readonly #context: PullContext
  readonly #bounds: ReadAhead
  #chunks: unknown[] = []
  #bytes = 0
  #started = false
  #ended = false
  #closed = false
  #failure: { readonly error: unknown } | undefined
  #reader: (() => void) | undefined
  #wakeScheduled = false

  constructor(stream: Readable, context: PullContext, bounds: ReadAhead) {
    const { read, on, destroy } = (stream ?? {}) as Partial<Readable>
    if (typeof read !== 'function' || typeof on !== 'function' || typeof destroy !== 'function')
      throw protocolBroken(context, 'function', 'gave something else than a readable stream')
    this.#stream = stream
    this.#context = context
    this.#bounds = bounds
    this.readsAhead = bounds.ahead
    // From here on: a stream that fails before it is read must not end the process.
    stream.on('error', this.#onError)
    if (stream.errored != null) this.#failure = { error: stream.errored }
    else if (stream.readableEnded) this.#ended = true
    else if (stream.destroyed) this.#onClose()
  }

  next(): readonly unknown[] | undefined | Promise<readonly unknown[] | undefined> {
    if (!this.#started) this.#start()
    this.#drain()
    if (this.#full) return this.#take()
    if (this.#settled) return this.#last()
    return new Promise<void>((resolve) => {
      this.#reader = resolve
      if (this.#chunks.length > 0) this.#wakeSoon()
    }).then(() => (this.#chunks.length > 0 ? this.#take() : this.#last()))
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    const stream = this.#stream
    this.#context.signal.removeEventListener('abort', this.#onAbort)
    stream.off('readable', this.#onReadable)
    stream.off('end', this.#onEnd)
    stream.off('close', this.#onClose)
    this.#ended = true
    this.#wake()
    stream.destroy()
  }

  #start(): void {
    this.#started = true
    this.#context.signal.addEventListener('abort', this.#onAbort, { once: true })
    if (this.#context.signal.aborted) {
      this.close()
      return
    }
    this.#stream.on('end', this.#onEnd)
    this.#stream.on('close', this.#onClose)
    this.#stream.on('readable', this.#onReadable)
  }

  get #full(): boolean {
    return this.#chunks.length >= this.#bounds.batch || this.#bytes >= this.#bounds.bytesMax
  }

  get #settled(): boolean {
    return this.#ended || this.#failure !== undefined
  }

  /** Moves what the stream has into the batch, up to the bounds. */
  #drain(): void {
    while (!this.#settled && !this.#full) {
      const chunk: unknown = this.#stream.read()
      if (chunk === null) return
      this.#chunks.push(chunk)
      if (this.#bounds.bytesMax !== Number.POSITIVE_INFINITY) this.#bytes += sizeOfChunk(chunk)
    }
  }

  #take(): readonly unknown[] {
    const chunks = this.#chunks
    this.#chunks = []
    this.#bytes = 0
    return chunks
  }

  #last(): readonly unknown[] | undefined {
    if (this.#chunks.length > 0) return this.#take()
    if (this.#failure !== undefined) throw streamFailed('SLUICE_SOURCE_FAILED', this.#context, this.#failure.error)
    return undefined
  }

  readonly #onAbort = (): void => {
    this.close()
  }

  readonly #onReadable = (): void => {
    if (this.#reader === undefined) return
    this.#drain()
    if (this.#full) this.#wake()
    else if (this.#chunks.length > 0) this.#wakeSoon()
  }

  readonly #onEnd = (): void => {
    this.#ended = true
    this.#wake()
  }

  readonly #onClose = (): void => {
    if (!this.#settled) this.#failure = { error: new Error('it was closed before its end') }
    this.#wake()
  }

  readonly #onError = (error: unknown): void => {
    if (this.#closed || this.#ended) {
      warnOf(this.#context, streamFailed('SLUICE_SOURCE_FAILED', this.#context, error))
      return
    }
    this.#failure ??= { error }
    this.#wake()
  }

  /** Chunks that come within one turn of the event loop travel together. */
  #wakeSoon(): void {
    if (this.#wakeScheduled) return
    this.#wakeScheduled = true
    setImmediate(() => {
      this.#wakeScheduled = false
      if (this.#chunks.length > 0) this.#wake()
    })
  }

  #wake(): void {
    const reader = this.#reader
    this.#reader = undefined
    reader?.()
  }
}
