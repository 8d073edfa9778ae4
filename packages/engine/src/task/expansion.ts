/**
 * An expansion: an iterable whose elements flow on one by one. It is pulled only while the gate of the chain is open; where the gate
 * closes it stays suspended, and the chain resumes it before it takes the next record.
 */
import { SluiceError } from '../errors/sluice-error.js'
import type { RecordFailures } from './record-failures.js'

interface Waiting {
  readonly values: Iterable<unknown>
  readonly time: number
  readonly record: unknown
}

/** Nothing that is begun now comes from a record. */
const NO_RECORD = Symbol('no record')

export class Expansion {
  /** What is being expanded: an array by index, anything else by its iterator. Read by generated code. */
  array: readonly unknown[] | undefined
  iterator: Iterator<unknown> | undefined
  index = 0
  time: number = Number.NaN
  /** What it was made of. */
  #record: unknown = NO_RECORD
  /** What an operator with a policy for errors is at; what is begun meanwhile is made of it. */
  #origin: unknown = NO_RECORD
  #waiting: Waiting[] | undefined

  get active(): boolean {
    return this.array !== undefined || this.iterator !== undefined
  }

  /** Takes an iterable; false where there is nothing to pull (or it has to wait for the one under way). */
  begin(values: Iterable<unknown> | undefined | null | void, time: number): boolean {
    if (values === undefined || values === null) return false
    if (this.active) {
      this.#waiting ??= []
      this.#waiting.push({ values, time, record: this.#origin })
      return false
    }
    this.#record = this.#origin
    this.#open(values, time)
    return true
  }

  /** The current iterable is used up: opens the next one that waits, if any. */
  finish(failures?: RecordFailures): boolean {
    this.array = undefined
    this.iterator = undefined
    for (;;) {
      const next = this.#waiting?.shift()
      if (next === undefined) return false
      this.#record = next.record
      try {
        this.#open(next.values, next.time)
        return true
      } catch (error) {
        if (failures === undefined) throw error
        this.time = next.time
        this.failed(error, failures)
      }
    }
  }

  /** The operator is at this record from here on, until it has `left` it. */
  at(record: unknown): void {
    this.#origin = record
  }

  left(): void {
    this.#origin = NO_RECORD
  }

  /** Pulling it failed. Throws where it was not made of a record. */
  failed(error: unknown, failures: RecordFailures): void {
    if (this.#record === NO_RECORD) throw error
    failures.settle(error, this.#record, this.time)
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
