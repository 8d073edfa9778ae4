/** From the options of `rateLimit` to the operator that does it. Runs while a job is declared. */
import { type OperatorContext, shareOf, SluiceError } from '@sluice/engine'
import { parseByteSize } from '../../duration/byte-size.js'
import { parseDuration } from '../../duration/duration.js'
import { checkChoice, checkFunction, checkInteger, checkOptions } from '../../options/check-options.js'
import type { OperatorPlan } from '../../stream/operator-plan.js'
import { createController } from './adaptive/adaptive-controller.js'
import { adaptiveSettings, type LooseAdaptiveOptions } from './adaptive/adaptive-settings.js'
import { KeyLimiter } from './key-limiter.js'
import { burstAt, type LimitSettings, shareOfKey, shareOfSubtask } from './limit-settings.js'
import { DROPPED_PORT, StreamLimiter } from './stream-limiter.js'

const KEYS_DEFAULT = 10_000
const QUEUE_RECORDS_DEFAULT = 1_000
const QUEUE_BYTES_DEFAULT = 16 * 1024 * 1024
/** Wake-ups come this late: a burst below what the rate gives meanwhile is used up before the next one. */
const COARSE_MS = 2

/** The options as they come at run time: whatever was written. */
export interface LooseLimitOptions extends LooseAdaptiveOptions {
  readonly algorithm?: unknown
  readonly rate?: unknown
  readonly per?: unknown
  readonly burst?: unknown
  readonly key?: unknown
  readonly keys?: unknown
  readonly queue?: { readonly records?: unknown; readonly bytes?: unknown } | undefined
  readonly onLimit?: unknown
  readonly lossy?: unknown
  readonly parallelism?: number | undefined
}

export interface RateLimitPlan extends OperatorPlan {
  readonly keyOf: ((record: never) => unknown) | undefined
}

/** `signalled`: a stream says the rate. */
export function planRateLimit(name: string, options: LooseLimitOptions | undefined, signalled: boolean): RateLimitPlan {
  const what = `rateLimit ${name}`
  if (options === undefined) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `${what} has no options`, { hint: 'Give it a rate: { rate: 100 }.' })
  }
  checkOptions(what, options, OPTIONS)
  const { algorithm = 'token-bucket', onLimit = 'hold', lossy } = options
  checkChoice(`algorithm of ${what}`, algorithm, ['token-bucket', 'leaky-bucket', 'aimd', 'gradient'])
  checkChoice(`onLimit of ${what}`, onLimit, ['hold', 'drop'])
  const drops = onLimit === 'drop'
  if (!drops && lossy !== undefined) refuse(what, 'lossy', "goes with onLimit: 'drop' alone")
  const adaptive = algorithm === 'aimd' || algorithm === 'gradient'
  if (adaptive) return planAdaptive(name, what, algorithm, options, drops)
  for (const option of ['observe', 'min', 'max', 'target', 'period', 'increase', 'decrease', 'tolerance'] as const)
    if (options[option] !== undefined) refuse(what, option, "goes with algorithm 'aimd' or 'gradient'")
  if (signalled) checkRate(`initial of ${what}`, options.initial, 0)
  else {
    checkRate(`rate of ${what}`, options.rate, Number.MIN_VALUE)
    if (options.initial !== undefined) refuse(what, 'initial', 'goes with a stream that says the rate')
  }
  const rate = (signalled ? options.initial : options.rate) as number
  const perMs = perOf(what, options)
  if (options.burst !== undefined) {
    if (algorithm === 'leaky-bucket')
      refuse(what, 'burst', "goes with algorithm 'token-bucket': a leaky bucket gives records evenly spaced")
    checkInteger(`burst of ${what}`, options.burst, 1)
  }
  const settings: LimitSettings = { algorithm, rate, perMs, burst: options.burst as number | undefined, drops }
  const shown = {
    type: 'rateLimit',
    algorithm,
    rate: signalled ? 'stream' : rate,
    perMs,
    burst: options.burst ?? 'default',
    onLimit,
    ...(signalled ? { initial: rate } : {}),
  }
  const common = {
    ...whatDrops(drops, lossy === true),
    limit: signalled ? 'rate' : `rate of ${describeRate(rate, perMs)}${options.key === undefined ? '' : ' per key'}`,
    warning: coarseWarning(name, settings),
  }
  if (options.key !== undefined) return { ...common, ...planKeyLimit(what, options, settings, signalled, shown) }
  for (const option of ['keys', 'queue'] as const) if (options[option] !== undefined) refuse(what, option, 'goes with a key')
  return {
    ...common,
    spec: {
      kind: 'general',
      holds: true,
      optionalPorts: drops ? [DROPPED_PORT] : undefined,
      redistribution: 'union',
      create: (context) => new StreamLimiter(context, { share: shareOfSubtask(settings, context), rate, signalled }),
    },
    options: shown,
    functions: [],
    keyOf: undefined,
    parallelismMax: parallelismOf(settings, signalled),
  }
}

const OPTIONS: readonly (keyof LooseLimitOptions)[] = [
  'algorithm',
  'rate',
  'initial',
  'per',
  'burst',
  'key',
  'keys',
  'queue',
  'onLimit',
  'lossy',
  'parallelism',
  'observe',
  'min',
  'max',
  'target',
  'period',
  'increase',
  'decrease',
  'tolerance',
]

function whatDrops(drops: boolean, accepted: boolean): Pick<OperatorPlan, 'ports' | 'lossy'> {
  return drops
    ? { ports: ['out', 'dropped'], lossy: { because: 'drops the records beyond its rate', accepted } }
    : { ports: ['out'], lossy: undefined }
}

