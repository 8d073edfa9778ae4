/** Contexts of handlers with keyed and broadcast state: one object per subtask. */
import type { OperatorContext } from '@sluice/engine'
import type { BroadcastMap } from '../state/broadcast-map.js'
import type { Timers } from '../state/state-types.js'
import { SubtaskProcessContext } from './process-context.js'

export class SubtaskStatefulContext extends SubtaskProcessContext {
  readonly state: Readonly<Record<string, unknown>>
  readonly timers: { readonly eventTime: Timers; readonly processingTime: Timers }
  readonly broadcast: Readonly<Record<string, BroadcastMap>>
  readonly #engine: OperatorContext

  constructor(
    engine: OperatorContext,
    state: SubtaskStatefulContext['state'],
    timers: SubtaskStatefulContext['timers'],
    broadcast: SubtaskStatefulContext['broadcast'],
  ) {
    super(engine)
    this.#engine = engine
    this.state = state
    this.timers = timers
    this.broadcast = broadcast
  }

  get watermark(): number {
    return this.#engine.watermark
  }
}

/** Where there is no key. */
export class SubtaskBroadcastContext extends SubtaskProcessContext {
  readonly broadcast: Readonly<Record<string, BroadcastMap>>

  constructor(engine: OperatorContext, broadcast: Readonly<Record<string, BroadcastMap>>) {
    super(engine)
    this.broadcast = broadcast
  }
}
