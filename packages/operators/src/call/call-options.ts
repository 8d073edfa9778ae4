/** What protects the calls of an operator or a sink, as a user writes it. Input types: every field may be left out or undefined. */
import type { ErrorPolicy } from '@sluice/engine'
import type { Duration } from '../duration/duration.js'
import type { Dependency } from './dependency.js'

/** The part of the options of `mapAsync`, `lookupJoin` with a function, `forEach`, `forEachBatch` and `toWebhook` that protects what they call. */
export interface CallOptions {
  /**
   * How long one attempt may take: then its `context.signal` is aborted, and it has failed with `SLUICE_TIMEOUT`. A function that goes on regardless is left
   * behind; with 256 of them no call is made (`SLUICE_CALLS_LEFT_BEHIND`) until one has ended. Default `'60s'`.
   */
  readonly timeout?: Duration | undefined
  /** Tries again what has failed. Default false. */
  readonly retry?: RetryOptions | false | undefined
  /** Stops calling what fails again and again. Default: none. */
  readonly circuitBreaker?: CircuitBreakerOptions | undefined
  /** How many calls may be under way follows what is measured of them; `concurrency` is the most. Default: as many as `concurrency` says. */
  readonly adaptive?: AdaptiveCalls | undefined
  /** What is called, from `job.dependency(...)`: operators that call the same thing share its limit of concurrency, breaker and retry budget. */
  readonly dependency?: Dependency | undefined
  /** What becomes of a record whose last attempt has failed: the job fails, the record is dropped and counted, or a dead letter. Default `'fail'`. */
  readonly onError?: ErrorPolicy | undefined
}

export interface RetryOptions {
  /** Calls of one record in all, the first one among them. Default 5. */
  readonly attempts?: number | 'unlimited' | undefined
  /**
   * The most that the first wait may take; it doubles with each attempt. Each wait is drawn evenly from 0 to there (full jitter), so that records that failed together do not come
   * again together. Default `'100ms'`.
   */
  readonly delay?: Duration | undefined
  /** The most that a wait may grow to. Default `'30s'`. */
  readonly delayMax?: Duration | undefined
  /** How long after the first attempt another one may begin. Default: without limit. */
  readonly within?: Duration | undefined
  /**
   * Whether an error is worth another attempt. Default: all but errors of programming (`TypeError` and the like without a cause), answers with a status of 300 to 499 other than
   * 408, 425 and 429, `CallError`s that say `retriable: false`, and errors of Sluice that come again.
   */
  readonly when?: ((error: unknown) => boolean) | undefined
  /** How many retries there may be beside the calls, so that they do not make an overload worse; false: without limit. */
  readonly budget?: RetryBudget | false | undefined
}

/** Retries that may be made, over all records and subtasks. What is saved is what ten seconds and a hundred calls give, at most. */
export interface RetryBudget {
  /** Retries per call. Default 0.2. */
  readonly share?: number | undefined
  /** Retries per second besides, also where there are few calls. Default 10. */
  readonly perSecond?: number | undefined
  /** Nothing is left: the retry waits for its turn, or the record is given up. Default `'wait'`. */
  readonly whenEmpty?: 'wait' | 'giveUp' | undefined
}

export interface CircuitBreakerOptions {
  /** It opens behind so many failures in a row, in one thread. Default 5, where `failureShare` is not given. */
  readonly failures?: number | undefined
  /** It opens when more than this share of the calls in `window` have failed, above 0 and below 1. */
  readonly failureShare?: number | undefined
  /** With `failureShare`: calls that there must be in the window. Default 20. */
  readonly minCalls?: number | undefined
  /** With `failureShare`: how far back calls count. Default `'10s'`. */
  readonly window?: Duration | undefined
  /** How long it stays open before probes are let through. Default `'10s'`. */
  readonly openFor?: Duration | undefined
  /** Calls that are let through then; when all of them have succeeded it closes, and with the first failure it is open again. Default 1. */
  readonly probes?: number | undefined
  /**
   * What becomes of calls meanwhile. `'wait'`: none is made; records keep their places, and what lies upstream waits. `'fail'`: they fail at once with
   * `SLUICE_BREAKER_OPEN`, and `onError` says what becomes of the record. Default `'wait'`.
   */
  readonly whileOpen?: 'wait' | 'fail' | undefined
  /** Whether an error says that what is called is unwell. Default: those worth another attempt. */
  readonly counts?: ((error: unknown) => boolean) | undefined
}

/**
 * A limit of the calls under way that follows what is measured: `'aimd'` adds a little while all is well, and takes a good deal away where `target` is exceeded;
 * `'gradient'` needs no target, and follows how much slower calls are than they were at best.
 */
export interface AdaptiveCalls {
  readonly algorithm: 'aimd' | 'gradient'
  /** Fewest calls under way. Default 1. */
  readonly min?: number | undefined
  /** Where it begins. Default: `min`. */
  readonly initial?: number | undefined
  /** From one decision to the next. Default `'100ms'`. */
  readonly period?: Duration | undefined
  /** What must not be exceeded: the mean time of a call, the share of calls that failed. Default with `'aimd'`: `{ errorRate: 0.05 }`. */
  readonly target?: { readonly latency?: Duration | undefined; readonly errorRate?: number | undefined } | undefined
  /** `'aimd'`: what a period adds. Default: a hundredth of the most. */
  readonly increase?: number | undefined
  /** `'aimd'`: the factor of a decrease, 0 to 1. Default 0.7. */
  readonly decrease?: number | undefined
  /** `'gradient'`: how many times the least latency still counts as well. Default 1.5. */
  readonly tolerance?: number | undefined
}

/** What several operators call, and how it is protected. Numbers are of the whole job, and divided over the threads that call it. */
export interface DependencyOptions {
  /** Calls under way at once, over all operators: a bulkhead. Default: what the operators allow. */
  readonly concurrency?: number | undefined
  /** One for all operators, in each thread. Default: none. */
  readonly circuitBreaker?: CircuitBreakerOptions | undefined
  /** The budget that the operators which retry share. */
  readonly retryBudget?: RetryBudget | false | undefined
  /** `concurrency` is the most then, and must be given. */
  readonly adaptive?: AdaptiveCalls | undefined
}
