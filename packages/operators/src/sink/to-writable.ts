/** Node streams as a sink: a socket, a compressor, an object-mode transform. */
import type { Writable } from 'node:stream'
import { SluiceError } from '@sluice/engine'
import { protocolBroken, streamFailed, warnOf } from '../bridge/protocol.js'
import { defineSink, type RecordWriter, type SinkWriteContext } from './define-sink.js'
import { PendingWrites } from './pending-writes.js'
import type { Sink } from './sink.js'
import { StreamChunks } from './stream-chunks.js'

/** A stream, or a function that opens one in each subtask. */
export type WritableOutput = Writable | (() => Writable | Promise<Writable>)

/**
 * Writes records to a Node stream, as fast as it drains. A stream in object mode gets the records; any other gets text and bytes as they
 * are and everything else as JSON lines. A stream that is passed in is written to in the thread that started the job, by one
 * subtask; a factory is called in each subtask. Nothing is written while the stream is full: the job waits until it drains. It is ended after the last record
 * (standard output and error are not), and destroyed where the job fails.
 *
 * At least once: a checkpoint waits until everything has left the stream's own buffer; after a restore, what was written behind it comes again.
 *
 * @throws SLUICE_SINK_FAILED where the stream fails; the cause is kept. SLUICE_PROTOCOL_BROKEN where it calls the callback of a write twice. SLUICE_JSON_UNSUPPORTED
 * as `toJsonLines`.
 * @example
 * stream.sink('out', toWritable(() => createWriteStream('out.txt')))
 */
export function toWritable<T>(output: WritableOutput): Sink<T> {
  const isFactory = typeof output === 'function'
  if (!isFactory && typeof (output as Partial<Writable> | undefined)?.write !== 'function') {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', 'toWritable takes a writable stream or a function that returns one.')
  }
  return defineSink<T>({
    open: async (context) => new WritableWriter(isFactory ? await output() : output, context),
    parallelismMax: isFactory ? undefined : { value: 1, because: 'a stream that is passed in has one writer' },
    pinned: !isFactory,
    options: { type: 'writable' },
  })
}

class WritableWriter implements RecordWriter<unknown> {
  readonly #stream: Writable
  readonly #context: SinkWriteContext
  readonly #chunks: StreamChunks
  readonly #isStandard: boolean
  readonly #pending = new PendingWrites()
  #failure: SluiceError | undefined
  #finishing = false
  #finished = false
  #closed = false
  /** Told when the stream drains, closes or fails. */
  #waiter: (() => void) | undefined

  constructor(stream: Writable, context: SinkWriteContext) {
    const { write, end, on } = (stream ?? {}) as Partial<Writable>
    if (typeof write !== 'function' || typeof end !== 'function' || typeof on !== 'function')
      throw protocolBroken(context, 'function', 'gave something else than a writable stream')
    this.#stream = stream
    this.#context = context
    this.#chunks = new StreamChunks(context)
    this.#isStandard = stream === process.stdout || stream === process.stderr
    stream.on('error', this.#onError)
    stream.on('drain', this.#wake)
    stream.on('close', this.#onClose)
    if (stream.errored != null) this.#onError(stream.errored)
    else if (stream.destroyed) this.#onClose()
  }

  write(records: readonly unknown[]): void | Promise<void> {
    return this.#writeAll(records)
  }

  /** The stream keeps a buffer of its own: what is in there is written nowhere yet. */
  durable(): void | Promise<void> {
    this.#check()
    return this.#pending.settled()
  }

  async finish(): Promise<void> {
    this.#check()
    if (this.#isStandard) {
      this.#finished = true
      return
    }
    this.#finishing = true
    await new Promise<void>((resolve) => {
      this.#waiter = resolve
      this.#stream.end(() => this.#wake())
    })
    this.#finished = true
    this.#check()
  }

  close(): void {
    this.#closed = true
    this.#stream.off('drain', this.#wake)
    this.#stream.off('close', this.#onClose)
    // The error listener stays: a stream that fails late must not end the process.
    if (this.#finished || this.#isStandard) return
    const { operator } = this.#context
    this.#stream.destroy(
      new SluiceError('SLUICE_INTERRUPTED', `The job ended before the stream of ${operator} was at its end.`, { operator }),
    )
  }

  #writeAll(records: readonly unknown[]): void | Promise<void> {
    this.#check()
    const stream = this.#stream
    const last = records.length - 1
    for (let index = 0; index <= last; index++) {
      const record = records[index]
      const chunk = stream.writableObjectMode ? record : this.#chunks.textOf(record)
      if (index === last) this.#pending.give()
      if (index === last ? stream.write(chunk, this.#onTaken) : stream.write(chunk)) continue
      const rest = records.slice(index + 1)
      return this.#drained().then(() => this.#writeAll(rest))
    }
    this.#check()
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  #drained(): Promise<void> {
    if (this.#failure !== undefined || !this.#stream.writableNeedDrain) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiter = resolve
    })
  }

  readonly #wake = (): void => {
    const waiter = this.#waiter
    this.#waiter = undefined
    waiter?.()
  }

  /** The last chunk of a batch left the stream's buffer. */
  readonly #onTaken = (error: Error | null | undefined): void => {
    if (error != null) this.#onError(error)
    else this.#pending.take()
  }

  readonly #onError = (error: Error): void => {
    const failure = streamFailed('SLUICE_SINK_FAILED', this.#context, error)
    if (this.#closed) {
      // What the job destroyed it with comes back, and what was under way fails with that: nobody has to hear of it.
      if (this.#finished) warnOf(this.#context, failure)
      return
    }
    if (this.#failure !== undefined) return
    this.#failure = failure
    this.#pending.fail(failure)
    // A call that is under way fails by itself.
    if (this.#waiter === undefined) this.#context.fail(failure)
    this.#wake()
  }

  readonly #onClose = (): void => {
    const { writableFinished } = this.#stream as Partial<Writable>
    if (this.#finishing ? writableFinished === false : !this.#finished) this.#onError(new Error('the stream was closed'))
    else this.#wake()
  }
}
