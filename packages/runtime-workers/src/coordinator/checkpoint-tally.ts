/** Counts the checkpoints of a run in this process. Runs in the coordinator. */
import type { CheckpointCompleted, CheckpointEvent } from '@sluice/engine'
import type { CheckpointSummary } from './run-types.js'

export class CheckpointTally {
  #completed = 0
  #failed = 0
  #durationMaxMs = 0
  #syncMaxMs = 0
  #last: CheckpointCompleted | undefined

  count(event: CheckpointEvent): void {
    if (event.type === 'checkpoint.failed') this.#failed++
    if (event.type !== 'checkpoint.completed') return
    this.#completed++
    this.#durationMaxMs = Math.max(this.#durationMaxMs, event.durationMs)
    this.#syncMaxMs = Math.max(this.#syncMaxMs, event.syncMs)
    this.#last = event
  }

  summary(run: string): CheckpointSummary {
    return {
      run,
      completed: this.#completed,
      failed: this.#failed,
      durationMaxMs: this.#durationMaxMs,
      syncMaxMs: this.#syncMaxMs,
      last: this.#last,
    }
  }
}
