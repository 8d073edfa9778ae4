/** What the coordinator tells the job log. Plain data; times in ms. */
import type { FinalKind } from '../manifest/manifest.js'
import type { CheckpointMode } from '../protocol.js'

/** `savepoint`: taken because somebody asked for it. `final`: the last of a job. */
export type CheckpointPurpose = 'periodic' | 'savepoint' | 'final'

export type CheckpointEvent = CheckpointTriggered | CheckpointUnderWay | CheckpointCompleted | CheckpointFailed | CheckpointCleanupFailed

export interface CheckpointTriggered {
  readonly type: 'checkpoint.triggered'
  readonly id: number
  readonly purpose: CheckpointPurpose
  readonly mode: CheckpointMode
}

export interface CheckpointCompleted {
  readonly type: 'checkpoint.completed'
  readonly id: number
  readonly purpose: CheckpointPurpose
  readonly final: FinalKind | undefined
  /** `unaligned` also where it began aligned. */
  readonly mode: CheckpointMode
  readonly durationMs: number
  /** Largest over all subtasks, as are the next three. */
  readonly startDelayMs: number
  readonly alignmentMs: number
  readonly syncMs: number
  readonly asyncMs: number
  /** All files. */
  readonly bytes: number
  /** Of them, records that barriers overtook. */
  readonly channelBytes: number
  /** How long a subtask took no records because too much of its snapshot waited for storage, the longest of all subtasks. */
  readonly throttledMs: number
  /** The one that acknowledged last. */
  readonly slowestSubtask: string
  readonly path: string
}

/** `timeout`: not all acknowledged in time. `declined`: a subtask could not take it. `manifest`: it could not be written. `closed`: the attempt ended. */
export type CheckpointFailure = 'timeout' | 'declined' | 'manifest' | 'closed'

export interface CheckpointFailed {
  readonly type: 'checkpoint.failed'
  readonly id: number
  readonly purpose: CheckpointPurpose
  readonly reason: CheckpointFailure
  readonly error: Error
  /** Checkpoints that failed one behind the other, this one included. */
  readonly consecutive: number
  readonly durationMs: number
  /** Names of the subtasks that had not acknowledged. */
  readonly missing: readonly string[]
}

/** Files that are not needed any more could not be removed; it is tried again behind the next checkpoint. */
export interface CheckpointCleanupFailed {
  readonly type: 'checkpoint.cleanup-failed'
  readonly path: string
  readonly error: Error
}

/** How far the one in flight has come. */
export interface CheckpointProgress {
  readonly id: number
  readonly purpose: CheckpointPurpose
  readonly mode: CheckpointMode
  readonly sinceMs: number
  /** Names of the subtasks that have not acknowledged yet; empty: the manifest is being written. */
  readonly missing: readonly string[]
  /** Their ids. */
  readonly subtasks: readonly number[]
}

/** With each report while a checkpoint takes longer than a report interval. */
export interface CheckpointUnderWay extends CheckpointProgress {
  readonly type: 'checkpoint.progress'
  /** What its barriers still have to get past: edges into subtasks that have not acknowledged, the fullest first. Bytes of local channels are estimates. */
  readonly ahead: readonly { readonly edge: string; readonly bytes: number }[]
}
