/** What a limit learns of the operator that it follows, from one decision to the next; and when that is too much. Pure. */
import type { ObservedOperator } from '@sluice/engine'

export interface Observation {
  readonly elapsedMs: number
  /** Mean over the records done meanwhile; where none was done and some are in work, since when; NaN: nothing was to be done. */
  readonly latencyMs: number
  /** How long a record waits in front of the operator. */
  readonly queueMs: number
  /** Of the records done, 0 to 1. */
  readonly errorRate: number
  /** Share of the time in which the limit held records back, 0 to 1. */
  readonly limited: number
}

/** What must not be exceeded; undefined: it does not matter. */
export interface Target {
  readonly latencyMs: number | undefined
  readonly queueMs: number | undefined
  readonly errorRate: number | undefined
}

export function exceeds({ latencyMs, queueMs, errorRate }: Observation, target: Target): boolean {
  return (
    (target.latencyMs !== undefined && latencyMs > target.latencyMs) ||
    (target.queueMs !== undefined && queueMs > target.queueMs) ||
    (target.errorRate !== undefined && errorRate > target.errorRate)
  )
}

/** A rate that is hardly used says nothing of what would happen if it were higher. */
export const LIMITED_SHARE_MIN = 0.1

/** A reading of the counters. */
type Reading = Pick<ObservedOperator, 'completed' | 'latencyMs' | 'errors' | 'taken'>

/** Makes observations of cumulative counters. */
export class Observer {
  readonly #observed: ObservedOperator
  #atMs: number
  #last: Reading
  /** For how long nothing was done although there was something to do. */
  #stalledMs = 0

  constructor(observed: ObservedOperator, nowMs: number) {
    this.#observed = observed
    this.#atMs = nowMs
    this.#last = read(observed)
  }

  observe(nowMs: number, limited: number): Observation {
    const now = read(this.#observed)
    const { queued, inFlight } = this.#observed
    const last = this.#last
    const elapsedMs = Math.max(0, nowMs - this.#atMs)
    this.#last = now
    this.#atMs = nowMs
    const completed = now.completed - last.completed
    const taken = now.taken - last.taken
    const errors = now.errors - last.errors
    const stalled = completed === 0 && taken === 0 && queued + inFlight > 0
    this.#stalledMs = stalled ? this.#stalledMs + elapsedMs : 0
    const waitingMs = inFlight > 0 && this.#stalledMs > 0 ? this.#stalledMs : Number.NaN
    return {
      elapsedMs,
      latencyMs: completed > 0 ? (now.latencyMs - last.latencyMs) / completed : waitingMs,
      queueMs: queued === 0 ? 0 : taken > 0 ? (queued * elapsedMs) / taken : this.#stalledMs,
      errorRate: errors === 0 ? 0 : errors / Math.max(errors, taken, completed),
      limited,
    }
  }
}

function read({ completed, latencyMs, errors, taken }: ObservedOperator): Reading {
  return { completed, latencyMs, errors, taken }
}
