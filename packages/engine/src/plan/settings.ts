/**
 * The settings of a run: every default stands here and nowhere else. What the runner asks for wins over what the job fixes,
 * which wins over the defaults. Pure; the number of cores comes in from outside.
 */
import { SluiceError } from '../errors/sluice-error.js'
import type { CheckpointMode } from '../checkpoint/protocol.js'
import type { CheckpointSettings, JobSettings, RestartStrategy } from '../graph/logical-graph.js'
import { mergeEdgeSettings } from './edge-settings.js'
import type { PlanSettings } from './physical-plan.js'

const KIB = 1024
const MIB = 1024 * KIB

/** Smallest ring that `ringBytes` may force: a frame of a capacity / 8 still holds a record batch. */
const RING_BYTES_MIN = 4 * KIB
/** Largest ring: positions are 32-bit integers compared by signed difference. */
const RING_BYTES_MAX = 1024 * MIB
const WORKERS_MAX = 256
/** Largest parallelism of any operator. */
export const PARALLELISM_MAX = 1024
const KEY_GROUPS_MAX = 32_768

/**
 * Defaults of all settings; `workers` defaults to the available cores, `parallelism` to `workers` (1 where there are none).
 * `ringBytes` is what a ring gets unless the memory budget forces less.
 */
export const defaultSettings: Omit<ResolvedSettings, 'workers' | 'parallelism' | 'ringBytes' | 'checkpoint'> & {
  readonly ringBytes: number
} = {
  memoryBytes: 256 * MIB,
  ringBytes: 256 * KIB,
  maxRecordBytes: 16 * MIB,
  windowTargetMs: 100,
  adaptiveWindow: true,
  keyGroups: 128,
  chaining: true,
  checkRecords: false,
  stuckAfterMs: 10_000,
  stopTimeoutMs: 10_000,
  edges: {},
  restart: { kind: 'exponential', initialDelayMs: 1_000, maxDelayMs: 60_000, resetAfterMs: 600_000 },
}

/** Defaults of checkpoints, where they are taken. */
const checkpointDefaults = { intervalMs: 10_000, directory: 'checkpoints', mode: 'aligned', timeoutMs: 600_000, retain: 3 } as const
const RETAIN_MAX = 10_000

/** Every setting of a run with its final value. */
export interface ResolvedSettings extends PlanSettings {
  readonly windowTargetMs: number
  readonly adaptiveWindow: boolean
  readonly checkRecords: boolean
  readonly stuckAfterMs: number
  readonly stopTimeoutMs: number
  /** undefined: no checkpoints. */
  readonly checkpoint: ResolvedCheckpointSettings | undefined
  readonly restart: RestartStrategy
}

/** Plain data: the storage is opened from the job's own declaration in every thread. */
export interface ResolvedCheckpointSettings {
  readonly intervalMs: number
  readonly directory: string
  readonly mode: CheckpointMode
  readonly alignedTimeoutMs: number | undefined
  readonly timeoutMs: number
  readonly retain: number
}

/** What the runner asks for. `checkpoint`: what is given wins over what the job says, option by option; false: none are taken. */
export interface SettingOverrides extends Omit<JobSettings, 'checkpoint'> {
  readonly cores: number
  readonly checkpoint?: CheckpointSettings | false | undefined
}

/**
 * Settles every setting. `overrides` come from the runner and carry the number of available cores.
 * Fails with `SLUICE_OPTIONS_INVALID` where a value is out of its range.
 *
 * @example
 * resolveSettings({ parallelism: 4 }, { cores: 2 }).parallelism // 4, on 2 workers
 */
export function resolveSettings(job: JobSettings, overrides: SettingOverrides): ResolvedSettings {
  const workers = integer('workers', overrides.workers ?? job.workers ?? Math.max(1, overrides.cores), 0, WORKERS_MAX)
  return {
    workers,
    parallelism: integer('parallelism', overrides.parallelism ?? job.parallelism ?? Math.max(1, workers), 1, PARALLELISM_MAX),
    memoryBytes: integer(
      'memoryBytes',
      overrides.memoryBytes ?? job.memoryBytes ?? defaultSettings.memoryBytes,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    ringBytes: ringBytes(overrides.ringBytes ?? job.ringBytes),
    maxRecordBytes: integer(
      'maxRecordBytes',
      overrides.maxRecordBytes ?? job.maxRecordBytes ?? defaultSettings.maxRecordBytes,
      1,
      RING_BYTES_MAX,
    ),
    keyGroups: integer('keyGroups', overrides.keyGroups ?? job.keyGroups ?? defaultSettings.keyGroups, 1, KEY_GROUPS_MAX),
    chaining: overrides.chaining ?? job.chaining ?? defaultSettings.chaining,
    windowTargetMs: durationMs('windowTargetMs', overrides.windowTargetMs ?? job.windowTargetMs ?? defaultSettings.windowTargetMs),
    edges: mergeEdgeSettings(job.edges, overrides.edges),
    adaptiveWindow: overrides.adaptiveWindow ?? job.adaptiveWindow ?? defaultSettings.adaptiveWindow,
    checkRecords: overrides.checkRecords ?? job.checkRecords ?? defaultSettings.checkRecords,
    stuckAfterMs: durationMs('stuckAfterMs', overrides.stuckAfterMs ?? job.stuckAfterMs ?? defaultSettings.stuckAfterMs),
    stopTimeoutMs: durationMs('stopTimeoutMs', overrides.stopTimeoutMs ?? job.stopTimeoutMs ?? defaultSettings.stopTimeoutMs),
    checkpoint: checkpoint(job.checkpoint, overrides.checkpoint),
    restart: overrides.restart ?? job.restart ?? defaultSettings.restart,
  }
}

function checkpoint(
  job: CheckpointSettings | undefined,
  asked: CheckpointSettings | false | undefined,
): ResolvedCheckpointSettings | undefined {
  if (asked === false || (job === undefined && asked === undefined)) return undefined
  const { intervalMs, directory, mode, alignedTimeoutMs, timeoutMs, retain } = { ...job, ...asked }
  return {
    directory: directory ?? checkpointDefaults.directory,
    intervalMs: durationMs('checkpoint.interval', intervalMs ?? checkpointDefaults.intervalMs),
    mode: mode ?? checkpointDefaults.mode,
    alignedTimeoutMs: alignedTimeoutMs === undefined ? undefined : durationMs('checkpoint.alignedTimeout', alignedTimeoutMs),
    timeoutMs: durationMs('checkpoint.timeout', timeoutMs ?? checkpointDefaults.timeoutMs),
    retain: integer('checkpoint.retain', retain ?? checkpointDefaults.retain, 1, RETAIN_MAX),
  }
}

function integer(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `${name} is ${value}`, { hint: `${name} takes a whole number from ${min} to ${max}.` })
}

function ringBytes(value: number | undefined): number | undefined {
  if (value === undefined) return undefined
  if (Number.isInteger(value) && value >= RING_BYTES_MIN && value <= RING_BYTES_MAX && (value & (value - 1)) === 0) return value
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `ringBytes is ${value}`, {
    hint: `ringBytes takes a power of two from ${RING_BYTES_MIN} to ${RING_BYTES_MAX}; leave it out to let the memory budget decide.`,
  })
}

function durationMs(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `${name} is ${value}`, { hint: `${name} takes a number of milliseconds above 0.` })
}
