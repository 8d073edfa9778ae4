/**
 * A reader over an async iterable that asks for no more than a batch: values are pulled while somebody waits for them, one after the other, until the batch is
 * full or the event loop has turned once. What is pulled beyond that is the one `next()` that was under way. Runs in the thread of its subtask.
 */
import { type BridgeContext, isThenable, messageOf, protocolBroken, sideFailed, warnOf } from '../bridge/protocol.js'
import { planReadAhead, type ReadAhead, sizeOfChunk } from '../bridge/read-ahead.js'

/** What the reader needs of a source's context. */
export interface PullContext extends BridgeContext {
  readonly signal: AbortSignal
}

export class PullReader<T> {
  readonly readsAhead: boolean
  readonly #iterator: AsyncIterator<T> | Iterator<T>
  readonly #context: PullContext
  readonly #bounds: ReadAhead
  /** What the iterator is to a reader of messages. */
  readonly #side: string
  #values: T[] = []
  #bytes = 0
  #ended = false
  #failure: { readonly error: unknown } | undefined
  /** Waits for a batch, the end or a failure. */
  #reader: (() => void) | undefined
  #started = false
  /** A `next()` of the iterator is under way. */
  #pulling = false
  #wakeScheduled = false
  #closing: Promise<void> | undefined

  constructor(
    iterable: AsyncIterable<T> | Iterable<T>,
    context: PullContext,
    bounds: ReadAhead = planReadAhead('source'),
    side = 'iterator',
  ) {
    this.#context = context
    this.#bounds = bounds
    this.#side = side
    this.readsAhead = bounds.ahead
    this.#iterator = this.#open(iterable)
  }

  next(): readonly T[] | undefined | Promise<readonly T[] | undefined> {
    if (!this.#started) {
      this.#started = true
      this.#context.signal.addEventListener('abort', this.#onAbort, { once: true })
      if (this.#context.signal.aborted) this.#onAbort()
    }
    if (this.#full) return this.#take()
    if (this.#ended) return this.#last()
    return new Promise<void>((resolve) => {
      this.#reader = resolve
      if (this.#values.length > 0) this.#wakeSoon()
      if (!this.#pulling) void this.#pull()
    }).then(() => (this.#values.length > 0 ? this.#take() : this.#last()))
  }

  /**
   * Ends the iteration. A `return()` that can run is waited for; one that queues behind a `next()` under way is not, because that may never end.
   */
  close(): void | Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#context.signal.removeEventListener('abort', this.#onAbort)
    const finished = this.#ended
    this.#ended = true
    this.#wake()
    if (finished) return
    const returning = (async () => this.#iterator.return?.())().catch((error: unknown) =>
      warnOf(this.#context, protocolBroken(this.#context, this.#side, `failed when it was ended: ${messageOf(error)}`, error)),
    )
    if (!this.#pulling) await returning
  }

  readonly #onAbort = (): void => {
    void this.close()
  }

  get #full(): boolean {
    return this.#values.length >= this.#bounds.batch || this.#bytes >= this.#bounds.bytesMax
  }

  #take(): readonly T[] {
    const values = this.#values
    this.#values = []
    this.#bytes = 0
    return values
  }

  /** What comes behind the last value. */
  #last(): readonly T[] | undefined {
    if (this.#values.length > 0) return this.#take()
    if (this.#failure !== undefined) throw sideFailed('SLUICE_SOURCE_FAILED', this.#context, this.#side, this.#failure.error)
    return undefined
  }

  async #pull(): Promise<void> {
    this.#pulling = true
    try {
      while (this.#reader !== undefined && !this.#full) {
        const result = await this.#settle(this.#iterator.next())
        if (this.#ended) break
        if (typeof result !== 'object' || result === null) {
          const given = result === null ? 'null' : typeof result
          throw protocolBroken(this.#context, this.#side, `gave ${given} from next(), and not { done, value }`)
        }
        const { done, value } = result as IteratorResult<T>
        if (done === true) {
          this.#ended = true
          break
        }
        this.#values.push(value)
        if (this.#bounds.bytesMax !== Number.POSITIVE_INFINITY) this.#bytes += sizeOfChunk(value)
        this.#wakeSoon()
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#pulling = false
    if (this.#ended || this.#full) this.#wake()
  }

  /** Only an object that is no real promise can settle twice. */
  #settle(result: unknown): unknown {
    if (result instanceof Promise || !isThenable(result)) return result
    return new Promise((resolve, reject) => {
      let settled = false
      const once =
        (settle: (value: unknown) => void) =>
        (value: unknown): void => {
          if (settled) this.#fail(protocolBroken(this.#context, this.#side, 'settled one call of next() twice'))
          settled = true
          settle(value)
        }
      result.then(once(resolve), once(reject))
    })
  }

  #fail(error: unknown): void {
    if (this.#ended) {
      // A `next()` that fails because it was ended says nothing new.
      if (this.#closing === undefined) warnOf(this.#context, sideFailed('SLUICE_SOURCE_FAILED', this.#context, this.#side, error))
      return
    }
    this.#failure = { error }
    this.#ended = true
    this.#wake()
  }

  /** Values that are there already come along in the same batch. */
  #wakeSoon(): void {
    if (this.#wakeScheduled || this.#reader === undefined) return
    this.#wakeScheduled = true
    setImmediate(() => {
      this.#wakeScheduled = false
      if (this.#values.length > 0) this.#wake()
    })
  }

  #wake(): void {
    const reader = this.#reader
    this.#reader = undefined
    reader?.()
  }

  #open(iterable: AsyncIterable<T> | Iterable<T>): AsyncIterator<T> | Iterator<T> {
    const given = iterable as Partial<AsyncIterable<T> & Iterable<T>> | null | undefined
    const make = given?.[Symbol.asyncIterator] ?? given?.[Symbol.iterator]
    if (typeof make !== 'function') {
      const what = given === null || given === undefined ? String(given) : 'an object without Symbol.asyncIterator and Symbol.iterator'
      throw protocolBroken(this.#context, 'function', `gave ${what}, and not an iterable`)
    }
    const iterator = (make as (this: unknown) => unknown).call(iterable) as Partial<AsyncIterator<T>> | null | undefined
    if (typeof iterator?.next !== 'function') throw protocolBroken(this.#context, 'iterable', 'gave an iterator without next()')
    return iterator as AsyncIterator<T>
  }
}
