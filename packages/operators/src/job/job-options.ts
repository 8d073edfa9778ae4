/**
 * The options of a job, checked when it is defined, and the settings that they stand for. Checked by hand: every worker loads this
 * module before its first record, and a schema library takes longer to load than the rest of the package.
 */
import {
  type CheckpointSettings,
  defaultSettings,
  type EdgeSettings,
  type JobSettings,
  type RestartStrategy,
  SluiceError,
} from '@sluice/engine'
import { parseByteSize } from '../duration/byte-size.js'
import { type Duration, parseDuration } from '../duration/duration.js'
import { isName, NAME_CHARACTERS_MAX } from './is-name.js'
import type { CheckpointOptions, EdgeOptions, JobOptions, RestartOptions } from './job.js'

type Check = (value: unknown) => string | undefined

const isCount: Check = (value) => (Number.isSafeInteger(value) && (value as number) >= 1 ? undefined : 'an integer of at least 1')
const isCountOrZero: Check = (value) => (Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : 'an integer of at least 0')
const isTime: Check = (value) => (Number.isFinite(value) && (value as number) >= 0 ? undefined : 'a number of milliseconds')
const isBoolean: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false')
const isSize: Check = (value) => (typeof value === 'number' || typeof value === 'string' ? undefined : "a size such as '256mb'")
const isNameOfJob: Check = (value) => (isName(value) ? undefined : `text of 1 to ${NAME_CHARACTERS_MAX} characters on one line`)
const isSchema: Check = (value) =>
  (typeof value === 'object' || typeof value === 'function') && value !== null && '~standard' in value
    ? undefined
    : 'a schema such as z.object({ ... })'
const isObject: Check = (value) => (typeof value === 'object' && value !== null ? undefined : 'an object')

const isText: Check = (value) => (typeof value === 'string' && value !== '' ? undefined : 'text')
const isPeriod: Check = (value) => {
  try {
    return parseDuration(value as number | string, '') > 0 ? undefined : 'a duration above 0'
  } catch {
    return "a duration such as '10s'"
  }
}

/** Ranges are checked where settings are resolved, for jobs and runners alike. */
const settingChecks: Readonly<Record<keyof NonNullable<JobOptions['settings']>, Check>> = {
  maxRecordBytes: isCount,
  windowTargetMs: isTime,
  adaptiveWindow: isBoolean,
  keyGroups: isCount,
  ringBytes: isCount,
  chaining: isBoolean,
  checkRecords: isBoolean,
  stuckAfterMs: isTime,
  stopTimeoutMs: isTime,
}

const isMode: Check = (value) =>
  value === 'aligned' || value === 'unaligned' || value === 'at-least-once' ? undefined : "'aligned', 'unaligned' or 'at-least-once'"
const isFunction: Check = (value) => (typeof value === 'function' ? undefined : 'a function that opens it')

const checkpointChecks: Readonly<Record<keyof CheckpointOptions, Check>> = {
  interval: isPeriod,
  directory: isText,
  mode: isMode,
  alignedTimeout: isPeriod,
  timeout: isPeriod,
  retain: isCount,
  storage: isFunction,
}

const restartChecks: Readonly<Record<RestartOptions['strategy'], Readonly<Record<string, Check>>>> = {
  exponential: { initialDelay: isPeriod, maxDelay: isPeriod, resetAfter: isPeriod },
  fixed: { attempts: isCount, delay: isPeriod },
  'failure-rate': { failures: isCount, window: isPeriod, delay: isPeriod },
  none: {},
}
const restartNeeds: Readonly<Record<string, readonly string[]>> = { fixed: ['attempts'], 'failure-rate': ['failures', 'window'] }

const optionChecks: Readonly<Record<keyof JobOptions, Check>> = {
  name: isNameOfJob,
  params: isSchema,
  parallelism: isCount,
  workers: isCountOrZero,
  memory: isSize,
  checkpoint: isObject,
  restart: isObject,
  edges: isObject,
  settings: isObject,
}

