/**
 * An expansion: an iterable whose elements flow on one by one. It is pulled only while the gate of the chain is open; where the gate
 * closes it stays suspended, and the chain resumes it before it takes the next record.
 */
import { SluiceError } from '../errors/sluice-error.js'

interface Waiting {
  readonly values: Iterable<unknown>
  readonly time: number
}

export class Expansion {
  /** What is being expanded: an array by index, anything else by its iterator. Read by generated code. */
  array: readonly unknown[] | undefined
  iterator: Iterator<unknown> | undefined
  index = 0
  time: number = Number.NaN
  #waiting: Waiting[] | undefined

  get active(): boolean {
    return this.array !== undefined || this.iterator !== undefined
  }

  /** Takes an iterable; false where there is nothing to pull (or it has to wait for the one under way). */
  begin(values: Iterable<unknown> | undefined | null | void, time: number): boolean {
    if (values === undefined || values === null) return false
    if (this.active) {
      this.#waiting ??= []
      this.#waiting.push({ values, time })
      return false
    }
    this.#open(values, time)
    return true
  }

  /** The current iterable is used up: opens the next one that waits, if any. */
  finish(): boolean {
    this.array = undefined
    this.iterator = undefined
    const next = this.#waiting?.shift()
    if (next === undefined) return false
    this.#open(next.values, next.time)
    return true
  }

  /** Gives up, closing a generator. */
  abandon(): void {
    this.iterator?.return?.()
    this.array = undefined
    this.iterator = undefined
    this.#waiting = undefined
  }

  #open(values: Iterable<unknown>, time: number): void {
    this.time = time
    this.index = 0
    if (Array.isArray(values)) {
      this.array = values as readonly unknown[]
      return
    }
    const iterable = values as Partial<Iterable<unknown>> & { then?: unknown }
    if (typeof iterable[Symbol.iterator] === 'function') {
      this.iterator = values[Symbol.iterator]()
      return
    }
    if (typeof iterable.then === 'function')
      throw new SluiceError('SLUICE_RECORD_PROMISE', 'A function that returns an array or iterable returned a Promise.')
    throw new SluiceError('SLUICE_OPERATOR_FAILED', `A function that returns an array or iterable returned ${describe(values)}.`, {
      hint: 'Return an array, an iterable, a generator, or nothing.',
    })
  }
}

function describe(value: unknown): string {
  return typeof value === 'object' ? 'an object that is not iterable' : `a ${typeof value}`
}
