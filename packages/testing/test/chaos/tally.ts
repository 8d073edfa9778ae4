/** What many seeds of the chaos test have been through. */
import type { SeedReport } from './run-seed.js'

export class Tally {
  readonly steps: Map<string, number> = new Map()
  readonly modes: Map<string, number> = new Map()
  seeds = 0
  choices = 0
  crashes = 0
  attempts = 0
  processes = 0
  checkpoints = 0
  failedCheckpoints = 0
  cutShort = 0
  diskFailures = 0
  flips = 0
  skipped = 0
  commits = 0

  add(report: SeedReport): void {
    this.seeds++
    for (const [step, times] of report.steps) this.steps.set(step, (this.steps.get(step) ?? 0) + times)
    this.modes.set(report.mode, (this.modes.get(report.mode) ?? 0) + 1)
    this.choices += report.choices
    this.crashes += report.crashes
    this.attempts += report.attempts
    this.processes += report.processes
    this.checkpoints += report.checkpoints
    this.failedCheckpoints += report.failedCheckpoints
    this.cutShort += report.cutShort
    this.diskFailures += report.diskFailures
    this.flips += report.flips
    this.skipped += report.skipped
    this.commits += report.commits
  }
}

export function describeTally(tally: Tally, seconds: number): string {
  const list = (counts: ReadonlyMap<string, number>): string =>
    [...counts]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, times]) => `${name} ${times}`)
      .join(', ')
  return [
    `${tally.seeds} seeds in ${seconds.toFixed(1)} s (${list(tally.modes)}); ${tally.choices} choices`,
    `${tally.crashes} crashes and stops, ${tally.diskFailures} failures of the disk, ${tally.flips} changed bits (${tally.skipped} damaged checkpoints passed over)`,
    `${tally.attempts} attempts in ${tally.processes} processes; ${tally.checkpoints} checkpoints complete, ${tally.failedCheckpoints} given up; ${tally.commits} transactions committed`,
    `steps: ${list(tally.steps)}`,
  ].join('\n')
}
