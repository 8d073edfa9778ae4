/** `connectBroadcast` on a stream without a key: what every subtask knows of another stream, and no other state. */
import type { Operator, OperatorContext } from '@sluice/engine'
import type { WriteGate } from '../state/broadcast-map.js'
import type { LooseStatefulHandlers } from './loose-handlers.js'
import { SubtaskBroadcastContext } from './stateful-context.js'
import { createBroadcast } from './stateful-operator.js'
import { type HandlerScope, SuspendedHandler } from './suspended-handler.js'

export class BroadcastOperator implements Operator, HandlerScope {
  readonly #context: OperatorContext
  readonly #handlers: LooseStatefulHandlers
  readonly #view: SubtaskBroadcastContext
  readonly #gate: WriteGate = { open: false }
  readonly #suspended: SuspendedHandler

  constructor(context: OperatorContext, handlers: LooseStatefulHandlers, broadcast: readonly string[]) {
    this.#context = context
    this.#handlers = handlers
    this.#view = new SubtaskBroadcastContext(context, createBroadcast(context, broadcast, this.#gate))
    this.#suspended = new SuspendedHandler(this)
  }

  open(): void {
    this.#handlers.onStart?.(this.#view)
  }

  process(value: unknown, timestamp: number, input: number): void {
    const view = this.#view
    view.moveTo(timestamp)
    if (input === 0) {
      const given = this.#handlers.onRecord?.(value, view)
      if (given !== undefined && given !== null) this.#context.expand(given as Iterable<unknown>, timestamp)
      return
    }
    this.#gate.open = true
    const given = this.#handlers.onBroadcast?.(value, view)
    this.#gate.open = false
    if (given === undefined || given === null) return
    const lazy = !Array.isArray(given) && typeof (given as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function'
    this.#context.expand(lazy ? this.#suspended.begin(given as Iterable<unknown>) : (given as Iterable<unknown>), timestamp)
  }

  onWatermark(watermark: number): void {
    this.#view.pass(watermark)
  }

  onEnd(): void {
    if (this.#handlers.onEnd === undefined) return
    const view = this.#view
    view.moveTo(Number.NaN)
    const given = this.#handlers.onEnd(view)
    if (given !== undefined && given !== null) this.#context.expand(given as Iterable<unknown>, view.endTime)
  }

  resume(): void {
    this.#gate.open = true
  }

  suspend(): void {
    this.#gate.open = false
  }

  end(): void {
    this.#gate.open = false
  }
}
