import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.js'
import { type AttemptFailure, decideRestart } from '../../src/restart/decide-restart.js'

const exponential = { kind: 'exponential', initialDelayMs: 1_000, maxDelayMs: 60_000, resetAfterMs: 600_000 } as const
const outage = new SluiceError('SLUICE_SINK_FAILED', 'refused')
const poison = (position = 'line 3'): SluiceError =>
  new SluiceError('SLUICE_OPERATOR_FAILED', 'it threw', { operator: 'parse', position, cause: new TypeError('no') })
/** Attempts of 10 ms that failed one after another. */
const failed = (...errors: readonly unknown[]): AttemptFailure[] =>
  errors.map((error, index) => ({ startedMs: index * 100, failedMs: index * 100 + 10, error, checkpoint: 0 }))

test('delays double up to the largest', () => {
  const delays = Array.from({ length: 9 }, (_, index) => decideRestart(exponential, failed(...Array<Error>(index + 1).fill(outage)), 0.5))
  expect(delays.map((one) => one.restart && one.delayMs)).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
})

test('jitter stays within a tenth', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.integer({ min: 1, max: 12 }), (random, count) => {
      const failures = failed(...Array<Error>(count).fill(outage))
      const [exact, spread] = [decideRestart(exponential, failures, 0.5), decideRestart(exponential, failures, random)]
      if (!exact.restart || !spread.restart) throw new Error('gave up')
      expect(Math.abs(spread.delayMs - exact.delayMs)).toBeLessThanOrEqual(exact.delayMs * 0.1 + 1e-6)
    }),
  )
})

test('an attempt that was healthy for long begins anew', () => {
  const failures = failed(outage, outage, outage, outage)
  const healthy = { startedMs: 1_000, failedMs: 601_000, error: outage, checkpoint: 4 }
  expect(decideRestart(exponential, [...failures, healthy], 0.5)).toEqual({ restart: true, delayMs: 1_000 })
  const next = { startedMs: 602_000, failedMs: 602_010, error: outage, checkpoint: 4 }
  expect(decideRestart(exponential, [...failures, healthy, next], 0.5)).toEqual({ restart: true, delayMs: 2_000 })
})

test('errors against which a restart does not help end the job at once', () => {
  const wrong = [new SluiceError('SLUICE_KEY_INVALID', 'NaN'), new SluiceError('SLUICE_ASSERTION', 'defect'), new Error('no code'), 'text']
  for (const error of wrong)
    expect(decideRestart(exponential, failed(error), 0.5)).toEqual({ restart: false, because: 'a restart does not help against it' })
})

test('the same record three times ends the job, unless a checkpoint was completed in between', () => {
  expect(decideRestart(exponential, failed(poison(), poison()), 0.5).restart).toBe(true)
  expect(decideRestart(exponential, failed(poison(), poison(), poison()), 0.5)).toEqual({
    restart: false,
    because: 'it failed 3 times at the same place with no checkpoint in between',
  })
  const progress = failed(poison(), poison(), poison()).map((failure, index) => ({ ...failure, checkpoint: index }))
  expect(decideRestart(exponential, progress, 0.5).restart).toBe(true)
  expect(decideRestart(exponential, failed(poison(), poison('line 4'), poison()), 0.5).restart).toBe(true)
  expect(decideRestart(exponential, failed(poison(), outage, poison(), poison()), 0.5).restart).toBe(true)
})

test('it is the same record in whichever subtask', () => {
  const at = (subtask: number): SluiceError =>
    new SluiceError('SLUICE_OPERATOR_FAILED', `parse (subtask ${subtask}) threw TypeError: no`, { operator: 'parse', subtask })
  expect(decideRestart(exponential, failed(at(0), at(1), at(0)), 0.5).restart).toBe(false)
})

test('an outage is no place: the strategy alone decides how long it may last', () => {
  expect(decideRestart(exponential, failed(outage, outage, outage, outage), 0.5).restart).toBe(true)
})

test('fixed restarts so many times', () => {
  const fixed = { kind: 'fixed', attempts: 2, delayMs: 50 } as const
  expect(decideRestart(fixed, failed(outage, outage), 0)).toEqual({ restart: true, delayMs: 50 })
  expect(decideRestart(fixed, failed(outage, outage, outage), 0)).toEqual({ restart: false, because: 'it was restarted 2 times already' })
})

test('failure-rate counts what lies within its window', () => {
  const rate = { kind: 'failure-rate', failures: 2, windowMs: 150, delayMs: 5 } as const
  expect(decideRestart(rate, failed(outage, outage, outage), 0)).toEqual({ restart: true, delayMs: 5 })
  expect(decideRestart({ ...rate, windowMs: 1_000 }, failed(outage, outage, outage), 0)).toEqual({
    restart: false,
    because: 'it failed 3 times within 1000 ms',
  })
})

test('none never restarts', () => {
  expect(decideRestart({ kind: 'none' }, failed(outage), 0)).toEqual({ restart: false, because: 'the restart strategy is none' })
})
