import { SluiceError } from '@sluice/engine'
import { describe, expect, test } from 'vitest'
import { CallError } from '../../src/call/call-error.js'
import { TokenBudget } from '../../src/call/retry-budget.js'
import { FailureShare } from '../../src/call/failure-share.js'
import { isRetriable, parseRetryAfter, retryAfterMsOf, RETRY_AFTER_MS_MAX } from '../../src/call/retry-rules.js'

describe('isRetriable', () => {
  test.each<[string, unknown, boolean]>([
    ['any error', new Error('down'), true],
    ['text', 'down', true],
    ['an error of programming', new TypeError('x is not a function'), false],
    ['an unknown name', new ReferenceError('x is not defined'), false],
    ['what fetch cannot send', new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') }), true],
    ['a bad request', new CallError('bad', { status: 400 }), false],
    ['a status of another library', Object.assign(new Error('bad'), { statusCode: 404 }), false],
    ['a status of an answer', Object.assign(new Error('bad'), { response: { status: 403 } }), false],
    ['a redirect', new CallError('moved', { status: 308 }), false],
    ['too many requests', new CallError('busy', { status: 429 }), true],
    ['a request that took too long', new CallError('slow', { status: 408 }), true],
    ['a server error', new CallError('down', { status: 503 }), true],
    ['an error that says no', new CallError('down', { status: 503, retriable: false }), false],
    ['an error that says yes', new CallError('bad', { status: 400, retriable: true }), true],
    ['a timeout', new SluiceError('SLUICE_TIMEOUT', 'slow'), true],
    ['wrong options', new SluiceError('SLUICE_OPTIONS_INVALID', 'wrong'), false],
    ['a failure of a sink with a status', Object.assign(new SluiceError('SLUICE_SINK_FAILED', 'bad'), { status: 422 }), false],
  ])('%s', (_what, error, retriable) => expect(isRetriable(error)).toBe(retriable))
})

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 1, 12)
  test.each<[string | null, number | undefined]>([
    ['0', 0],
    ['7', 7000],
    [' 7 ', 7000],
    ['Thu, 01 Jan 2026 12:00:30 GMT', 30_000],
    ['Thursday, 01-Jan-26 12:00:30 GMT', 30_000],
    ['Thu Jan  1 12:00:30 2026', 30_000],
    ['Thu, 01 Jan 2026 11:00:00 GMT', 0],
    ['99999999999', RETRY_AFTER_MS_MAX],
    ['Thu, 01 Jan 2099 12:00:30 GMT', RETRY_AFTER_MS_MAX],
    ['soon', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['2026-01-01', undefined],
    ['', undefined],
    [null, undefined],
  ])('%j', (text, ms) => expect(parseRetryAfter(text, now)).toBe(ms))

  test('of an error is bounded, and nothing where it makes no sense', () => {
    expect(retryAfterMsOf(new CallError('busy', { retryAfterMs: 1e12 }))).toBe(RETRY_AFTER_MS_MAX)
    for (const retryAfterMs of [Number.NaN, -1, '5']) expect(retryAfterMsOf({ retryAfterMs })).toBe(0)
  })
})

describe('a budget', () => {
  test('saves what ten seconds and a hundred calls give, and lends what the next seconds will give', () => {
    const budget = new TokenBudget({ share: 0.5, perSecond: 2, whenEmpty: 'wait' }, 0)
    for (let call = 0; call < 10_000; call++) budget.deposit()
    let taken = 0
    while (budget.take(1_000_000, 0) === 0) taken++
    expect(taken).toBe(10 * 2 + 100 * 0.5)
    expect(budget.take(1_000_000, 10_000)).toBe(500)
    expect(budget.take(1_000_000, 10_000)).toBe(1000)
    expect(budget.take(1_000_000, 1_000)).toBeUndefined()
    expect(budget.take(1_001_000, 10_000)).toBe(500)
  })
})

describe('a share of failures', () => {
  test('forgets what is older than its window, also where no calls came meanwhile', () => {
    const share = new FailureShare(0.5, 4, 1000)
    for (const at of [0, 100, 200]) expect(share.failure(at)).toBe(false)
    expect(share.failure(300)).toBe(true)
    // An hour later the same number of failures begins anew.
    for (const at of [0, 10, 20]) expect(share.failure(3_600_000 + at)).toBe(false)
    expect(share.failure(3_600_030)).toBe(true)
    // One at a time, never four within a second.
    for (let at = 0; at < 100; at++) expect(share.failure(4_000_000 + at * 400)).toBe(false)
  })

  test('opens at more than the share, not at the share', () => {
    const share = new FailureShare(0.5, 4, 1000)
    share.success(0)
    share.success(0)
    share.failure(0)
    expect(share.failure(0)).toBe(false)
    expect(share.failure(0)).toBe(true)
  })
})
