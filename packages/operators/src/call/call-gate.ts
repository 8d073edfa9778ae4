/**
 * Where calls wait until they may be made: one per thread and dependency, or per thread and operator where it has none. A call goes when the circuit breaker lets it, and when there is room
 * below the limits: that of the dependency (a bulkhead), the adaptive one, the ramp behind an outage. The others wait in the order in which they came; there are no more
 * of them than records in flight. Runs in the thread of its subtasks.
 */
import { type BreakerChange, type CallMetrics, SluiceError } from '@sluice/engine'
import { CallsLimit } from './calls-limit.js'
import { type BreakerStep, CircuitBreaker, type FailureWatch } from './circuit-breaker.js'
import { failuresInARow } from './cockatiel.js'
import { FailureShare } from './failure-share.js'
import type { BreakerSettings, DependencySettings } from './protection.js'

export interface CallGateOptions {
  /** What is called: the name of the dependency, or of the operator. */
  readonly name: string
  /** This thread's part of the numbers. */
  readonly settings: Pick<DependencySettings, 'concurrency' | 'breaker' | 'adaptive'>
  /** Aborted when the job fails. */
  readonly signal: AbortSignal
  readonly monotonicMs: () => number
  readonly say: (change: BreakerChange) => void
}

interface Waiter {
  readonly calls: CallMetrics
  readonly resolve: (place: number) => void
  readonly reject: (error: unknown) => void
  /** For the breaker; otherwise for room. */
  held: boolean
}

/** Lines of one gate about its breaker: so many at once, and one more each second. */
const LINES_MAX = 20

export class CallGate {
  readonly #options: CallGateOptions
  readonly #breaker: CircuitBreaker | undefined
  readonly #adaptive: CallsLimit | undefined
  readonly #failsWhileOpen: boolean
  /** Those who are told of the breaker and the limit. */
  readonly #members: CallMetrics[] = []
  #waiters: Waiter[] = []
  #active = 0
  /** The last one that was told; 0: there is none. */
  #limitTold = 0
  #limited = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #lastFailure: unknown
  #lines = LINES_MAX
  #linesAtMs: number
  #unsaid = 0

  constructor(options: CallGateOptions) {
    this.#options = options
    const { settings, monotonicMs, signal } = options
    const { breaker, adaptive } = settings
    const nowMs = monotonicMs()
    this.#linesAtMs = nowMs
    this.#failsWhileOpen = breaker?.whileOpen === 'fail'
    if (breaker !== undefined) this.#breaker = new CircuitBreaker(breaker, watchOf(breaker), nowMs, (step) => this.#onBreaker(step))
    if (adaptive !== undefined) this.#adaptive = new CallsLimit(adaptive, nowMs)
    signal.addEventListener('abort', () => this.#abort(), { once: true })
  }

  join(calls: CallMetrics): void {
    this.#tellLimit()
    if (this.#limitTold !== 0) calls.limit(this.#limitTold)
    this.#members.push(calls)
  }

  /**
   * Asks for a place; it is given back with `leave`.
   *
   * @returns the place, or a promise of it
   * @throws SLUICE_BREAKER_OPEN where calls are not to wait for the breaker; the promise rejects with it too
   */
  enter(calls: CallMetrics): number | Promise<number> {
    const nowMs = this.#look()
    if (this.#waiters.length > 0) this.#pump(nowMs)
    if (this.#waiters.length === 0 && this.#hasRoom() && this.#isAdmitted(nowMs)) return this.#begin()
    if (this.#refuses(nowMs)) {
      calls.refused()
      throw this.#refusal()
    }
    return new Promise((resolve, reject) => {
      const waiter = { calls, resolve, reject, held: !this.#isAdmitted(nowMs) }
      this.#waiters.push(waiter)
      if (waiter.held) calls.held(1)
      else calls.queued(1)
      this.#limited = !waiter.held
      this.#arm()
    })
  }

  /**
   * Gives a place back.
   *
   * @param failure what the call failed with, where it counts as a failure of what is called
   */
  leave(
    place: number,
    tookMs: number,
    failure: { readonly error: unknown; readonly text: string; readonly retryAfterMs: number } | undefined,
  ): void {
    this.#active--
    this.#adaptive?.ended(tookMs, failure !== undefined)
    const nowMs = this.#look()
    if (failure !== undefined) this.#lastFailure = failure.error
    this.#breaker?.end(place, failure?.text, nowMs, failure?.retryAfterMs ?? 0, this.#waiters.length > 0)
    this.#tellLimit()
    this.#pump(nowMs)
  }

  #look(): number {
    const nowMs = this.#options.monotonicMs()
    this.#adaptive?.look(nowMs, this.#limited)
    return nowMs
  }

  #begin(): number {
    this.#active++
    return this.#breaker?.begin() ?? 0
  }

  #hasRoom(): boolean {
    return this.#active < this.#limit()
  }

  #isAdmitted(nowMs: number): boolean {
    return this.#breaker === undefined || this.#breaker.admits(nowMs)
  }

  /** Calls fail rather than wait for the breaker. One that could go but for want of room waits for that. */
  #refuses(nowMs: number): boolean {
    return this.#failsWhileOpen && !this.#isAdmitted(nowMs)
  }

