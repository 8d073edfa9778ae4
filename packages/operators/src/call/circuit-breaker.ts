/**
 * The states of a circuit breaker. Closed: calls go. Open: none does. Half-open: as many as there are probes. Behind that a ramp: calls that had to wait are let
 * go a few at a time, twice as many with each round that is answered, so that what has just recovered is not buried. A call counts in the state that it began in:
 * answers to calls from before are of no interest any more. Reads no clock. Pure.
 */
import type { BreakerState } from '@sluice/engine'
import type { BreakerSettings } from './protection.js'

/** Says whether calls fail so often that it shall open. */
export interface FailureWatch {
  success(nowMs: number): void
  failure(nowMs: number): boolean
  reset(): void
}

export interface BreakerStep {
  readonly from: BreakerState
  readonly to: BreakerState
  readonly because: string
  readonly afterMs: number
}

export class CircuitBreaker {
  readonly #settings: Pick<BreakerSettings, 'openForMs' | 'probes'>
  readonly #watch: FailureWatch
  readonly #changed: (step: BreakerStep) => void
  #state: BreakerState = 'closed'
  #sinceMs: number
  #openUntilMs = 0
  /** Of the state: calls that began in an earlier one do not count. */
  #generation = 0
  #probesBegun = 0
  #probesSucceeded = 0
  #ramp = Number.POSITIVE_INFINITY

  constructor(
    settings: Pick<BreakerSettings, 'openForMs' | 'probes'>,
    watch: FailureWatch,
    nowMs: number,
    changed: (step: BreakerStep) => void,
  ) {
    this.#settings = settings
    this.#watch = watch
    this.#sinceMs = nowMs
    this.#changed = changed
  }

  get state(): BreakerState {
    return this.#state
  }

  get sinceMs(): number {
    return this.#sinceMs
  }

  /** When an open one lets probes through. */
  get openUntilMs(): number {
    return this.#openUntilMs
  }

  /** How many calls may be under way at once, behind an outage; Infinity: as many as there are. */
  get ramp(): number {
    return this.#ramp
  }

  /** Whether another call may begin. An open one whose time is up becomes half-open by being asked. */
  admits(nowMs: number): boolean {
    if (this.#state === 'open' && nowMs >= this.#openUntilMs)
      this.#become('half-open', nowMs, `${this.#settings.probes === 1 ? 'a probe is' : `${this.#settings.probes} probes are`} let through.`)
    if (this.#state === 'half-open') return this.#probesBegun < this.#settings.probes
    return this.#state === 'closed'
  }

  /** A call begins; the answer belongs to `end`. */
  begin(): number {
    if (this.#state === 'half-open') this.#probesBegun++
    return this.#generation
  }

  /**
   * A call has ended.
   *
   * @param failure why, where it counts as one; undefined: all is well
   * @param leastOpenMs what was called asked not to be called for so long
   * @param isAwaited others wait for it to end: the ramp goes on
   */
  end(generation: number, failure: string | undefined, nowMs: number, leastOpenMs: number, isAwaited: boolean): void {
    if (generation !== this.#generation) return
    if (failure === undefined) {
      this.#succeeded(nowMs, isAwaited)
      return
    }
    if (this.#ramp !== Number.POSITIVE_INFINITY) this.#ramp = Math.max(1, Math.floor(this.#ramp / 2))
    const tooMany = this.#watch.failure(nowMs)
    if (this.#state !== 'half-open' && !tooMany) return
    this.#openUntilMs = nowMs + Math.max(this.#settings.openForMs, leastOpenMs)
    this.#become('open', nowMs, this.#state === 'half-open' ? `a probe failed: ${failure}` : failure)
  }

  #succeeded(nowMs: number, isAwaited: boolean): void {
    if (this.#state === 'half-open') {
      if (++this.#probesSucceeded < this.#settings.probes) return
      this.#watch.reset()
      this.#become('closed', nowMs, this.#settings.probes === 1 ? 'the probe succeeded.' : 'all probes succeeded.')
      // Set behind the change: it is the limit of the new state.
      this.#ramp = isAwaited ? this.#settings.probes + 1 : Number.POSITIVE_INFINITY
      return
    }
    this.#watch.success(nowMs)
    if (this.#ramp !== Number.POSITIVE_INFINITY) this.#ramp = isAwaited ? this.#ramp + 1 : Number.POSITIVE_INFINITY
  }

  #become(state: BreakerState, nowMs: number, because: string): void {
    const step = { from: this.#state, to: state, because, afterMs: nowMs - this.#sinceMs }
    this.#state = state
    this.#sinceMs = nowMs
    this.#generation++
    this.#probesBegun = 0
    this.#probesSucceeded = 0
    this.#ramp = Number.POSITIVE_INFINITY
    this.#changed(step)
  }
}
