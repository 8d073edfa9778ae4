/** What protects calls: the options, checked, with their defaults. Plain data and the user's functions. */
import type { AdaptiveSettings } from '../flow/rate/adaptive/adaptive-controller.js'

export interface DependencySettings {
  /** Of the whole job; undefined: what the operators allow. */
  readonly concurrency: number | undefined
  readonly breaker: BreakerSettings | undefined
  /** Of the operators that retry; undefined: without limit. */
  readonly budget: BudgetSettings | undefined
  readonly adaptive: AdaptiveSettings | undefined
}

export interface CallSettings extends DependencySettings {
  readonly timeoutMs: number
  readonly retry: RetrySettings | undefined
  /** What is called, where it has a name. */
  readonly dependency: string | undefined
}

export interface RetrySettings {
  /** Infinity: without limit. */
  readonly attempts: number
  readonly delayMs: number
  readonly delayMsMax: number
  /** Infinity: without limit. */
  readonly withinMs: number
  /** undefined: the default. */
  readonly when: ((error: unknown) => boolean) | undefined
}

export interface BudgetSettings {
  readonly share: number
  readonly perSecond: number
  readonly whenEmpty: 'wait' | 'giveUp'
}

export interface BreakerSettings {
  readonly opensBy: { readonly failures: number } | { readonly failureShare: number; readonly minCalls: number; readonly windowMs: number }
  readonly openForMs: number
  readonly probes: number
  readonly whileOpen: 'wait' | 'fail'
  /** undefined: the default. */
  readonly counts: ((error: unknown) => boolean) | undefined
}
