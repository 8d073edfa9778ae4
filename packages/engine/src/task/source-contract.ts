/**
 * What a subtask needs of the driver of its source, and what such a driver keeps over a restore. Driver and state belong to one subtask; the state
 * is plain data. All that was ever read is accounted for in the states of all subtasks together, each record in one of them.
 */

import type { SourceAcknowledgements } from './source-acknowledgements.js'

/** Returned by `take` when there was nothing at all; 0 says that something moved, but no record. */
export const NOTHING_TAKEN = -1

export interface SourceDriver {
  /** Who tells readers what was taken and what checkpoints cover; undefined: nobody wants to hear it. */
  readonly acknowledgements?: SourceAcknowledgements | undefined
  /** How much of the batch at hand was taken: asked for in front of whatever is told. */
  countTaken?(): void
  /**
   * Nothing that was not begun is to be begun: the job stops. True where nothing that was begun is left, which has to be taken whole; called until then.
   */
  mayEnd?(): boolean
  /** Hands at most `limit` records to the chain; returns how many were taken, or NOTHING_TAKEN. */
  take(limit: number, nowMs: number): number
  /** Nothing will come any more. */
  readonly exhausted: boolean
  /** When `take` may find something again (monotonic ms); undefined: at once, or when woken. */
  readonly deadlineMs: number | undefined
  /** Whether `take` would find something now. */
  ready(nowMs: number): boolean
  /** A read is under way. */
  readonly pending: boolean
  /** What is left to read, between two records; also behind `close`. undefined: the source cannot be read again, and begins anew after a restore. */
  snapshot(): SourceState | undefined
  /** Before the first `take`: takes this subtask's share of what the states of all subtasks say is left. Without any it begins anew. */
  restore(states: readonly SourceState[]): void
  close(): Promise<void>
}

export type SourceState = IndexSourceState | SplitSourceState

export interface IndexSourceState {
  readonly reads: 'index'
  /** Who wrote it: its index-splits are `subtask`, `subtask + parallelism`, and so on. */
  readonly subtask: number
  readonly parallelism: number
  /** A number: all of its indexes below were emitted, none from there on. A list: the next index of each of its index-splits. */
  readonly next: number | readonly number[]
}

export interface SplitSourceState {
  readonly reads: 'splits'
  readonly subtask: number
  readonly parallelism: number
  /** Splits of which something was read; several where there were more subtasks before. */
  readonly begun: readonly BegunSplit[]
  /** Splits of which nothing was, in the order in which they are to be read. */
  readonly remaining: readonly RemainingSplit[]
  /** Parts of the list of splits that nobody has asked for yet. */
  readonly unlisted: readonly SplitShare[]
}

export interface RemainingSplit {
  /** Its place in the list of splits. */
  readonly index: number
  readonly split: unknown
}

export interface BegunSplit extends RemainingSplit, SplitProgress {}

/** Where to go on in a split: opened at `position`, so many are left out. */
export interface SplitProgress {
  /** Of a batch; undefined: the beginning of the split. */
  readonly position: unknown
  readonly records: number
  readonly letters: number
  /** Records that were dropped by policy and counted. */
  readonly dropped: number
}

/** The splits `first`, `first + step`, and so on. */
export interface SplitShare {
  readonly first: number
  readonly step: number
}
