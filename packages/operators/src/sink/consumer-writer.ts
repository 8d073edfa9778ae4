/**
 * The writer of sinks that give a stream to a function of the user: the function pulls, and is waited for at the end. It has done its part when it returns behind the
 * end of the stream; before that its return is a failure. Runs in the thread of its subtask.
 */
import { SluiceError } from '@sluice/engine'
import { protocolBroken, sideFailed } from '../bridge/protocol.js'
import { released } from '../bridge/release.js'
import type { Context } from '../operator/contexts.js'
import type { RecordWriter, SinkWriteContext } from './define-sink.js'
import { PulledRecords } from './pulled-records.js'

/** What a function that is given a stream knows of the world. */
export interface ConsumerContext extends Context {
  /** Aborted when the job fails; a stop lets the stream come to its end. */
  readonly signal: AbortSignal
}

/** The stream as the function sees it. */
export interface Consumed {
  /** The job has failed: the stream fails. */
  fail(error: SluiceError): void
}

/** Makes the stream that the function is given, and calls the function with it. `abandoned`: to be called where the consumer wants no more. */
export type StartConsumer<T> = (
  records: PulledRecords<T>,
  abandoned: (cause: unknown) => void,
) => { readonly stream: Consumed; readonly result: unknown }

export class ConsumerWriter<T> implements RecordWriter<T> {
  readonly #context: SinkWriteContext
  readonly #records: PulledRecords<T>
  readonly #stream: Consumed
  /** Settles when the function has returned, whatever it did. */
  readonly #done: Promise<void>
  #returned = false
  #finished = false
  #failure: SluiceError | undefined

  /** `pullsAhead`: see `PulledRecords`. */
  constructor(start: StartConsumer<T>, context: SinkWriteContext, pullsAhead = 0) {
    this.#context = context
    this.#records = new PulledRecords(
      () => protocolBroken(context, 'function', 'asks for a record while it waits for one: records are pulled one after the other'),
      pullsAhead,
    )
    const { stream, result } = start(this.#records, (cause) => this.#abandoned(cause))
    this.#stream = stream
    this.#done = (async () => result)().then(
      () => this.#onReturn(),
      (error: unknown) => {
        this.#returned = true
        this.#fail(sideFailed('SLUICE_SINK_FAILED', context, 'function', error))
      },
    )
  }

  write(records: readonly T[]): void | Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    return this.#records.write(records)
  }

  unwritten(): readonly T[] {
    return this.#records.unwritten()
  }

  async finish(): Promise<void> {
    this.#records.end()
    await this.#done
    if (this.#failure !== undefined) throw this.#failure
    this.#finished = true
    this.#records.done()
  }

  async close(): Promise<void> {
    if (this.#finished) return
    const { operator } = this.#context
    const error = new SluiceError('SLUICE_INTERRUPTED', `The job ended before the stream of ${operator} was at its end.`, { operator })
    this.#failure ??= error
    this.#records.fail(error)
    // Also where the function has returned: what it left behind may hold the stream still.
    this.#stream.fail(error)
    await released(this.#done)
  }

  #onReturn(): void {
    this.#returned = true
    if (!this.#records.endSeen) this.#fail(this.#tooEarly(undefined))
  }

  /** What the function itself says of it comes first, if it says it within a turn of the event loop. */
  #abandoned(cause: unknown): void {
    if (this.#records.endSeen) return
    setImmediate(() => {
      if (!this.#returned) this.#fail(this.#tooEarly(cause))
    })
  }

  #tooEarly(cause: unknown): SluiceError {
    const { operator } = this.#context
    if (cause instanceof SluiceError) return cause
    const because = cause instanceof Error ? `: ${cause.message}` : ''
    return new SluiceError('SLUICE_SINK_FAILED', `The function of ${operator} stopped reading before the end of its stream${because}.`, {
      operator,
      cause,
      hint: 'Read the stream to its end, also where the records are not needed any more; what shall not be written is filtered out in front of the sink.',
    })
  }

  #fail(error: SluiceError): void {
    if (this.#failure !== undefined || this.#finished) return
    this.#failure = error
    this.#context.fail(error)
  }
}
