/** A limit of the calls under way that follows what is measured of them. Decides once per period, when a call begins or ends: it has no timer. */
import type { AdaptiveSettings } from '../flow/rate/adaptive/adaptive-controller.js'
import { decider } from '../flow/rate/adaptive/adaptive-controller.js'

export class CallsLimit {
  readonly #periodMs: number
  readonly #decide: ReturnType<typeof decider>
  #limit: number
  #atMs: number
  #lookedAtMs: number
  /** Since the last decision. */
  #ended = 0
  #tookMs = 0
  #failed = 0
  #limitedMs = 0

  constructor(settings: AdaptiveSettings, nowMs: number) {
    this.#periodMs = settings.periodMs
    this.#decide = decider(settings)
    this.#limit = settings.initial
    this.#atMs = nowMs
    this.#lookedAtMs = nowMs
  }

  get calls(): number {
    return Math.max(1, Math.floor(this.#limit))
  }

  /** A call has ended. */
  ended(tookMs: number, failed: boolean): void {
    this.#ended++
    this.#tookMs += tookMs
    if (failed) this.#failed++
  }

  /** Called whenever a call begins or ends. `wasLimited`: since it was called last, this limit held calls back. */
  look(nowMs: number, wasLimited: boolean): void {
    if (wasLimited) this.#limitedMs += nowMs - this.#lookedAtMs
    this.#lookedAtMs = nowMs
    const elapsedMs = nowMs - this.#atMs
    if (elapsedMs < this.#periodMs) return
    const seen = {
      elapsedMs,
      latencyMs: this.#ended === 0 ? Number.NaN : this.#tookMs / this.#ended,
      queueMs: 0,
      errorRate: this.#ended === 0 ? 0 : this.#failed / this.#ended,
      limited: Math.min(1, this.#limitedMs / elapsedMs),
    }
    this.#limit = this.#decide(seen, this.#limit)
    this.#atMs = nowMs
    this.#ended = 0
    this.#tookMs = 0
    this.#failed = 0
    this.#limitedMs = 0
  }
}
