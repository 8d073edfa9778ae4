/** The options of guarded calls, checked and with their defaults. What contradicts itself is refused while the job is declared. Pure. */
import { SluiceError } from '@sluice/engine'
import { parseDuration } from '../duration/duration.js'
import type { AdaptiveSettings } from '../flow/rate/adaptive/adaptive-controller.js'
import { adaptiveSettings } from '../flow/rate/adaptive/adaptive-settings.js'
import { checkChoice, checkFunction, checkInteger, checkOptions } from '../options/check-options.js'
import type { AdaptiveCalls, CallOptions, CircuitBreakerOptions, DependencyOptions, RetryBudget, RetryOptions } from './call-options.js'
import { DeclaredDependency } from './dependency.js'
import type { BreakerSettings, BudgetSettings, CallSettings, DependencySettings, RetrySettings } from './protection.js'

const TIMEOUT_MS_DEFAULT = 60_000
const ATTEMPTS_DEFAULT = 5
const DELAY_MS_DEFAULT = 100
const DELAY_MS_MAX_DEFAULT = 30_000
const SHARE_DEFAULT = 0.2
const PER_SECOND_DEFAULT = 10
const FAILURES_DEFAULT = 5
const MIN_CALLS_DEFAULT = 20
const WINDOW_MS_DEFAULT = 10_000
const OPEN_FOR_MS_DEFAULT = 10_000
const ERROR_RATE_DEFAULT = 0.05
/** What a timer takes. */
const DURATION_MS_MAX = 2 ** 31 - 1

/**
 * @param what the operator, as part of a message
 * @param concurrency calls under way at once of this operator; undefined: one per subtask
 */
export function callSettings(what: string, options: CallOptions, concurrency: number | undefined): CallSettings {
  const { retry, dependency, onError } = options
  if (onError !== undefined) checkChoice(`onError of ${what}`, onError, ['fail', 'drop', 'deadLetter'])
  if (dependency !== undefined && !(dependency instanceof DeclaredDependency))
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `dependency of ${what} takes what job.dependency(name, options) gives.`)
  const retrySettings = retry === undefined || retry === false ? undefined : retrySettingsOf(what, retry)
  const timeoutMs = timeoutOf(what, options, retrySettings)
  const shared = dependency === undefined ? ownSettings(what, options, concurrency) : sharedSettings(what, options, dependency)
  if (shared.breaker?.whileOpen === 'fail' && retrySettings?.attempts === Number.POSITIVE_INFINITY)
    refuse(
      `${what} has retry.attempts 'unlimited', and a circuit breaker with whileOpen 'fail': one never gives a record up, the other does at once.`,
      "Let records wait while it is open (whileOpen: 'wait'), or bound the attempts.",
    )
  return { ...shared, timeoutMs, retry: retrySettings, dependency: dependency?.name }
}

/** Whether anything is asked for that the engine alone does not do. */
export function isGuarded({ retry, circuitBreaker, adaptive, dependency, onError }: CallOptions): boolean {
  const retries = retry !== undefined && retry !== false
  return retries || circuitBreaker !== undefined || adaptive !== undefined || dependency !== undefined || (onError ?? 'fail') !== 'fail'
}

export function dependencySettings(name: string, options: DependencyOptions): DependencySettings {
  const what = `dependency ${name}`
  checkOptions(what, options, ['concurrency', 'circuitBreaker', 'retryBudget', 'adaptive'])
  const { concurrency, circuitBreaker, retryBudget, adaptive } = options
  if (concurrency !== undefined) checkInteger(`concurrency of ${what}`, concurrency, 1)
  return {
    concurrency,
    breaker: circuitBreaker === undefined ? undefined : breakerSettings(what, circuitBreaker, concurrency),
    budget: budgetSettings(what, 'retryBudget', retryBudget),
    adaptive: adaptive === undefined ? undefined : adaptiveOf(what, adaptive, concurrency),
  }
}

/** What the plan shows and the fingerprint holds: numbers, no functions. */
export function shownSettings({ timeoutMs, retry, breaker, budget, adaptive, dependency, concurrency }: CallSettings): object {
  return {
    timeoutMs,
    ...(retry === undefined ? {} : { retry: { ...retry, when: undefined, budget } }),
    ...(breaker === undefined ? {} : { circuitBreaker: { ...breaker, counts: undefined } }),
    ...(adaptive === undefined ? {} : { adaptive }),
    ...(dependency === undefined ? {} : { dependency, concurrency }),
  }
}

/** The user's functions in it. */
export function functionsOf({ retry, breaker }: CallSettings): ((error: unknown) => boolean)[] {
  return [retry?.when, breaker?.counts].filter((fn) => fn !== undefined)
}

