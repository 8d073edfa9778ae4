/**
 * The pairs of one record with very many partners, as expansions that are pulled while there is credit. An expansion has one time for all it
 * gives and pairs have each their own; so a run of pairs emits all but its last by itself and gives the last, whose time is its own.
 */
import type { OperatorContext } from '@sluice/engine'
import { RESULTS_AT_ONCE_MAX } from './join-input.js'

/** Makes and emits results by number. What they are made of does not change before all of them are out. */
export interface Results {
  emit(index: number): void
  /** The result that is given instead of emitted. */
  value(index: number): unknown
  timeOf(index: number): number
}

/** Expands the results from `from` up to `to`. */
export function expandResults(context: OperatorContext, results: Results, from: number, to: number): void {
  for (let first = from; first < to; first += RESULTS_AT_ONCE_MAX) {
    const last = Math.min(first + RESULTS_AT_ONCE_MAX, to) - 1
    context.expand(new Run(results, first, last), results.timeOf(last))
  }
}

class Run implements IterableIterator<unknown> {
  readonly #results: Results
  readonly #first: number
  readonly #last: number
  #done = false

  constructor(results: Results, first: number, last: number) {
    this.#results = results
    this.#first = first
    this.#last = last
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<unknown> {
    if (this.#done) return { done: true, value: undefined }
    this.#done = true
    for (let index = this.#first; index < this.#last; index++) this.#results.emit(index)
    return { done: false, value: this.#results.value(this.#last) }
  }
}