const edgeChecks: Readonly<Record<keyof EdgeOptions, Check>> = {
  window: (value) =>
    value === false ? undefined : isPeriod(value) === undefined ? undefined : "a duration above 0, such as '50ms', or false",
  prefetch: isCount,
  weight: (value) => (Number.isFinite(value) && (value as number) > 0 ? undefined : 'a number above 0'),
  priority: (value) => (Number.isSafeInteger(value) ? undefined : 'a whole number'),
}

/** Fails with `SLUICE_OPTIONS_INVALID`, which names each wrong option. */
export function checkJobOptions(options: unknown, declaredAt: string | undefined): void {
  const problems: string[] = []
  if (typeof options !== 'object' || options === null) problems.push('options are an object')
  else {
    const given = options as Readonly<Record<string, unknown>>
    if (given['name'] === undefined) problems.push('name is missing')
    check(given, optionChecks, '', problems)
    if (isObject(given['settings']) === undefined) check(given['settings'] as object, settingChecks, 'settings.', problems)
    if (isObject(given['edges']) === undefined) problems.push(...problemsOfEdges(given['edges'] as object))
    const checkpoint = given['checkpoint']
    if (isObject(checkpoint) === undefined) {
      for (const name of ['interval', 'directory'])
        if (!Object.hasOwn(checkpoint as object, name)) problems.push(`checkpoint.${name} is missing`)
      problems.push(...problemsOfCheckpoint(checkpoint as object))
    }
    if (isObject(given['restart']) === undefined) problems.push(...problemsOfRestart(given['restart'] as object))
  }
  if (problems.length === 0) return
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `defineJob: ${problems.join('; ')}`, {
    declaredAt,
    hint: `defineJob takes { ${Object.keys(optionChecks).join(', ')} }.`,
  })
}

function problemsOfCheckpoint(checkpoint: object): readonly string[] {
  const problems: string[] = []
  check(checkpoint, checkpointChecks, 'checkpoint.', problems)
  return problems
}

function problemsOfEdges(edges: object): readonly string[] {
  const problems: string[] = []
  for (const [edge, said] of Object.entries(edges) as [string, unknown][]) {
    if (isObject(said) === undefined) check(said as object, edgeChecks, `edges["${edge}"].`, problems)
    else problems.push(`edges["${edge}"] is ${show(said)}, and takes an object`)
  }
  return problems
}

function problemsOfRestart(restart: object): readonly string[] {
  const { strategy, ...rest } = restart as { readonly strategy?: unknown }
  const names = Object.keys(restartChecks)
  if (typeof strategy !== 'string' || !Object.hasOwn(restartChecks, strategy))
    return [`restart.strategy is ${show(strategy)}, and takes ${names.join(', ')}`]
  const missing = (restartNeeds[strategy] ?? []).filter((name) => (rest as Readonly<Record<string, unknown>>)[name] === undefined)
  const problems = missing.map((name) => `restart.${name} is missing`)
  check(rest, restartChecks[strategy as RestartOptions['strategy']], 'restart.', problems)
  return problems
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new SluiceError('SLUICE_OPTIONS_INVALID', problems.join('; '))
}

function check(given: object, checks: Readonly<Record<string, Check>>, prefix: string, problems: string[]): void {
  for (const [name, value] of Object.entries(given) as [string, unknown][]) {
    const wants = Object.hasOwn(checks, name) ? (value === undefined ? undefined : checks[name]?.(value)) : 'nothing'
    if (wants === 'nothing') problems.push(`${prefix}${name} is not an option${prefix === '' ? '' : theseAre(checks)}`)
    else if (wants !== undefined) problems.push(`${prefix}${name} is ${show(value)}, and takes ${wants}`)
  }
}

/** The hint of an error names the options of the job itself. */
function theseAre(checks: Readonly<Record<string, Check>>): string {
  const names = Object.keys(checks)
  return names.length === 0 ? '' : `: there are ${names.join(', ')}`
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  return `a value of type ${value === null ? 'null' : typeof value}`
}

