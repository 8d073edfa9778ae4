/** Running reduction per key: the last result of every key, in a Map until keyed state takes its place. */
import { canonicalKey, type Operator, type OperatorContext } from '@sluice/engine'

export class ReduceOperator implements Operator {
  readonly #context: OperatorContext
  readonly #keyOf: (record: never) => unknown
  readonly #fn: (left: unknown, right: unknown) => unknown
  readonly #results = new Map<unknown, unknown>()

  constructor(context: OperatorContext, keyOf: (record: never) => unknown, fn: (left: never, right: never) => unknown) {
    this.#context = context
    this.#keyOf = keyOf
    this.#fn = fn as (left: unknown, right: unknown) => unknown
  }

  process(value: unknown, timestamp: number): void {
    const key = canonicalKey(this.#keyOf(value as never))
    const previous = this.#results.get(key)
    const result = previous === undefined && !this.#results.has(key) ? value : this.#fn(previous, value)
    this.#results.set(key, result)
    this.#context.emit(result, timestamp)
  }

  close(): void {
    this.#results.clear()
  }
}
