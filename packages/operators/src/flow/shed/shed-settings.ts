/** From what a user wrote to numbers that are known to be right. Pure; runs while a job is declared. */
import { SluiceError } from '@sluice/engine'
import { parseByteSize } from '../../duration/byte-size.js'
import { parseDuration } from '../../duration/duration.js'
import type { AnyFunction } from '../../job/graph-draft.js'
import { checkChoice, checkFunction, checkInteger, checkOptions, checkPath } from '../../options/check-options.js'
import type { ShedPolicy, ShedTriggers, Spill } from './shed-types.js'
import { BLOCKS_PER_QUEUE } from './spill-operator.js'

const SHED_RECORDS_DEFAULT = 10_000
const SHED_BYTES_DEFAULT = 16 * 1024 * 1024
const SEED_DEFAULT = 1

const SPILL_DISK_BYTES_DEFAULT = 256 * 1024 * 1024

const POLICIES = ['drop-newest', 'drop-oldest', 'sample', 'priority', 'latest', 'spill'] as const

/** What each policy takes besides the bounds. */
const OPTIONS_OF: Readonly<Record<(typeof POLICIES)[number], readonly string[]>> = {
  'drop-newest': [],
  'drop-oldest': [],
  sample: ['keep', 'seed', 'by'],
  priority: ['priority'],
  latest: ['key'],
  spill: ['directory', 'diskBytes'],
}
const QUEUE_OPTIONS = ['policy', 'records', 'bytes']
const LOSSY_OPTIONS = ['time', 'when', 'lossy']
const TRIGGERS = ['fullFor', 'age', 'watermarkLag', 'memory']

/** Triggers in ms and bytes; Infinity: not asked for. */
export interface Triggers {
  readonly fullForMs: number
  readonly ageMs: number
  readonly watermarkLagMs: number
  readonly memoryBytes: number
}

/** How a policy chooses. */
export type ShedChoice =
  | { readonly policy: 'drop-newest' | 'drop-oldest' }
  | { readonly policy: 'sample'; readonly keep: number; readonly seed: number; readonly by: AnyFunction | undefined }
  | { readonly policy: 'priority'; readonly priority: AnyFunction }
  | { readonly policy: 'latest'; readonly key: AnyFunction }

export interface ShedSettings {
  readonly choice: ShedChoice
  /** Over all subtasks. */
  readonly records: number
  readonly bytes: number
  /** Infinity: as long as it takes. */
  readonly timeMs: number
  /** undefined: a full queue is enough. */
  readonly when: Triggers | undefined
  readonly accepted: boolean
}

export interface SpillSettings {
  readonly directory: string
  /** Over all subtasks. */
  readonly records: number
  readonly bytes: number
  readonly diskBytes: number
}

/** What is wrong whatever the policy. */
export function checkPolicy(name: string, given: ShedPolicy<never> | Spill): void {
  const policy: unknown = given
  if (typeof policy !== 'object' || policy === null) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `shed ${name} needs a policy, such as { policy: 'drop-oldest' }`)
  }
  checkChoice(`policy of shed ${name}`, given.policy, POLICIES)
  const common = given.policy === 'spill' ? QUEUE_OPTIONS : [...QUEUE_OPTIONS, ...LOSSY_OPTIONS]
  checkOptions(`shed ${name} with policy '${given.policy}'`, given, [...common, ...OPTIONS_OF[given.policy]])
}

export function spillSettings(name: string, given: Spill): SpillSettings {
  const { directory, records = SHED_RECORDS_DEFAULT, bytes, diskBytes } = given
  checkPath(`directory of shed ${name}`, directory)
  checkInteger(`records of shed ${name}`, records, BLOCKS_PER_QUEUE)
  return {
    directory,
    records,
    bytes: bytes === undefined ? SHED_BYTES_DEFAULT : parseByteSize(bytes, `bytes of shed ${name}`),
    diskBytes: diskBytes === undefined ? SPILL_DISK_BYTES_DEFAULT : parseByteSize(diskBytes, `diskBytes of shed ${name}`),
  }
}

export function shedSettings(name: string, given: ShedPolicy<never>): ShedSettings {
  const { records = SHED_RECORDS_DEFAULT, bytes, time, when, lossy = false } = given
  checkInteger(`records of shed ${name}`, records, 1)
  return {
    choice: choiceOf(name, given),
    records,
    bytes: bytes === undefined ? SHED_BYTES_DEFAULT : parseByteSize(bytes, `bytes of shed ${name}`),
    timeMs: time === undefined ? Number.POSITIVE_INFINITY : positiveDuration(time, `time of shed ${name}`),
    when: when === undefined ? undefined : triggersOf(name, when),
    accepted: lossy,
  }
}

function choiceOf(name: string, given: ShedPolicy<never>): ShedChoice {
  switch (given.policy) {
    case 'sample': {
      const { keep, seed = SEED_DEFAULT, by } = given
      if (!(typeof keep === 'number' && keep > 0 && keep < 1)) {
        throw new SluiceError('SLUICE_OPTIONS_INVALID', `keep of shed ${name} is ${String(keep)}, and takes a number between 0 and 1`, {
          hint: 'Both ends are excluded: to keep everything leave the shed out, to keep nothing take discard().',
        })
      }
      if (by !== undefined) checkFunction(`by of shed ${name}`, by)
      checkInteger(`seed of shed ${name}`, seed, 0)
      return { policy: 'sample', keep, seed, by }
    }
    case 'priority':
      checkFunction(`priority of shed ${name}`, given.priority)
      return { policy: 'priority', priority: given.priority }
    case 'latest':
      checkFunction(`key of shed ${name}`, given.key)
      return { policy: 'latest', key: given.key }
    default:
      return { policy: given.policy }
  }
}

function triggersOf(name: string, when: ShedTriggers): Triggers {
  const given: unknown = when
  const asked = typeof given === 'object' && given !== null ? Object.entries(given).filter(([, value]) => value !== undefined) : []
  const unknown = asked.find(([trigger]) => !TRIGGERS.includes(trigger))
  if (asked.length === 0 || unknown !== undefined) {
    const what = unknown === undefined ? 'is empty' : `has no trigger ${unknown[0]}`
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `when of shed ${name} ${what}`, {
      hint: `Give at least one of ${TRIGGERS.join(', ')}, or leave it out: a full queue is enough then.`,
    })
  }
  const { fullFor, age, watermarkLag, memory } = when
  const ms = (duration: ShedTriggers['age'], trigger: string): number =>
    duration === undefined ? Number.POSITIVE_INFINITY : positiveDuration(duration, `${trigger} of shed ${name}`)
  return {
    fullForMs: ms(fullFor, 'fullFor'),
    ageMs: ms(age, 'age'),
    watermarkLagMs: ms(watermarkLag, 'watermarkLag'),
    memoryBytes: memory === undefined ? Number.POSITIVE_INFINITY : parseByteSize(memory, `memory of shed ${name}`),
  }
}

function positiveDuration(value: number | string, what: string): number {
  const durationMs = parseDuration(value, what)
  if (durationMs > 0) return durationMs
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `${what} is 0: a record would be lost as soon as it waits`, {
    hint: 'Give a duration above 0, or leave it out.',
  })
}
