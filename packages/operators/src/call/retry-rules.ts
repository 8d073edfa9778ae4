/** Which errors are worth another attempt, and when it may begin. Pure. */
import { SluiceError, type BackoffReason } from '@sluice/engine'
import type { RetrySettings } from './protection.js'

/** A `Retry-After` counts as this much at most: what asks for more is not obeyed for ever. */
export const RETRY_AFTER_MS_MAX = 300_000

/** Answers with a status of 300 to 499 that another attempt may change. */
const RETRIABLE_STATUSES = [408, 425, 429]
const PROGRAMMING_ERRORS = [TypeError, RangeError, ReferenceError, SyntaxError, EvalError, URIError]

/** The default: whether another attempt may help. */
export function isRetriable(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return true
  // What Sluice says of an error of its own is general; a status says more.
  const { retriable } = error as { readonly retriable?: unknown }
  if (typeof retriable === 'boolean' && !(retriable && error instanceof SluiceError)) return retriable
  const status = statusOf(error)
  if (status !== undefined && status >= 300 && status < 500) return RETRIABLE_STATUSES.includes(status)
  // What fetch cannot send is a TypeError too, and has the reason as its cause.
  return !PROGRAMMING_ERRORS.some((Class) => error instanceof Class) || (error as Error).cause !== undefined
}

/** What an error says of when to come again, in ms from now; 0: nothing. */
export function retryAfterMsOf(error: unknown): number {
  if (typeof error !== 'object' || error === null) return 0
  const { retryAfterMs } = error as { readonly retryAfterMs?: unknown }
  return typeof retryAfterMs === 'number' && retryAfterMs > 0 ? Math.min(RETRY_AFTER_MS_MAX, retryAfterMs) : 0
}

/** The value of a header `Retry-After`, seconds or a date, in ms from now; undefined where it is neither. */
export function parseRetryAfter(text: string | null, nowMs: number): number | undefined {
  if (text === null) return undefined
  const trimmed = text.trim()
  if (/^\d+$/.test(trimmed)) return Math.min(RETRY_AFTER_MS_MAX, Number(trimmed) * 1000)
  // Every form of an HTTP date begins with the day of the week; `Date.parse` alone takes much else.
  if (!/^[A-Z][a-z]{2,8},? /.test(trimmed)) return undefined
  const atMs = Date.parse(trimmed.endsWith('GMT') ? trimmed : `${trimmed} GMT`)
  return Number.isNaN(atMs) ? undefined : Math.min(RETRY_AFTER_MS_MAX, Math.max(0, atMs - nowMs))
}

export interface FailedAttempt {
  /** From 1. */
  readonly attempt: number
  /** Since the first one began. */
  readonly elapsedMs: number
  readonly error: unknown
}

export interface Pause {
  readonly ms: number
  readonly because: BackoffReason
}

/** What an attempt waits for, so far as it may still begin. */
export interface PauseSources {
  /** The drawn delay. */
  backoffMs(): number
  /** Takes a retry of the budget that begins within so many ms: how long it waits for that; undefined: there is none. */
  budgetMs(waitMsMax: number): number | undefined
}

/** When the next attempt begins; undefined: the record is given up. */
export function nextPause(failed: FailedAttempt, retry: RetrySettings, sources: PauseSources): Pause | undefined {
  const { attempt, elapsedMs, error } = failed
  if (attempt >= retry.attempts || !(retry.when ?? isRetriable)(error)) return undefined
  const leftMs = retry.withinMs - elapsedMs
  const backoffMs = sources.backoffMs()
  const askedMs = retryAfterMsOf(error)
  const waitMs = Math.max(backoffMs, askedMs)
  if (waitMs > leftMs) return undefined
  const budgetMs = sources.budgetMs(leftMs)
  if (budgetMs === undefined) return undefined
  if (budgetMs > waitMs) return { ms: budgetMs, because: 'budget' }
  return { ms: waitMs, because: askedMs > backoffMs ? 'retryAfter' : 'delay' }
}

function statusOf(error: object): number | undefined {
  const { status, statusCode, response } = error as {
    readonly status?: unknown
    readonly statusCode?: unknown
    readonly response?: unknown
  }
  for (const value of [status, statusCode]) if (typeof value === 'number') return value
  return typeof response === 'object' && response !== null ? statusOf(response) : undefined
}
