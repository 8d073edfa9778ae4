import { describe, expect, test } from 'vitest'
import type { CallOptions, DependencyOptions } from '../../src/call/call-options.js'
import { callSettings, dependencySettings, isGuarded } from '../../src/call/call-settings.js'
import { DeclaredDependency } from '../../src/call/dependency.js'

const payments = new DeclaredDependency('payments', dependencySettings('payments', { circuitBreaker: { whileOpen: 'fail' } }))

describe('what contradicts itself is refused', () => {
  test.each<[string, unknown, RegExp]>([
    ['a first wait longer than the longest', { retry: { delay: '2s', delayMax: '1s' } }, /first wait is longer than the longest/],
    ['a budget for one attempt', { retry: { attempts: 1, budget: {} } }, /with one attempt nothing is retried/],
    ['retries as fast as they come, for ever', { retry: { attempts: 'unlimited', delay: 0, budget: false } }, /as fast as it can/],
    [
      'a timeout longer than all attempts',
      { timeout: '10s', retry: { within: '5s' } },
      /longer than all of them together|one attempt may take longer/,
    ],
    ['a wait longer than all attempts', { retry: { delay: '10s', within: '5s' } }, /longer than all attempts together/],
    [
      'a budget that never gives anything',
      { retry: { budget: { share: 0, perSecond: 0, whenEmpty: 'giveUp' } } },
      /gives no retries at all/,
    ],
    ['waiting for a budget that may never come', { retry: { budget: { perSecond: 0 } } }, /would wait for ever/],
    ['two ways to open a breaker', { circuitBreaker: { failures: 5, failureShare: 0.5 } }, /would not be clear which/],
    ['a window without a share', { circuitBreaker: { window: '5s' } }, /window, which goes with failureShare alone/],
    ['fewest calls without a share', { circuitBreaker: { failures: 3, minCalls: 5 } }, /minCalls, which goes with failureShare alone/],
    ['a breaker that is open for no time', { circuitBreaker: { openFor: 0 } }, /openFor of circuitBreaker of enrich is 0 ms/],
    ['a share of 1', { circuitBreaker: { failureShare: 1 } }, /above 0 and below 1/],
    ['more probes than calls', { circuitBreaker: { probes: 9 } }, /so many calls are never under way/],
    [
      'never giving up, and failing at once',
      { retry: { attempts: 'unlimited' }, circuitBreaker: { whileOpen: 'fail' } },
      /never gives a record up/,
    ],
    ['the same over a dependency', { retry: { attempts: 'unlimited' }, dependency: payments }, /never gives a record up/],
    [
      'a breaker beside that of the dependency',
      { circuitBreaker: {}, dependency: payments },
      /calls the dependency payments, which has one/,
    ],
    [
      'a budget beside that of the dependency',
      { retry: { budget: {} }, dependency: payments },
      /calls the dependency payments, which has one/,
    ],
    ['a limit beside that of the dependency', { adaptive: { algorithm: 'aimd' }, dependency: payments }, /calls the dependency payments/],
    ['a dependency that is none', { dependency: { name: 'payments' } }, /takes what job.dependency\(name, options\) gives/],
    ['fewest calls above the most', { adaptive: { algorithm: 'aimd', min: 9 } }, /min of adaptive of enrich is 9/],
    ['a target that calls have not', { adaptive: { algorithm: 'aimd', target: { queueTime: 5 } } }, /no option queueTime/],
    ['a timeout of nothing', { timeout: 0 }, /timeout of enrich is 0 ms/],
    ['attempts that are none', { retry: { attempts: 0 } }, /retry.attempts of enrich is 0/],
    ['an option that is misspelt', { retry: { attemps: 3 } }, /no option attemps/],
    ['an option of another kind', { retry: 3 }, /takes an object of options/],
    ['a policy that does not exist', { onError: 'retry' }, /onError of enrich is 'retry'/],
    ['a `when` that is no function', { retry: { when: 'always' } }, /retry.when of enrich takes a function/],
  ])('%s', (_what, options, message) => {
    const declare = (): unknown => callSettings('enrich', options as CallOptions, 8)
    expect(declare).toThrow(
      expect.objectContaining({
        code: 'SLUICE_OPTIONS_INVALID',
        message: expect.stringMatching(message) as string,
        hint: expect.stringMatching(/\S/) as string,
      }),
    )
  })

  test.each<[string, DependencyOptions, RegExp]>([
    ['an adaptive limit without the most', { adaptive: { algorithm: 'gradient' } }, /has no concurrency/],
    ['more probes than calls', { concurrency: 2, circuitBreaker: { probes: 3 } }, /so many calls are never under way/],
    ['a concurrency of 0', { concurrency: 0 }, /concurrency of dependency payments is 0/],
  ])('of a dependency: %s', (_what, options, message) => {
    expect(() => dependencySettings('payments', options)).toThrow(message)
  })
})

describe('defaults', () => {
  test('calls are guarded where anything is asked for', () => {
    expect(isGuarded({})).toBe(false)
    expect(isGuarded({ timeout: '5s', retry: false, onError: 'fail' })).toBe(false)
    for (const options of [
      { retry: {} },
      { circuitBreaker: {} },
      { adaptive: { algorithm: 'aimd' } },
      { dependency: payments },
      { onError: 'drop' },
    ])
      expect(isGuarded(options as CallOptions)).toBe(true)
  })

  test('a limit of time for all attempts is one for each of them', () => {
    expect(callSettings('enrich', { retry: { within: '5s' } }, undefined).timeoutMs).toBe(5000)
    expect(callSettings('enrich', { retry: {} }, undefined)).toMatchObject({
      timeoutMs: 60_000,
      retry: { attempts: 5, delayMs: 100, delayMsMax: 30_000, withinMs: Number.POSITIVE_INFINITY },
      budget: { share: 0.2, perSecond: 10, whenEmpty: 'wait' },
      breaker: undefined,
    })
  })
})
