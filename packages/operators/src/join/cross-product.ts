/**
 * All pairs of two lists of one key and window. Few leave at once, many are an expansion, which is pulled while there is credit; all have
 * the time of the window.
 */
import type { OperatorContext } from '@sluice/engine'
import type { TimeWindow } from '../window/window-types.js'
import { RESULTS_AT_ONCE_MAX } from './join-input.js'

export type WindowJoinFn = (left: unknown, right: unknown, window: TimeWindow) => unknown

/** The lists are not changed before all pairs are out. */
export function emitPairs(
  context: OperatorContext,
  fn: WindowJoinFn,
  left: readonly unknown[],
  right: readonly unknown[],
  window: TimeWindow,
): void {
  const timestamp = window.end - 1
  if (left.length * right.length > RESULTS_AT_ONCE_MAX) {
    context.expand(new CrossProduct(fn, left, right, window), timestamp)
    return
  }
  for (const each of left) for (const other of right) context.emit(fn(each, other, window), timestamp)
}

class CrossProduct implements IterableIterator<unknown> {
  readonly #fn: WindowJoinFn
  readonly #left: readonly unknown[]
  readonly #right: readonly unknown[]
  readonly #window: TimeWindow
  #at = 0
  #partner = 0

  constructor(fn: WindowJoinFn, left: readonly unknown[], right: readonly unknown[], window: TimeWindow) {
    this.#fn = fn
    this.#left = left
    this.#right = right
    this.#window = window
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<unknown> {
    if (this.#at === this.#left.length) return { done: true, value: undefined }
    const value = this.#fn(this.#left[this.#at], this.#right[this.#partner], this.#window)
    if (++this.#partner === this.#right.length) {
      this.#partner = 0
      this.#at++
    }
    return { done: false, value }
  }
}
