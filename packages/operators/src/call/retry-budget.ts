/**
 * How many retries there may be: each call gives a share of one, each second some, and a retry takes one. Where none is left a retry may be borrowed from the seconds to come:
 * it waits until they have given it. So retries over any time are at most `share` per call and `perSecond` per second, and what was saved before. Pure.
 *
 * After the retry budget of Finagle (https://twitter.github.io/finagle/guide/Glossary.html).
 */
import type { BudgetSettings } from './protection.js'

/** What is saved at most: what so many seconds and so many calls give. */
const SECONDS_MAX = 10
const CALLS_MAX = 100

export class TokenBudget {
  readonly #settings: BudgetSettings
  readonly #tokensMax: number
  #tokens: number
  #atMs: number

  constructor(settings: BudgetSettings, nowMs: number) {
    this.#settings = settings
    this.#tokensMax = Math.max(1, settings.perSecond * SECONDS_MAX + settings.share * CALLS_MAX)
    this.#tokens = Math.max(1, settings.perSecond * SECONDS_MAX)
    this.#atMs = nowMs
  }

  /** A record is called for the first time. */
  deposit(): void {
    this.#tokens = Math.min(this.#tokensMax, this.#tokens + this.#settings.share)
  }

  /** Takes one retry, which may begin so many ms from now; undefined: there is none, or not before `waitMsMax`. */
  take(nowMs: number, waitMsMax: number): number | undefined {
    const { perSecond, whenEmpty } = this.#settings
    this.#tokens = Math.min(this.#tokensMax, this.#tokens + (Math.max(0, nowMs - this.#atMs) / 1000) * perSecond)
    this.#atMs = nowMs
    const left = this.#tokens - 1
    if (left >= 0) {
      this.#tokens = left
      return 0
    }
    const waitMs = (-left / perSecond) * 1000
    if (whenEmpty === 'giveUp' || waitMs > waitMsMax) return undefined
    this.#tokens = left
    return waitMs
  }
}
