/** `connectBroadcast` on a stream without a key: what every subtask knows of another stream, and no other state. */
import type { Operator, OperatorContext, RestoredOperator } from '@sluice/engine'
import type { BroadcastMap, WriteGate } from '../state/broadcast-map.js'
import type { LooseStatefulHandlers } from './loose-handlers.js'
import { SubtaskBroadcastContext } from './stateful-context.js'
import { type BroadcastState, createBroadcast, dumpBroadcast, loadBroadcast } from './broadcast-state.js'
import { type HandlerScope, SuspendedHandler } from './suspended-handler.js'

export class BroadcastOperator implements Operator, HandlerScope {
  readonly #context: OperatorContext
  readonly #handlers: LooseStatefulHandlers
  readonly #view: SubtaskBroadcastContext
  readonly #maps: Readonly<Record<string, BroadcastMap>>
  readonly #gate: WriteGate = { open: false }
  readonly #suspended: SuspendedHandler

  constructor(context: OperatorContext, handlers: LooseStatefulHandlers, broadcast: readonly string[]) {
    this.#context = context
    this.#handlers = handlers
    this.#maps = createBroadcast(context, broadcast, this.#gate)
    this.#view = new SubtaskBroadcastContext(context, this.#maps)
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

  snapshot(): BroadcastOperatorState {
    return { reached: this.#view.reached, broadcast: dumpBroadcast(this.#context, this.#maps) }
  }

  restore({ states }: RestoredOperator): void {
    const written = states as readonly BroadcastOperatorState[]
    for (const { reached } of written) this.#view.reach(reached)
    loadBroadcast(
      this.#maps,
      written.map(({ broadcast }) => broadcast),
    )
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

interface BroadcastOperatorState {
  /** How far event time has come. */
  readonly reached: number
  readonly broadcast: BroadcastState
}
