/** Node streams as a sink: a socket, a compressor, an object-mode transform. */
import type { Writable } from 'node:stream'
import { SluiceError } from '@sluice/engine'
import { defineSink, type RecordWriter, type SinkWriteContext } from './define-sink.js'
import { JsonText } from './json-text.js'
import type { Sink } from './sink.js'
import { countNonFinite } from './to-json-lines.js'

/** A stream, or a function that opens one in each subtask. */
export type WritableOutput = Writable | (() => Writable | Promise<Writable>)

/**
 * Writes records to a Node stream, as fast as it drains. A stream in object mode gets the records; any other gets text and bytes as they
 * are and everything else as JSON lines. A stream that is passed in is written to in the thread that started the job, by one
 * subtask; a factory is called in each subtask. The stream is ended after the last record (standard output and error are not),
 * and destroyed where the job fails.
 *
 * At least once: a checkpoint waits until everything has left the stream's own buffer; after a restore, what was written behind it comes again.
 *
 * @throws SLUICE_SINK_FAILED where the stream fails; the cause is kept. SLUICE_JSON_UNSUPPORTED as `toJsonLines`.
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
  readonly #json = new JsonText()
  readonly #isStandard: boolean
  #counted = 0
  #failure: Error | undefined
  #finished = false
  /** Batches given to the stream to their end, and those of them that have left its buffer. */
  #given = 0
  #taken = 0
  #takenWaiters: { readonly until: number; readonly resolve: () => void; readonly reject: (error: Error) => void }[] = []
  /** Told when the stream drains, closes or fails. */
  #waiter: (() => void) | undefined

  constructor(stream: Writable, context: SinkWriteContext) {
    this.#stream = stream
    this.#context = context
    this.#isStandard = stream === process.stdout || stream === process.stderr
    stream.on('error', this.#onError)
    stream.on('drain', this.#wake)
    stream.on('close', this.#onClose)
    if (stream.errored != null) this.#failure = stream.errored
  }

  write(records: readonly unknown[]): void | Promise<void> {
    return this.#writeAll(records)
  }

  /** The stream keeps a buffer of its own: what is in there is written nowhere yet. */
  durable(): void | Promise<void> {
    if (this.#failure !== undefined) throw this.#located()
    const until = this.#given
    if (this.#taken >= until) return undefined
    return new Promise((resolve, reject) => {
      this.#takenWaiters.push({ until, resolve, reject })
    })
  }

  async finish(): Promise<void> {
    if (this.#failure !== undefined) throw this.#located()
    this.#finished = true
    if (this.#isStandard) return
    await new Promise<void>((resolve) => {
      this.#waiter = resolve
      this.#stream.end(() => this.#wake())
    })
    if (this.#failure !== undefined) throw this.#located()
  }

  close(): void {
    this.#stream.off('drain', this.#wake)
    this.#stream.off('close', this.#onClose)
    // The error listener stays: a stream that fails late must not end the process.
    if (!this.#finished && !this.#isStandard) this.#stream.destroy()
  }

  #writeAll(records: readonly unknown[]): void | Promise<void> {
    if (this.#failure !== undefined) throw this.#located()
    const stream = this.#stream
    const last = records.length - 1
    for (let index = 0; index <= last; index++) {
      const chunk = this.#chunk(records[index])
      if (index === last) this.#given++
      if (index === last ? stream.write(chunk, this.#onTaken) : stream.write(chunk)) continue
      const rest = records.slice(index + 1)
      return this.#drained().then(() => this.#writeAll(rest))
    }
    if (this.#failure !== undefined) throw this.#located()
  }

  #chunk(record: unknown): unknown {
    if (this.#stream.writableObjectMode || typeof record === 'string' || record instanceof Uint8Array) return record
    const text = `${this.#json.stringify(record)}\n`
    if (this.#json.nonFinite !== this.#counted) this.#counted = countNonFinite(this.#context, this.#json.nonFinite, this.#counted)
    return text
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
    if (error != null) this.#failure ??= error
    this.#taken++
    this.#tellTaken()
  }

  #tellTaken(): void {
    if (this.#takenWaiters.length === 0) return
    this.#takenWaiters = this.#takenWaiters.filter(({ until, resolve, reject }) => {
      if (this.#failure !== undefined) reject(this.#located())
      else if (this.#taken < until) return true
      else resolve()
      return false
    })
  }

  readonly #onError = (error: Error): void => {
    this.#failure ??= error
    this.#tellTaken()
    this.#wake()
  }

  readonly #onClose = (): void => {
    if (!this.#finished) this.#failure ??= new Error('the stream was closed')
    this.#tellTaken()
    this.#wake()
  }

  #located(): SluiceError {
    const { operator } = this.#context
    return new SluiceError('SLUICE_SINK_FAILED', `The stream of ${operator} failed: ${this.#failure?.message}`, {
      operator,
      cause: this.#failure,
    })
  }
}
