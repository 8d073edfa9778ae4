/** The options of adaptive limits, checked. Pure. */
import { SluiceError } from '@sluice/engine'
import { parseDuration } from '../../../duration/duration.js'
import { checkOptions } from '../../../options/check-options.js'
import type { AdaptiveSettings } from './adaptive-controller.js'
import type { Target } from './observation.js'

const PERIOD_MS_DEFAULT = 100
/** A shorter period holds too few records and wakes the thread too often. */
const PERIOD_MS_MIN = 10
/** Default increase of a period, of the largest rate. */
const INCREASE_SHARE = 0.01
const DECREASE_DEFAULT = 0.7
const TOLERANCE_DEFAULT = 1.5

export interface LooseAdaptiveOptions {
  readonly observe?: unknown
  readonly min?: unknown
  readonly max?: unknown
  readonly initial?: unknown
  readonly period?: unknown
  readonly target?: unknown
  readonly increase?: unknown
  readonly decrease?: unknown
  readonly tolerance?: unknown
}

export function adaptiveSettings(what: string, algorithm: 'aimd' | 'gradient', options: LooseAdaptiveOptions): AdaptiveSettings {
  const { observe, min, max, initial = min, period = PERIOD_MS_DEFAULT } = options
  if (typeof observe !== 'string' || observe === '') refuse(what, 'observe', observe, 'the name of an operator behind it')
  const least = number(what, 'min', min, (value) => value > 0, 'a finite number above 0')
  const most = number(what, 'max', max, (value) => value >= least, `a finite number of at least min, ${least}`)
  const first = number(what, 'initial', initial, (value) => value >= least && value <= most, `a number from ${least} to ${most}`)
  const periodMs = parseDuration(period as number | string, `period of ${what}`)
  if (periodMs < PERIOD_MS_MIN) refuse(what, 'period', period, `a duration of at least ${PERIOD_MS_MIN} ms`)
  const common = { observe, periodMs, initial: first, min: least, max: most }
  const target = targetOf(what, options.target)
  if (algorithm === 'gradient') {
    for (const option of ['increase', 'decrease'] as const)
      if (options[option] !== undefined) refuse(what, option, options[option], "nothing: it goes with algorithm 'aimd'")
    const { tolerance = TOLERANCE_DEFAULT } = options
    return {
      ...common,
      algorithm,
      target,
      tolerance: number(what, 'tolerance', tolerance, (value) => value >= 1, 'a number of at least 1'),
    }
  }
  if (options.tolerance !== undefined) refuse(what, 'tolerance', options.tolerance, "nothing: it goes with algorithm 'gradient'")
  if (target.latencyMs === undefined && target.queueMs === undefined && target.errorRate === undefined)
    refuse(what, 'target', options.target, 'at least one of latency, queueTime and errorRate')
  const { increase = most * INCREASE_SHARE, decrease = DECREASE_DEFAULT } = options
  return {
    ...common,
    algorithm,
    target,
    increase: number(what, 'increase', increase, (value) => value > 0, 'a finite number above 0'),
    decrease: number(what, 'decrease', decrease, (value) => value > 0 && value < 1, 'a number between 0 and 1'),
  }
}

function targetOf(what: string, given: unknown): Target {
  if (given === undefined) return { latencyMs: undefined, queueMs: undefined, errorRate: undefined }
  if (typeof given !== 'object' || given === null) refuse(what, 'target', given, "an object such as { latency: '50ms' }")
  checkOptions(`target of ${what}`, given, ['latency', 'queueTime', 'errorRate'])
  const { latency, queueTime, errorRate } = given as Readonly<Record<string, unknown>>
  const duration = (option: string, value: unknown): number | undefined => {
    if (value === undefined) return undefined
    const ms = parseDuration(value as number | string, `${option} of ${what}`)
    if (ms <= 0) refuse(what, option, value, 'a duration above 0')
    return ms
  }
  const isShare = (value: number): boolean => value >= 0 && value < 1
  return {
    latencyMs: duration('target.latency', latency),
    queueMs: duration('target.queueTime', queueTime),
    errorRate: errorRate === undefined ? undefined : number(what, 'target.errorRate', errorRate, isShare, 'a number from 0, below 1'),
  }
}

function number(what: string, option: string, value: unknown, fits: (value: number) => boolean, takes: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && fits(value)) return value
  refuse(what, option, value, takes)
}

function refuse(what: string, option: string, value: unknown, takes: string): never {
  const shown = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `${option} of ${what} is ${shown}, and takes ${takes}.`)
}