function ownSettings(what: string, options: CallOptions, concurrency: number | undefined): DependencySettings {
  const { retry, circuitBreaker, adaptive } = options
  return {
    concurrency: undefined,
    breaker: circuitBreaker === undefined ? undefined : breakerSettings(what, circuitBreaker, concurrency),
    budget: retry === undefined || retry === false ? undefined : budgetSettings(what, 'retry.budget', retry.budget),
    adaptive: adaptive === undefined ? undefined : adaptiveOf(what, adaptive, concurrency),
  }
}

function sharedSettings(what: string, options: CallOptions, { name, settings }: DeclaredDependency): DependencySettings {
  const { retry, circuitBreaker, adaptive } = options
  const refuseOwn = (option: string, of: string): never =>
    refuse(
      `${what} has ${option}, and calls the dependency ${name}, which has one for all that call it.`,
      `Give ${of} to job.dependency('${name}', ...).`,
    )
  if (circuitBreaker !== undefined) refuseOwn('a circuitBreaker of its own', 'circuitBreaker')
  if (adaptive !== undefined) refuseOwn('adaptive of its own', 'adaptive')
  if (typeof retry === 'object' && retry.budget !== undefined) refuseOwn('a retry.budget of its own', 'retryBudget')
  return settings
}

function timeoutOf(what: string, { timeout }: CallOptions, retry: RetrySettings | undefined): number {
  const withinMs = retry?.withinMs ?? Number.POSITIVE_INFINITY
  if (timeout === undefined) return Math.min(TIMEOUT_MS_DEFAULT, withinMs)
  const timeoutMs = durationOf(timeout, `timeout of ${what}`)
  if (timeoutMs > withinMs)
    refuse(
      `timeout of ${what} is ${timeoutMs} ms, and retry.within ${withinMs} ms: one attempt may take longer than all of them together.`,
      'Make timeout shorter than within, so that there is time for another attempt.',
    )
  return timeoutMs
}

function retrySettingsOf(what: string, retry: RetryOptions): RetrySettings {
  checkOptions(`retry of ${what}`, retry, ['attempts', 'delay', 'delayMax', 'within', 'when', 'budget'])
  const { attempts = ATTEMPTS_DEFAULT, delay, delayMax, within, when, budget } = retry
  if (attempts !== 'unlimited') checkInteger(`retry.attempts of ${what}`, attempts, 1)
  if (attempts === 1 && budget !== undefined && budget !== false)
    refuse(
      `retry.attempts of ${what} is 1, and there is a retry.budget: with one attempt nothing is retried.`,
      'Attempts count the first call: give at least 2, or leave the budget out.',
    )
  if (when !== undefined) checkFunction(`retry.when of ${what}`, when)
  const delayMs = delay === undefined ? DELAY_MS_DEFAULT : parseDuration(delay, `retry.delay of ${what}`)
  const delayMsMax = delayMax === undefined ? Math.max(DELAY_MS_MAX_DEFAULT, delayMs) : durationOf(delayMax, `retry.delayMax of ${what}`)
  if (delayMs > delayMsMax)
    refuse(
      `retry.delay of ${what} is ${delayMs} ms, and retry.delayMax ${delayMsMax} ms: the first wait is longer than the longest.`,
      'Make delay the smaller one.',
    )
  if (delayMs === 0 && attempts === 'unlimited' && budget === false)
    refuse(
      `retry of ${what} tries again for ever, without a delay and without a budget: it would call as fast as it can.`,
      'Give a delay, a budget or a number of attempts.',
    )
  const withinMs = within === undefined ? Number.POSITIVE_INFINITY : durationOf(within, `retry.within of ${what}`)
  if (delayMs > withinMs)
    refuse(
      `retry.delay of ${what} is ${delayMs} ms, and retry.within ${withinMs} ms: the first wait may be longer than all attempts together.`,
      'Make within longer, or delay shorter.',
    )
  return { attempts: attempts === 'unlimited' ? Number.POSITIVE_INFINITY : attempts, delayMs, delayMsMax, withinMs, when }
}

function budgetSettings(what: string, option: string, budget: RetryBudget | false | undefined): BudgetSettings | undefined {
  if (budget === false) return undefined
  if (budget !== undefined) checkOptions(`${option} of ${what}`, budget, ['share', 'perSecond', 'whenEmpty'])
  const { share = SHARE_DEFAULT, perSecond = PER_SECOND_DEFAULT, whenEmpty = 'wait' } = budget ?? {}
  checkNumber(`${option}.share of ${what}`, share, (value) => value >= 0, 'a number of at least 0')
  checkNumber(`${option}.perSecond of ${what}`, perSecond, (value) => value >= 0, 'a number of at least 0')
  checkChoice(`${option}.whenEmpty of ${what}`, whenEmpty, ['wait', 'giveUp'])
  if (whenEmpty === 'wait' && perSecond === 0)
    refuse(
      `${option} of ${what} gives 0 retries per second, and whenEmpty is 'wait': where there are no calls but retries, they would wait for ever.`,
      "Give perSecond a number above 0, or whenEmpty 'giveUp'.",
    )
  if (share === 0 && perSecond === 0)
    refuse(`${option} of ${what} gives no retries at all: share and perSecond are 0.`, 'Give one of them, or leave retry out.')
  return { share, perSecond, whenEmpty }
}

