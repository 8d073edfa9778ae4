/**
 * A reader over an async iterable. A pump pulls values ahead into a bounded buffer, so that single values travel in batches
 * without a delay: a batch is what has arrived by the time the event loop has turned once. Runs in the thread of its subtask.
 */
import { SluiceError } from '@sluice/engine'

/** Values pulled ahead of the job. */
export const READ_AHEAD_MAX = 256

/** What the reader needs of a source's context. */
export interface PullContext {
  readonly operator: string
  readonly signal: AbortSignal
}

export class PullReader<T> {
  readonly #iterator: AsyncIterator<T> | Iterator<T>
  readonly #context: PullContext
  #values: T[] = []
  #ended = false
  #failure: { readonly error: unknown } | undefined
  /** Waits for a value, the end or a failure. */
  #reader: (() => void) | undefined
  /** Waits for room in the buffer. */
  #pump: (() => void) | undefined
  #started = false
  #wakeScheduled = false

  constructor(iterable: AsyncIterable<T> | Iterable<T>, context: PullContext) {
    this.#iterator = Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]()
    this.#context = context
  }

  next(): readonly T[] | undefined | Promise<readonly T[] | undefined> {
    if (!this.#started) {
      this.#started = true
      this.#context.signal.addEventListener('abort', this.#onAbort, { once: true })
      if (this.#context.signal.aborted) this.#onAbort()
      else void this.#pullAhead()
    }
    if (this.#values.length > 0) return this.#take()
    if (this.#failure !== undefined) throw this.#located(this.#failure.error)
    if (this.#ended) return undefined
    return new Promise<void>((resolve) => {
      this.#reader = resolve
    }).then(() => this.next())
  }

  /** Ends the iteration; what is under way in the iterable is not waited for, because it may never end. */
  close(): void {
    this.#context.signal.removeEventListener('abort', this.#onAbort)
    const finished = this.#ended
    this.#ended = true
    this.#wake()
    this.#pump?.()
    if (finished) return
    // A generator in the middle of an await queues its return behind it.
    void Promise.resolve(this.#iterator.return?.()).catch(() => undefined)
  }

  readonly #onAbort = (): void => {
    this.close()
  }

  #take(): readonly T[] {
    const values = this.#values
    this.#values = []
    this.#pump?.()
    return values
  }

  async #pullAhead(): Promise<void> {
    try {
      while (!this.#ended) {
        const result = await this.#iterator.next()
        if (this.#ended) return
        if (result.done === true) break
        this.#values.push(result.value)
        this.#wakeSoon()
        if (this.#values.length >= READ_AHEAD_MAX) {
          this.#wake()
          await new Promise<void>((resolve) => {
            this.#pump = resolve
          })
          this.#pump = undefined
        }
      }
    } catch (error) {
      if (!this.#ended) this.#failure = { error }
    }
    this.#ended = true
    this.#wake()
  }

  /** Values that are there already come along in the same batch. */
  #wakeSoon(): void {
    if (this.#wakeScheduled || this.#reader === undefined) return
    this.#wakeScheduled = true
    setImmediate(() => {
      this.#wakeScheduled = false
      this.#wake()
    })
  }

  #wake(): void {
    const reader = this.#reader
    this.#reader = undefined
    reader?.()
  }

  #located(error: unknown): SluiceError {
    if (error instanceof SluiceError) return error
    const operator = this.#context.operator
    const message = error instanceof Error ? error.message : String(error)
    return new SluiceError('SLUICE_SOURCE_FAILED', `Source ${operator} failed to read: ${message}`, { operator, cause: error })
  }
}