function perOf(what: string, { per = 1000 }: LooseLimitOptions): number {
  const perMs = parseDuration(per as number | string, `per of ${what}`)
  if (perMs <= 0) refuse(what, 'per', 'is a duration above 0')
  return perMs
}

function planAdaptive(
  name: string,
  what: string,
  algorithm: 'aimd' | 'gradient',
  options: LooseLimitOptions,
  drops: boolean,
): RateLimitPlan {
  for (const option of ['rate', 'key', 'keys', 'queue'] as const)
    if (options[option] !== undefined)
      refuse(what, option, `does not go with algorithm '${algorithm}', which finds a rate for the whole stream`)
  const adaptive = adaptiveSettings(what, algorithm, options)
  const perMs = perOf(what, options)
  if (options.burst !== undefined) checkInteger(`burst of ${what}`, options.burst, 1)
  const { initial: rate, min, max, observe } = adaptive
  const settings: LimitSettings = { algorithm: 'token-bucket', rate, perMs, burst: options.burst as number | undefined, drops }
  return {
    ...whatDrops(drops, options.lossy === true),
    spec: {
      kind: 'general',
      holds: true,
      optionalPorts: drops ? [DROPPED_PORT] : undefined,
      redistribution: 'union',
      observes: observe,
      create: (context) => {
        const controller = createController(context, adaptive)
        return new StreamLimiter(context, { share: shareOfSubtask(settings, context), rate, signalled: false, controller })
      },
    },
    options: { type: 'rateLimit', perMs, burst: options.burst ?? 'default', onLimit: drops ? 'drop' : 'hold', ...adaptive },
    functions: [],
    keyOf: undefined,
    parallelismMax: { value: 1, because: 'one rate is decided for all of its records' },
    limit: `rate, between ${min} and ${describeRate(max, perMs)} after ${observe},`,
    warning: coarseWarning(name, { ...settings, rate: max }),
  }
}

function planKeyLimit(
  what: string,
  { key, keys = KEYS_DEFAULT, queue }: LooseLimitOptions,
  settings: LimitSettings,
  signalled: boolean,
  shown: Readonly<Record<string, unknown>>,
): Pick<RateLimitPlan, 'spec' | 'options' | 'functions' | 'keyOf'> {
  checkFunction(`key of ${what}`, key)
  checkInteger(`keys of ${what}`, keys, 1)
  if (queue !== undefined) {
    checkOptions(`queue of ${what}`, queue, ['records', 'bytes'])
    checkInteger(`queue.records of ${what}`, queue.records, 1)
  }
  const queueRecords = (queue?.records ?? (settings.drops ? 0 : QUEUE_RECORDS_DEFAULT)) as number
  const queueBytes = parseByteSize((queue?.bytes ?? QUEUE_BYTES_DEFAULT) as number | string, `queue.bytes of ${what}`)
  const keyOf = key as (record: unknown) => unknown
  const share = shareOfKey(settings)
  const { rate } = settings
  const optionalPorts = settings.drops ? [DROPPED_PORT] : undefined
  const create = (context: OperatorContext): KeyLimiter => {
    const { index, parallelism } = context.subtask
    const of = (total: number): number => (total === 0 ? 0 : Math.max(1, shareOf(total, parallelism, index)))
    const bounds = { keys: of(keys as number), queueRecords: of(queueRecords), queueBytes: of(queueBytes) }
    return new KeyLimiter(context, { share, rate, signalled, keyOf, ...bounds })
  }
  return {
    spec: {
      kind: 'general',
      holds: true,
      holdsBytes: queueRecords === 0 ? undefined : queueBytes,
      optionalPorts,
      redistribution: 'union',
      create,
    },
    options: { ...shown, keys, queueRecords, queueBytes },
    functions: [keyOf],
    keyOf,
  }
}

/** Not more subtasks than records that may leave at once: a part of one is none. */
function parallelismOf(settings: LimitSettings, signalled: boolean): OperatorPlan['parallelismMax'] {
  const { algorithm, burst, rate, perMs } = settings
  if (algorithm === 'leaky-bucket') return { value: 1, because: 'its records leave evenly spaced, one after the other' }
  if (burst === undefined && signalled) return undefined
  const value = Math.floor(burst ?? burstAt(settings, rate / perMs))
  return { value, because: value === 1 ? 'its burst is one record' : `its burst is ${value} records` }
}

function coarseWarning(name: string, { algorithm, burst, rate, perMs }: LimitSettings): string | undefined {
  const needed = Math.ceil((rate / perMs) * COARSE_MS)
  if (algorithm !== 'token-bucket' || burst === undefined || burst >= needed) return undefined
  return `${name} may stay below its rate: timers are about 1 ms coarse, and a burst of ${burst} lasts for less; from ${needed} on it is reached`
}

/** "100/s", "5 per 1,000 ms". */
function describeRate(rate: number, perMs: number): string {
  const unit = { 1000: 's', 60_000: 'min', 3_600_000: 'h' }[perMs]
  return unit === undefined ? `${rate} per ${perMs} ms` : `${rate}/${unit}`
}

function checkRate(option: string, value: unknown, min: number): void {
  if (typeof value === 'number' && Number.isFinite(value) && value >= min) return
  const takes = min > 0 ? 'a finite number above 0' : 'a finite number of at least 0'
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `${option} is ${String(value)}, and takes ${takes}.`)
}

function refuse(what: string, option: string, why: string): never {
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `${option} of ${what} ${why}.`)
}
