/**
 * The options of a job, checked when it is defined, and the settings that they stand for. Checked by hand: every worker loads this
 * module before its first record, and a schema library takes longer to load than the rest of the package.
 */
import { type JobSettings, SluiceError } from '@sluice/engine'
import { parseByteSize } from '../duration/byte-size.js'
import { parseDuration } from '../duration/duration.js'
import { isName, NAME_CHARACTERS_MAX } from './is-name.js'
import type { CheckpointOptions, JobOptions } from './job.js'

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

const checkpointChecks: Readonly<Record<keyof CheckpointOptions, Check>> = { interval: isPeriod, directory: isText }

const optionChecks: Readonly<Record<keyof JobOptions, Check>> = {
  name: isNameOfJob,
  params: isSchema,
  parallelism: isCount,
  workers: isCountOrZero,
  memory: isSize,
  checkpoint: isObject,
  settings: isObject,
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
    const checkpoint = given['checkpoint']
    if (isObject(checkpoint) === undefined) {
      for (const name of Object.keys(checkpointChecks))
        if (!Object.hasOwn(checkpoint as object, name)) problems.push(`checkpoint.${name} is missing`)
      check(checkpoint as object, checkpointChecks, 'checkpoint.', problems)
    }
  }
  if (problems.length === 0) return
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `defineJob: ${problems.join('; ')}`, {
    declaredAt,
    hint: `defineJob takes { ${Object.keys(optionChecks).join(', ')} }.`,
  })
}

function check(given: object, checks: Readonly<Record<string, Check>>, prefix: string, problems: string[]): void {
  for (const [name, value] of Object.entries(given) as [string, unknown][]) {
    const wants = Object.hasOwn(checks, name) ? (value === undefined ? undefined : checks[name]?.(value)) : 'nothing'
    if (wants === 'nothing') problems.push(`${prefix}${name} is not an option`)
    else if (wants !== undefined) problems.push(`${prefix}${name} is ${show(value)}, and takes ${wants}`)
  }
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  return `a value of type ${value === null ? 'null' : typeof value}`
}

export function settingsOf({ parallelism, workers, memory, checkpoint, settings }: JobOptions): JobSettings {
  const memoryBytes = memory === undefined ? undefined : parseByteSize(memory, 'memory')
  const checkpointing =
    checkpoint === undefined
      ? undefined
      : { intervalMs: parseDuration(checkpoint.interval, 'checkpoint.interval'), directory: checkpoint.directory }
  return { ...settings, parallelism, workers, memoryBytes, checkpoint: checkpointing }
}
