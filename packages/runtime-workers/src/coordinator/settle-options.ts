/** From what the caller gave to what the planner takes. */
import type { JobSettings, SettingOverrides } from '@sluice/engine'
import { checkpointSettingsOf, edgeSettingsOf, parseByteSize, parseDuration, restartStrategyOf } from '@sluice/operators'
import type { RunOptions } from './run-types.js'

const REPORT_MS = 5_000

/** `workers`: forced by where the job comes from; undefined leaves the choice to options, job and machine. */
export function settingsOf(options: RunOptions, cores: number, workers: number | undefined): SettingOverrides {
  const given: JobSettings = {
    parallelism: options.parallelism,
    workers: workers ?? options.workers,
    memoryBytes: options.memory === undefined ? undefined : parseByteSize(options.memory, 'memory'),
    checkRecords: options.checkRecords,
    edges: options.edges === undefined ? undefined : edgeSettingsOf(options.edges),
    restart: options.restart === undefined ? undefined : restartStrategyOf(options.restart),
  }
  const asked: SettingOverrides['checkpoint'] = options.checkpoint === false ? false : checkpointOf(options)
  const checkpoint: Pick<SettingOverrides, 'checkpoint'> = asked === undefined ? {} : { checkpoint: asked }
  return {
    ...options.settings,
    ...checkpoint,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    cores,
  }
}

/** Whoever restores wants checkpoints, also where the job does not say so. */
function checkpointOf({ checkpoint, restore, settings }: RunOptions): JobSettings['checkpoint'] {
  if (checkpoint === undefined || checkpoint === false) return settings?.checkpoint ?? (restore === undefined ? undefined : {})
  return { ...settings?.checkpoint, ...checkpointSettingsOf(checkpoint) }
}

export function reportMsOf(options: RunOptions): number {
  return options.report === undefined ? REPORT_MS : Math.max(1, parseDuration(options.report, 'report'))
}
