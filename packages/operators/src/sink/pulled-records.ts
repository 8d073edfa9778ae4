/**
 * Records that a consumer pulls. A record leaves only while a pull waits for it, and one pull waits at a time; the pull that follows says that what the one before
 * got is done with, or, where a consumer pulls ahead, what some pulls before got. Held are the batch at hand and what the consumer has in its hands. Runs in the
 * thread of its subtask.
 */
import type { SluiceError } from '@sluice/engine'

interface Pull<T> {
  readonly recordsMax: number
  readonly resolve: (records: readonly T[] | undefined) => void
  readonly reject: (error: unknown) => void
}

export class PulledRecords<T> {
  /** The consumer was told of the end. */
  endSeen = false
  readonly #overlaps: () => SluiceError
  #records: readonly T[] = []
  #at = 0
  readonly #pullsAhead: number
  /** With the consumer: what each pull got, oldest first. */
  #given: (readonly T[])[] = []
  #written: (() => void) | undefined
  #pull: Pull<T> | undefined
  #ended = false
  #cancelled = false
  #failure: SluiceError | undefined

  /** `overlaps` makes the error of a consumer that pulls while a pull of its own waits; with `pullsAhead` of 1 a pull says that the one before the last is done with. */
  constructor(overlaps: () => SluiceError, pullsAhead: number) {
    this.#overlaps = overlaps
    this.#pullsAhead = pullsAhead
  }

  /** Settles when the last record has left; only then the next batch may come. */
  write(records: readonly T[]): void | Promise<void> {
    this.#records = records.slice()
    this.#at = 0
    this.#give()
    if (this.#at === this.#records.length) return undefined
    return new Promise((resolve) => {
      this.#written = resolve
    })
  }

  /** What the consumer has not done with, in order. */
  unwritten(): readonly T[] {
    return [...this.#given.flat(), ...this.#records.slice(this.#at)]
  }

  /** Up to so many records as there are, at least one; undefined: the end. */
  pull(recordsMax: number): Promise<readonly T[] | undefined> {
    if (this.#pull !== undefined) return Promise.reject(this.#overlaps())
    while (this.#given.length > this.#pullsAhead) this.#given.shift()
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#cancelled) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      this.#pull = { recordsMax, resolve, reject }
      this.#give()
    })
  }

  /** Behind the last record. */
  end(): void {
    this.#ended = true
    this.#give()
  }

  /** The consumer has returned behind the end. */
  done(): void {
    this.#given = []
  }

  /** The job gives up: the consumer gets no more, but the error. */
  fail(error: SluiceError): void {
    this.#failure = error
    const pull = this.#pull
    this.#pull = undefined
    pull?.reject(error)
  }

  /** The consumer wants no more. */
  cancel(): void {
    this.#cancelled = true
    const pull = this.#pull
    this.#pull = undefined
    pull?.resolve(undefined)
  }

  #give(): void {
    const pull = this.#pull
    if (pull === undefined) return
    if (this.#at < this.#records.length) {
      this.#pull = undefined
      const given = this.#records.slice(this.#at, this.#at + pull.recordsMax)
      this.#given.push(given)
      this.#at += given.length
      pull.resolve(given)
      if (this.#at < this.#records.length) return
      const written = this.#written
      this.#written = undefined
      written?.()
    } else if (this.#ended) {
      this.#pull = undefined
      this.endSeen = true
      pull.resolve(undefined)
    }
  }
}