function breakerSettings(what: string, breaker: CircuitBreakerOptions, concurrency: number | undefined): BreakerSettings {
  const of = `circuitBreaker of ${what}`
  checkOptions(of, breaker, ['failures', 'failureShare', 'minCalls', 'window', 'openFor', 'probes', 'whileOpen', 'counts'])
  const { failures, failureShare, minCalls, window, openFor, probes = 1, whileOpen = 'wait', counts } = breaker
  if (failures !== undefined && failureShare !== undefined)
    refuse(
      `${of} has failures and failureShare: it would not be clear which of them opens it.`,
      'failures counts those in a row, failureShare is of the calls in a window: give one of them.',
    )
  if (failures !== undefined) checkInteger(`failures of ${of}`, failures, 1)
  if (failureShare === undefined)
    for (const [option, value] of Object.entries({ minCalls, window }))
      if (value !== undefined) refuse(`${of} has ${option}, which goes with failureShare alone.`, 'Give failureShare, or leave it out.')
  if (failureShare !== undefined)
    checkNumber(`failureShare of ${of}`, failureShare, (value) => value > 0 && value < 1, 'a number above 0 and below 1')
  if (minCalls !== undefined) checkInteger(`minCalls of ${of}`, minCalls, 1)
  checkInteger(`probes of ${of}`, probes, 1)
  if (concurrency !== undefined && probes > concurrency)
    refuse(
      `${of} lets ${probes} probes through, and concurrency is ${concurrency}: so many calls are never under way.`,
      'Give at most as many probes as concurrency.',
    )
  checkChoice(`whileOpen of ${of}`, whileOpen, ['wait', 'fail'])
  if (counts !== undefined) checkFunction(`counts of ${of}`, counts)
  return {
    opensBy:
      failureShare === undefined
        ? { failures: failures ?? FAILURES_DEFAULT }
        : {
            failureShare,
            minCalls: minCalls ?? MIN_CALLS_DEFAULT,
            windowMs: window === undefined ? WINDOW_MS_DEFAULT : durationOf(window, `window of ${of}`),
          },
    openForMs: openFor === undefined ? OPEN_FOR_MS_DEFAULT : durationOf(openFor, `openFor of ${of}`),
    probes,
    whileOpen,
    counts,
  }
}

function adaptiveOf(what: string, adaptive: AdaptiveCalls, concurrency: number | undefined): AdaptiveSettings {
  const of = `adaptive of ${what}`
  checkOptions(of, adaptive, ['algorithm', 'min', 'initial', 'period', 'target', 'increase', 'decrease', 'tolerance'])
  const { algorithm, min = 1, target } = adaptive
  checkChoice(`algorithm of ${of}`, algorithm, ['aimd', 'gradient'])
  if (concurrency === undefined) refuse(`${of} needs a bound: ${what} has no concurrency.`, 'Give concurrency: it is the most.')
  checkInteger(`min of ${of}`, min, 1)
  if (min > concurrency)
    refuse(`min of ${of} is ${min}, and concurrency, which is the most, ${concurrency}.`, 'Give a min of at most concurrency.')
  if (target !== undefined) checkOptions(`target of ${of}`, target, ['latency', 'errorRate'])
  const known = target ?? (algorithm === 'aimd' ? { errorRate: ERROR_RATE_DEFAULT } : undefined)
  return adaptiveSettings(of, algorithm, { ...adaptive, min, max: concurrency, target: known, observe: 'calls' })
}

function durationOf(value: unknown, what: string): number {
  const ms = parseDuration(value as number | string, what)
  if (ms >= 1 && ms <= DURATION_MS_MAX) return ms
  refuse(`${what} is ${ms} ms, and takes 1 ms to 24 days.`, 'Write a number of milliseconds or text such as 250ms, 10s, 1h.')
}

function checkNumber(option: string, value: unknown, fits: (value: number) => boolean, takes: string): void {
  if (typeof value === 'number' && Number.isFinite(value) && fits(value)) return
  refuse(`${option} is ${String(value)}, and takes ${takes}.`, 'See the options of calls.')
}

function refuse(message: string, hint: string): never {
  throw new SluiceError('SLUICE_OPTIONS_INVALID', message, { hint })
}
