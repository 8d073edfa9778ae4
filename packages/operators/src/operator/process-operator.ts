/** `process` as a general operator: the user's handlers with a context, their results expanded as there is credit. */
import type { Operator, OperatorContext, RestoredOperator } from '@sluice/engine'
import { SubtaskProcessContext } from './process-context.js'

/** Handlers as the operator calls them; always as methods of their object. */
export interface LooseHandlers {
  onStart?(context: unknown): void
  onRecord(record: unknown, context: unknown): unknown
  onEnd?(context: unknown): unknown
}

export class ProcessOperator implements Operator {
  readonly #context: OperatorContext
  readonly #view: SubtaskProcessContext
  readonly #handlers: LooseHandlers
  readonly #keyOf: ((record: never) => unknown) | undefined

  constructor(context: OperatorContext, handlers: LooseHandlers, keyOf: ((record: never) => unknown) | undefined) {
    this.#context = context
    this.#view = new SubtaskProcessContext(context)
    this.#handlers = handlers
    this.#keyOf = keyOf
  }

  open(): void {
    this.#handlers.onStart?.(this.#view)
  }

  process(value: unknown, timestamp: number): void {
    const view = this.#view
    view.moveTo(timestamp)
    if (this.#keyOf !== undefined) view.key = this.#keyOf(value as never)
    const emitted = this.#handlers.onRecord(value, view)
    if (emitted !== undefined && emitted !== null) this.#context.expand(emitted as Iterable<unknown>, timestamp)
  }

  onWatermark(watermark: number): void {
    this.#view.pass(watermark)
  }

  /** How far event time has come, which is the time of what `onEnd` gives. */
  snapshot(): unknown {
    return this.#view.reached
  }

  restore({ states }: RestoredOperator): void {
    for (const reached of states as readonly number[]) this.#view.reach(reached)
  }

  onEnd(): void {
    if (this.#handlers.onEnd === undefined) return
    const view = this.#view
    view.moveTo(Number.NaN)
    view.key = undefined
    const given = this.#handlers.onEnd(view)
    if (given !== undefined && given !== null) this.#context.expand(given as Iterable<unknown>, view.endTime)
  }
}
