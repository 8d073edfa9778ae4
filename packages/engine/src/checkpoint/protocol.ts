/**
 * What coordinator and subtasks say to each other about checkpoints. Down: words in the control memory (`CheckpointControl` writes them and
 * rings every bell), so that a subtask sees them in every turn, also while it is backpressured. Up: messages (`CheckpointReports`).
 *
 * A checkpoint has an id, ascending over all attempts of a run. One is in flight at a time.
 */

/**
 * `aligned`: a subtask waits for the barrier on all of its inputs. `unaligned`: barriers overtake, and what they overtake is state.
 * `at-least-once`: nothing is aligned, records may count twice after a restore.
 */
export type CheckpointMode = 'aligned' | 'unaligned' | 'at-least-once'

/** As they stand in `ControlWord.checkpointMode`. */
export const checkpointModes: readonly CheckpointMode[] = ['aligned', 'unaligned', 'at-least-once']

/** Coordinator to subtasks. */
export interface CheckpointControl {
  /** Sources of all threads begin checkpoint `id`; `unaligned`: everybody does. `atMs`: now, of the monotonic clock. `final`: nothing comes after it, subtasks leave when they have committed. */
  trigger(id: number, mode: CheckpointMode, atMs: number, final: boolean): void
  /** An aligned checkpoint goes on unaligned. */
  overtake(id: number): void
  /** Checkpoints up to this one are given up. */
  abort(upTo: number): void
  /** Checkpoint `id` is complete: what was prepared up to it is to be committed. */
  completed(id: number): void
}

/** Figures of one subtask's part of a checkpoint; times in ms. */
export interface SnapshotFigures {
  /** From the trigger to the first barrier seen here. */
  readonly startDelayMs: number
  /** From the first barrier to the last. */
  readonly alignmentMs: number
  /** How long records stood still at the snapshot point. */
  readonly syncMs: number
  /** From the snapshot point until everything was durable. */
  readonly asyncMs: number
  /** Keyed and operator state written. */
  readonly stateBytes: number
  /** Records that barriers overtook. */
  readonly channelBytes: number
  /** How long no record was taken because too much of the snapshot waited for storage; not there where that never was. */
  readonly throttledMs?: number
}

/** A file of a checkpoint, relative to the root of the storage. */
export interface SnapshotFileHandle {
  readonly path: string
  readonly bytes: number
  /** CRC-32 of the index of its blocks, which holds those of the blocks. */
  readonly checksum: number
}

/** Subtasks to coordinator. */
export type CheckpointReport =
  /** Everything of the checkpoint is durable. `file` is undefined where the subtask has no state at all. */
  | {
      readonly type: 'acknowledged'
      readonly id: number
      readonly subtask: number
      readonly file: SnapshotFileHandle | undefined
      readonly figures: SnapshotFigures
    }
  /** It cannot be taken here. */
  | { readonly type: 'declined'; readonly id: number; readonly subtask: number; readonly error: unknown }
  /** All inputs ended and everything flowed out; the subtask goes on taking part. `stopped`: because of a stop, so nothing that was open has fired. */
  | { readonly type: 'ended'; readonly subtask: number; readonly stopped: boolean }
