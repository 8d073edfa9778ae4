/** From what the caller gave to what the planner takes. */
import type { JobSettings } from '@sluice/engine'
import { parseByteSize, parseDuration } from '@sluice/operators'
import type { RunOptions } from './run-types.js'

const REPORT_MS = 5_000

/** `workers`: forced by where the job comes from; undefined leaves the choice to options, job and machine. */
export function settingsOf(options: RunOptions, cores: number, workers: number | undefined): JobSettings & { readonly cores: number } {
  const given: JobSettings = {
    parallelism: options.parallelism,
    workers: workers ?? options.workers,
    memoryBytes: options.memory === undefined ? undefined : parseByteSize(options.memory, 'memory'),
    checkRecords: options.checkRecords,
  }
  return { ...options.settings, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)), cores }
}

export function reportMsOf(options: RunOptions): number {
  return options.report === undefined ? REPORT_MS : Math.max(1, parseDuration(options.report, 'report'))
}
