/**
 * What a handler gives that is no array, such as a generator: its code goes on whenever a record is pulled, so what it may use is put in place
 * for each pull and taken away behind it. One per subtask: a handler has ended before the next one is called.
 */

export interface HandlerScope {
  /** The code of the handler goes on. */
  resume(): void
  /** It stands still. */
  suspend(): void
  /** It has come to its end, while it was resumed. */
  end(): void
}

export class SuspendedHandler implements IterableIterator<unknown> {
  readonly #scope: HandlerScope
  #inner: Iterator<unknown> | undefined

  constructor(scope: HandlerScope) {
    this.#scope = scope
  }

  get active(): boolean {
    return this.#inner !== undefined
  }

  /** Takes what a handler gave; its scope is suspended by the caller. */
  begin(values: Iterable<unknown>): this {
    this.#inner = values[Symbol.iterator]()
    return this
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<unknown> {
    const inner = this.#inner
    if (inner === undefined) return { done: true, value: undefined }
    this.#scope.resume()
    const step = inner.next()
    if (step.done === true) {
      this.#inner = undefined
      this.#scope.end()
    } else this.#scope.suspend()
    return step
  }

  /** Given up before its end: the job fails or is stopped. */
  return(): IteratorResult<unknown> {
    this.#inner?.return?.()
    this.#inner = undefined
    return { done: true, value: undefined }
  }
}
