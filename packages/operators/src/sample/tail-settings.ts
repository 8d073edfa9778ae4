/** From what a user wrote to numbers that are known to be right. Pure; runs while a job is declared. */
import { SluiceError } from '@sluice/engine'
import { parseByteSize } from '../duration/byte-size.js'
import { parseDuration } from '../duration/duration.js'
import { checkChoice, checkInteger, checkOptions } from '../options/check-options.js'
import type { TailSampleOptions, TracePolicy } from './sample-types.js'

const TRACES_DEFAULT = 50_000
const RECORDS_DEFAULT = 500_000
const BYTES_DEFAULT = 64 * 1024 * 1024
const RECORDS_PER_TRACE_DEFAULT = 10_000
const REMEMBERED_TRACES_DEFAULT = 100_000
const REMEMBERED_FOR_MS_DEFAULT = 10 * 60_000

/** Each has a counter of its own; names of metrics are bounded. */
const POLICIES_MAX = 32

/** Reasons for which records are dropped beside policies. */
const RESERVED: ReadonlySet<string> = new Set(['sampled', 'full', 'late'])

const OPTIONS = [
  'decideAfter',
  'policies',
  'traces',
  'records',
  'bytes',
  'sizes',
  'recordsPerTrace',
  'remember',
  'whenFull',
  'lossy',
  'parallelism',
] as const
const REMEMBERED = ['traces', 'for'] as const

export interface TailSettings {
  readonly decideAfterMs: number
  readonly policies: readonly TracePolicy<never>[]
  /** Over all subtasks, as the next three. */
  readonly traces: number
  readonly records: number
  readonly bytes: number
  readonly rememberedTraces: number
  readonly recordsPerTrace: number
  readonly rememberedForMs: number
  readonly sizes: 'sampled' | 'exact'
  readonly whenFull: 'decideEarly' | 'dropNewest'
  readonly accepted: boolean
}

export function tailSettings(name: string, given: TailSampleOptions<never>): TailSettings {
  const what = `tailSample ${name}`
  if (typeof (given as unknown) !== 'object' || given === null) {
    throw new SluiceError(
      'SLUICE_OPTIONS_INVALID',
      `${what} needs options, such as { decideAfter: '10s', policies: [keepShare('some', 0.01)] }`,
    )
  }
  checkOptions(what, given, OPTIONS)
  const {
    decideAfter,
    policies,
    traces = TRACES_DEFAULT,
    records = RECORDS_DEFAULT,
    bytes,
    remember = {},
    whenFull = 'decideEarly',
    lossy = false,
  } = given
  checkOptions(`remember of ${what}`, remember, REMEMBERED)
  const { recordsPerTrace = RECORDS_PER_TRACE_DEFAULT, sizes = 'sampled' } = given
  const { traces: rememberedTraces = REMEMBERED_TRACES_DEFAULT, for: rememberedFor = REMEMBERED_FOR_MS_DEFAULT } = remember
  if (decideAfter === undefined) {
    throw new SluiceError(
      'SLUICE_OPTIONS_INVALID',
      `${what} needs decideAfter: how long the records of a trace are collected, such as '10s'`,
    )
  }
  checkInteger(`traces of ${what}`, traces, 1)
  checkInteger(`records of ${what}`, records, 1)
  checkInteger(`recordsPerTrace of ${what}`, recordsPerTrace, 1)
  checkInteger(`remember.traces of ${what}`, rememberedTraces, 1)
  checkChoice(`whenFull of ${what}`, whenFull, ['decideEarly', 'dropNewest'])
  checkChoice(`sizes of ${what}`, sizes, ['sampled', 'exact'])
  checkPolicies(what, policies)
  return {
    decideAfterMs: parseDuration(decideAfter, `decideAfter of ${what}`),
    policies,
    traces,
    records,
    bytes: bytes === undefined ? BYTES_DEFAULT : parseByteSize(bytes, `bytes of ${what}`),
    rememberedTraces,
    recordsPerTrace,
    rememberedForMs: parseDuration(rememberedFor, `remember.for of ${what}`),
    sizes,
    whenFull,
    accepted: lossy,
  }
}

function checkPolicies(what: string, given: unknown): void {
  if (!Array.isArray(given) || given.length === 0) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `${what} needs policies: without one nothing would be kept`, {
      hint: "Give an array such as [keepIfAny('errors', (span) => span.failed), keepShare('some', 0.01)].",
    })
  }
  if (given.length > POLICIES_MAX) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `${what} has ${given.length} policies, and takes up to ${POLICIES_MAX}`)
  }
  const names = new Set<string>()
  for (const policy of given as readonly (Partial<TracePolicy<never>> | null | undefined)[]) {
    const name = policy?.name
    if (typeof name !== 'string' || typeof policy?.rule !== 'object') {
      throw new SluiceError(
        'SLUICE_OPTIONS_INVALID',
        `a policy of ${what} was not made by keepIfAny, keepWhen, keepIfLonger, keepShare, keepRate or dropWhen`,
      )
    }
    if (RESERVED.has(name))
      throw new SluiceError('SLUICE_OPTIONS_INVALID', `a policy of ${what} must not be called ${name}: records are dropped for that reason`)
    if (names.has(name)) throw new SluiceError('SLUICE_OPTIONS_INVALID', `${what} has two policies called ${name}`)
    names.add(name)
  }
}
