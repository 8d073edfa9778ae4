/** What many seeds have been through. */
import type { ScenarioReport } from './run-scenario.js'

export class ChaosTally {
  readonly disturbances: Map<string, number> = new Map()
  seeds = 0
  processes = 0
  kills = 0
  restarts = 0
  restores = 0
  checkpoints = 0
  failedCheckpoints = 0
  freshStarts = 0

  add(report: ScenarioReport): void {
    this.seeds++
    this.processes += report.processes
    this.kills += report.kills
    this.restarts += report.restarts
    this.restores += report.restores
    this.checkpoints += report.checkpoints
    this.failedCheckpoints += report.failedCheckpoints
    this.freshStarts += report.freshStarts
    for (const [kind, times] of report.disturbances) this.disturbances.set(kind, (this.disturbances.get(kind) ?? 0) + times)
  }
}

export function describeChaos(tally: ChaosTally, seconds: number): string {
  const kinds = [...tally.disturbances].map(([kind, times]) => `${kind} ${times}`)
  return [
    `chaos: ${tally.seeds} seeds in ${seconds.toFixed(1)} s: ${tally.processes} processes, ${tally.kills} killed, ${tally.restores} restores, ${tally.restarts} restarts within a process`,
    `  ${tally.checkpoints} checkpoints complete, ${tally.failedCheckpoints} given up, ${tally.freshStarts} fresh starts before the first of them; ${kinds.join(', ')}`,
  ].join('\n')
}
