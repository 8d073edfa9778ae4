/** The state of a sink: what a checkpoint holds of it. Pure. */
import type { DeadLetter } from '../graph/operator-spec.js'

export interface PendingTransaction {
  readonly checkpoint: number
  /** What the writer's `prepare` gave. */
  readonly prepared: unknown
}

export interface SinkState {
  /** Prepared and not known to be committed, oldest first. */
  readonly pending: readonly PendingTransaction[]
  /** Accepted and not written: written first after a restore. */
  readonly records: readonly unknown[]
  /** Number of the record that is written next, over all attempts. */
  readonly firstRecord: number
  /** Dead letters of records in front of the cut that had not left; none: not there. */
  readonly letters?: readonly DeadLetter[]
}

export interface JoinedSinkState {
  readonly letters: DeadLetter[]
  readonly pending: PendingTransaction[]
  readonly records: unknown[]
  readonly firstRecord: number
}

/** The states that one subtask goes on from: none, its own, or those of several at another parallelism. */
export function joinSinkStates(states: readonly SinkState[]): JoinedSinkState {
  const pending: PendingTransaction[] = []
  const records: unknown[] = []
  const letters: DeadLetter[] = []
  let firstRecord = 0
  for (const state of states) {
    pending.push(...state.pending)
    for (const record of state.records) records.push(record)
    for (const letter of state.letters ?? []) letters.push(letter)
    if (state.firstRecord > firstRecord) firstRecord = state.firstRecord
  }
  pending.sort((left, right) => left.checkpoint - right.checkpoint)
  return { pending, records, firstRecord, letters }
}
