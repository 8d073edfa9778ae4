/** A guard without an engine: what is told of calls, what becomes of them when the job fails, and that nothing is left. */
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { CallOptions } from '../../src/call/call-options.js'
import { callSettings, dependencySettings } from '../../src/call/call-settings.js'
import { DeclaredDependency } from '../../src/call/dependency.js'
import { guardCalls } from '../../src/call/guard-calls.js'
import { FakeGuardContext } from './fake-guard-context.js'

function guarded(
  options: CallOptions,
  fn: (record: never, context: { readonly attempt?: number; readonly signal: AbortSignal }) => unknown,
  context = new FakeGuardContext(),
) {
  const call = guardCalls(callSettings('call', options, 8), fn)(context)
  let number = 0
  return { context, call: (record: unknown = number): unknown => call(record as never, context.record(number++)) }
}

const outcome = (promise: unknown): Promise<unknown> => Promise.resolve(promise).then(String, String)

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('a guarded call', () => {
  test('that answers at once makes no promise and no timer', () => {
    const { call, context } = guarded({ retry: {}, circuitBreaker: {} }, (record: number) => record + 1)
    expect(call(1)).toBe(2)
    expect(vi.getTimerCount()).toBe(0)
    expect(context.told).toEqual(['begin 1', 'ended'])
  })

  test('that throws is tried again', async () => {
    const { call, context } = guarded({ retry: { delay: 10, budget: false } }, (_record, { attempt = 1 }) => {
      if (attempt < 3) throw new Error('down')
      return attempt
    })
    const result = outcome(call())
    await vi.runAllTimersAsync()
    expect(await result).toBe('3')
    expect(context.told).toEqual([
      'begin 1',
      'failed',
      'backoff 1 delay',
      'backoff -1 delay',
      'begin 2',
      'failed',
      'backoff 1 delay',
      'backoff -1 delay',
      'begin 3',
      'ended',
    ])
  })

  test('that throws fails at once where nothing is tried again', () => {
    const { call } = guarded({ onError: 'drop' }, () => {
      throw new Error('down')
    })
    expect(() => call()).toThrow('down')
  })

  test('has one timer, however many are under way, and the signal of one is aborted when its time is up', async () => {
    const signals: AbortSignal[] = []
    const { call } = guarded({ timeout: 1000, onError: 'drop' }, (_record, { signal }) => {
      signals.push(signal)
      return new Promise(() => {})
    })
    const results = [outcome(call())]
    await vi.advanceTimersByTimeAsync(500)
    results.push(outcome(call()))
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(500)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
    await vi.advanceTimersByTimeAsync(500)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
    for (const result of results) expect(await result).toContain('did not finish a call within 1000 ms')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('left behind may end as it likes', async () => {
    const rejected: unknown[] = []
    const listen = (reason: unknown): void => void rejected.push(reason)
    process.on('unhandledRejection', listen)
    onTestFinished(() => void process.off('unhandledRejection', listen))
    const { call } = guarded(
      { timeout: 100, onError: 'drop' },
      () => new Promise((_resolve, reject) => setTimeout(() => reject(new Error('late')), 1000)),
    )
    const result = outcome(call())
    await vi.advanceTimersByTimeAsync(2000)
    expect(await result).toContain('SluiceError')
    vi.useRealTimers()
    await new Promise((resolve) => setImmediate(resolve))
    expect(rejected).toEqual([])
  })

  test('whose `counts` or `when` throws fails with that', async () => {
    const broken = (): never => {
      throw new Error('broken rule')
    }
    for (const options of [{ retry: { when: broken } }, { circuitBreaker: { counts: broken } }]) {
      const { call } = guarded(options, () => Promise.reject(new Error('down')))
      expect(await outcome(call())).toContain('broken rule')
    }
  })
})

describe('when the job fails', () => {
  test('waits end at once, calls under way are told, and no timer is left', async () => {
    let calls = 0
    const signals: AbortSignal[] = []
    const options = { retry: { delay: '1h', delayMax: '1h', budget: false }, circuitBreaker: { failures: 3, openFor: '1h' } } as const
    const { call, context } = guarded(options, (_record, { signal }) => {
      signals.push(signal)
      return calls++ < 3 ? Promise.reject(new Error('down')) : new Promise(() => {})
    })
    // Under way, then three that wait for another attempt, then one that waits for the breaker.
    const hanging = guarded(
      options,
      (_record, { signal }) => {
        signals.push(signal)
        return new Promise(() => {})
      },
      context,
    )
    void hanging.call()
    const waiting = [call(), call(), call()].map(outcome)
    await vi.advanceTimersByTimeAsync(0)
    waiting.push(outcome(call()))
    await vi.advanceTimersByTimeAsync(0)
    expect(context.told.filter((line) => line === 'backoff 1 delay')).toHaveLength(3)
    expect(context.told).toContain('held 1')
    expect(vi.getTimerCount()).toBeGreaterThan(3)
    context.abort.abort(new Error('the job has failed'))
    for (const result of waiting) expect(await result).toContain('the job has failed')
    expect(signals[0]?.aborted).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
    // What they waited for stays told: it says why the job was given up.
    expect(context.told.filter((line) => line.startsWith('backoff'))).toHaveLength(3)
    expect(context.told).not.toContain('held -1')
  })
})

describe('a dependency', () => {
  test('has places for all operators of a thread, and this thread its part of them', async () => {
    const payments = new DeclaredDependency('payments', dependencySettings('payments', { concurrency: 4 }))
    const shares = new Map<string, unknown>()
    const open: (() => void)[] = []
    const fn = (): Promise<void> => new Promise((resolve) => open.push(resolve))
    const threads = { index: 0, count: 2 }
    const first = guarded({ dependency: payments }, fn, new FakeGuardContext('first', threads, shares))
    const second = guarded({ dependency: payments }, fn, new FakeGuardContext('second', threads, shares))
    const results = [first.call(), first.call(), second.call()]
    expect(open).toHaveLength(2)
    expect(first.context.told[0]).toBe('limit 2')
    expect(second.context.told).toContain('queued 1')
    open[0]?.()
    await results[0]
    await vi.advanceTimersByTimeAsync(0)
    expect(open).toHaveLength(3)
    expect(second.context.told).toEqual(['limit 2', 'queued 1', 'queued -1', 'begin 1'])
  })

  test('that more threads call than there are places is told of', () => {
    const payments = new DeclaredDependency('payments', dependencySettings('payments', { concurrency: 2 }))
    const { context } = guarded({ dependency: payments }, () => 1, new FakeGuardContext('first', { index: 3, count: 4 }))
    expect(context.warnings[0]).toContain('payments has a concurrency of 2, and 4 threads call it')
  })
})

describe('an open breaker', () => {
  test('whose time is up is not looked at again and again while there is no room for a probe', async () => {
    const ends: ((error: Error) => void)[] = []
    const options = {
      circuitBreaker: { failures: 1, openFor: 10 },
      adaptive: { algorithm: 'aimd', initial: 8, decrease: 0.5 },
      timeout: '1h',
    } as const
    const { call, context } = guarded(options, () => new Promise((_resolve, reject) => ends.push(reject)))
    const results = Array.from({ length: 8 }, () => outcome(call()))
    await vi.advanceTimersByTimeAsync(200)
    ends[0]?.(new Error('down'))
    await results[0]
    const held = outcome(call())
    expect(context.told).toContain('held 1')
    // Not by a spy: the real timers would not be put back behind it.
    const { setTimeout: faked } = globalThis
    let timers = 0
    globalThis.setTimeout = ((...timer: Parameters<typeof setTimeout>) => {
      timers++
      return faked(...timer)
    }) as typeof setTimeout
    await vi.advanceTimersByTimeAsync(1000)
    globalThis.setTimeout = faked
    expect(timers).toBeLessThan(3)
    for (const end of ends.slice(1)) end(new Error('down'))
    await vi.advanceTimersByTimeAsync(1000)
    expect(ends).toHaveLength(9)
    ends[8]?.(new Error('still down'))
    expect(await held).toContain('still down')
  })

  test('says how it changes, and does not say it without end', async () => {
    const { call, context } = guarded({ circuitBreaker: { failures: 1, openFor: 10, whileOpen: 'fail' } }, () =>
      Promise.reject(new Error('down')),
    )
    for (let index = 0; index < 100; index++) {
      await outcome(call())
      await vi.advanceTimersByTimeAsync(10)
    }
    expect(context.changes[0]).toMatchObject({ dependency: 'out', from: 'closed', to: 'open', because: 'down', unsaid: 0 })
    expect(context.changes[1]).toMatchObject({ from: 'open', to: 'half-open' })
    expect(context.changes[2]).toMatchObject({ from: 'half-open', to: 'open', because: 'a probe failed: down' })
    expect(context.changes.length).toBeGreaterThanOrEqual(20)
    expect(context.changes.length).toBeLessThan(25)
    await vi.advanceTimersByTimeAsync(5000)
    await outcome(call())
    expect(context.changes.at(-2)?.unsaid).toBeGreaterThan(100)
  })
})
