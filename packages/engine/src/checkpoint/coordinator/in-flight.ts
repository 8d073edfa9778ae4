/** The one checkpoint that is being taken: who has acknowledged, and what follows from all of them. Runs on the coordinator's thread. */
import type { PhysicalPlan } from '../../plan/physical-plan.js'
import { type FinalKind, subtaskName } from '../manifest/manifest.js'
import type { CheckpointMode, SnapshotFigures, SnapshotFileHandle } from '../protocol.js'
import type { CheckpointCompleted, CheckpointProgress, CheckpointPurpose } from './checkpoint-event.js'
import type { PendingSavepoint } from './savepoint.js'

export interface Acknowledgement {
  readonly file: SnapshotFileHandle | undefined
  readonly figures: SnapshotFigures
}

export class InFlight {
  mode: CheckpointMode
  /** The manifest is being written: nothing can be taken back any more. */
  publishing = false
  /** By subtask. */
  readonly acknowledged: (Acknowledgement | undefined)[]
  readonly #plan: PhysicalPlan
  #waitingFor: number
  #last = -1

  constructor(
    plan: PhysicalPlan,
    readonly id: number,
    readonly purpose: CheckpointPurpose,
    mode: CheckpointMode,
    readonly final: FinalKind | undefined,
    readonly savepoints: readonly PendingSavepoint[],
    /** Ms since the epoch. */
    readonly startedMs: number,
    /** Monotonic. */
    readonly sinceMs: number,
  ) {
    this.mode = mode
    this.#plan = plan
    this.acknowledged = plan.subtasks.map(() => undefined)
    this.#waitingFor = plan.subtasks.length
  }

  /** True when it was the last one. Saying it again changes nothing. */
  acknowledge(subtask: number, acknowledgement: Acknowledgement): boolean {
    if (this.acknowledged[subtask] !== undefined) return false
    this.acknowledged[subtask] = acknowledgement
    this.#last = subtask
    return --this.#waitingFor === 0
  }

  get missing(): readonly string[] {
    return this.#missing.map((id) => this.#nameOf(id))
  }

  get #missing(): readonly number[] {
    return this.#plan.subtasks.flatMap(({ id }) => (this.acknowledged[id] === undefined ? id : []))
  }

  progress(nowMs: number): CheckpointProgress {
    return {
      id: this.id,
      purpose: this.purpose,
      mode: this.mode,
      sinceMs: nowMs - this.sinceMs,
      missing: this.missing,
      subtasks: this.#missing,
    }
  }

  /** What the log says of it. */
  summarise(nowMs: number, path: string): CheckpointCompleted {
    const all = this.acknowledged.filter((one) => one !== undefined)
    const largest = (of: (figures: SnapshotFigures) => number): number => all.reduce((most, { figures }) => Math.max(most, of(figures)), 0)
    return {
      type: 'checkpoint.completed',
      id: this.id,
      purpose: this.purpose,
      final: this.final,
      mode: this.mode,
      durationMs: nowMs - this.sinceMs,
      startDelayMs: largest((figures) => figures.startDelayMs),
      alignmentMs: largest((figures) => figures.alignmentMs),
      syncMs: largest((figures) => figures.syncMs),
      asyncMs: largest((figures) => figures.asyncMs),
      bytes: all.reduce((sum, { file }) => sum + (file?.bytes ?? 0), 0),
      channelBytes: all.reduce((sum, { figures }) => sum + figures.channelBytes, 0),
      throttledMs: largest((figures) => figures.throttledMs ?? 0),
      slowestSubtask: this.#nameOf(this.#last),
      path,
    }
  }

  #nameOf(id: number): string {
    const subtask = this.#plan.subtasks[id]
    return subtask === undefined ? '' : subtaskName(this.#plan.tasks[subtask.task]?.name ?? '', subtask.index)
  }
}