  #limit(): number {
    const { concurrency = Number.POSITIVE_INFINITY } = this.#options.settings
    return Math.min(concurrency, this.#adaptive?.calls ?? Number.POSITIVE_INFINITY, this.#breaker?.ramp ?? Number.POSITIVE_INFINITY)
  }

  #tellLimit(): void {
    const limit = this.#limit()
    const told = limit === Number.POSITIVE_INFINITY ? 0 : limit
    if (told === this.#limitTold) return
    this.#limitTold = told
    for (const calls of this.#members) calls.limit(told)
  }

  /** Lets waiters go as there is room. */
  #pump(nowMs: number): void {
    let gone = 0
    while (gone < this.#waiters.length && this.#hasRoom() && this.#isAdmitted(nowMs)) {
      const waiter = this.#waiters[gone++] as Waiter
      this.#release(waiter)
      waiter.resolve(this.#begin())
    }
    if (gone > 0) this.#waiters.splice(0, gone)
    const next = this.#waiters[0]
    this.#limited = next !== undefined && !next.held
    this.#arm()
  }

  #release({ calls, held }: Waiter): void {
    if (held) calls.held(-1)
    else calls.queued(-1)
  }

  /** Wakes those who wait for an open breaker when its time is up; without them it needs nobody. */
  #arm(): void {
    const breaker = this.#breaker
    // Without room for a probe the next call that ends wakes them.
    if (breaker?.state !== 'open' || this.#waiters.length === 0 || this.#timer !== undefined || !this.#hasRoom()) return
    const waitMs = Math.max(1, Math.ceil(breaker.openUntilMs - this.#options.monotonicMs()))
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#pump(this.#options.monotonicMs())
    }, waitMs)
    this.#timer.unref()
  }

  #onBreaker(step: BreakerStep): void {
    for (const calls of this.#members) calls.breaker(step.to)
    this.#say(step)
    this.#tellLimit()
    const held = step.to !== 'closed'
    if (held && this.#failsWhileOpen) {
      const waiters = this.#waiters
      this.#waiters = []
      for (const waiter of waiters) {
        this.#release(waiter)
        waiter.calls.refused()
        waiter.reject(this.#refusal())
      }
      return
    }
    for (const waiter of this.#waiters) {
      if (waiter.held === held) continue
      this.#release(waiter)
      waiter.held = held
      if (held) waiter.calls.held(1)
      else waiter.calls.queued(1)
    }
  }

  #refusal(): SluiceError {
    const { name, monotonicMs } = this.#options
    const breaker = this.#breaker as CircuitBreaker
    const sinceMs = Math.round(monotonicMs() - breaker.sinceMs)
    return new SluiceError(
      'SLUICE_BREAKER_OPEN',
      `No call was made: the circuit breaker of ${name} has been ${breaker.state} for ${sinceMs} ms.`,
      {
        cause: this.#lastFailure,
      },
    )
  }

  #say(step: BreakerStep): void {
    const nowMs = this.#options.monotonicMs()
    this.#lines = Math.min(LINES_MAX, this.#lines + (nowMs - this.#linesAtMs) / 1000)
    this.#linesAtMs = nowMs
    if (this.#lines < 1) {
      this.#unsaid++
      return
    }
    this.#lines--
    this.#options.say({ dependency: this.#options.name, ...step, unsaid: this.#unsaid })
    this.#unsaid = 0
  }

  /** The job has failed: waits end, and no timer is left. They stay counted: what records waited for then is what is told of it. */
  #abort(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter.reject(this.#options.signal.reason)
  }
}

function watchOf({ opensBy }: BreakerSettings): FailureWatch {
  if ('failureShare' in opensBy) return new FailureShare(opensBy.failureShare, opensBy.minCalls, opensBy.windowMs)
  let watch = failuresInARow(opensBy.failures)
  return {
    // What it is told of the state says nothing to one that counts failures in a row.
    success: () => watch.success(0),
    failure: () => watch.failure(0),
    reset: () => {
      watch = failuresInARow(opensBy.failures)
    },
  }
}