export function settingsOf({ parallelism, workers, memory, checkpoint, restart, edges, settings }: JobOptions): JobSettings {
  const memoryBytes = memory === undefined ? undefined : parseByteSize(memory, 'memory')
  return {
    ...settings,
    edges: edges === undefined ? undefined : edgeSettingsOf(edges),
    parallelism,
    workers,
    memoryBytes,
    checkpoint: checkpoint === undefined ? undefined : checkpointSettingsOf(checkpoint),
    restart: restart === undefined ? undefined : restartStrategyOf(restart),
  }
}

/**
 * Options of edges as settings, for tools that run jobs. Fails with `SLUICE_OPTIONS_INVALID`.
 *
 * @example
 * edgeSettingsOf({ 'parse -> write': { window: '20ms' } }) // { 'parse -> write': { windowTargetMs: 20 } }
 */
export function edgeSettingsOf(edges: Readonly<Record<string, EdgeOptions>>): Readonly<Record<string, EdgeSettings>> {
  refuse(problemsOfEdges(edges))
  return Object.fromEntries(
    Object.entries(edges).map(([name, { window, prefetch, weight, priority }]) => {
      const windowTargetMs = window === undefined || window === false ? window : parseDuration(window, `edges["${name}"].window`)
      return [name, { windowTargetMs, prefetch, weight, priority }]
    }),
  )
}

/**
 * Options of checkpoints as settings, for tools that run jobs: only what is given, for what is not comes from the job, or from the defaults.
 * Fails with `SLUICE_OPTIONS_INVALID`.
 *
 * @example
 * checkpointSettingsOf({ interval: '10s' }) // { intervalMs: 10_000 }
 */
export function checkpointSettingsOf(options: Partial<CheckpointOptions>): CheckpointSettings {
  refuse(problemsOfCheckpoint(options))
  const { interval, directory, mode, alignedTimeout, timeout, retain, storage } = options
  const settings: CheckpointSettings = {
    intervalMs: interval === undefined ? undefined : parseDuration(interval, 'checkpoint.interval'),
    directory,
    mode,
    alignedTimeoutMs: alignedTimeout === undefined ? undefined : parseDuration(alignedTimeout, 'checkpoint.alignedTimeout'),
    timeoutMs: timeout === undefined ? undefined : parseDuration(timeout, 'checkpoint.timeout'),
    retain,
    storage,
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as CheckpointSettings
}

const RESTART_DELAY = '1s'

/**
 * A restart strategy with its defaults, for tools that run jobs. Fails with `SLUICE_OPTIONS_INVALID`.
 *
 * @example
 * restartStrategyOf({ strategy: 'fixed', attempts: 3 }) // { kind: 'fixed', attempts: 3, delayMs: 1000 }
 */
export function restartStrategyOf(options: RestartOptions): RestartStrategy {
  refuse(problemsOfRestart(options))
  const ms = (value: Duration | undefined, name: string, fallback: Duration): number => parseDuration(value ?? fallback, `restart.${name}`)
  switch (options.strategy) {
    case 'none':
      return { kind: 'none' }
    case 'fixed':
      return { kind: 'fixed', attempts: options.attempts, delayMs: ms(options.delay, 'delay', RESTART_DELAY) }
    case 'failure-rate': {
      const { failures, window, delay } = options
      return { kind: 'failure-rate', failures, windowMs: ms(window, 'window', 0), delayMs: ms(delay, 'delay', RESTART_DELAY) }
    }
    case 'exponential': {
      const { initialDelayMs, maxDelayMs, resetAfterMs } = defaultSettings.restart as RestartStrategy & { readonly kind: 'exponential' }
      return {
        kind: 'exponential',
        initialDelayMs: ms(options.initialDelay, 'initialDelay', initialDelayMs),
        maxDelayMs: ms(options.maxDelay, 'maxDelay', maxDelayMs),
        resetAfterMs: ms(options.resetAfter, 'resetAfter', resetAfterMs),
      }
    }
  }
}
