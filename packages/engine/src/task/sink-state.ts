/** The state of a sink: what a checkpoint holds of it, and who gets what at another parallelism. Pure. */
import type { Section } from '../checkpoint/snapshot.js'

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
  /** The input has ended and the writer has finished. */
  readonly finished: boolean
}

/**
 * The share of one subtask: each state goes to one subtask, whole. Records are numbered on from the largest number of all where the parallelism
 * is another: a number is never used for two records that both count.
 */
export function shareOfSinkStates(sections: readonly Section<SinkState>[], index: number, parallelism: number): SinkState {
  const pending: PendingTransaction[] = []
  const records: unknown[] = []
  let firstRecord = 0
  let finished = sections.length > 0
  for (const { index: writer, parallelism: before, value } of sections) {
    finished &&= value.finished
    const isMine = writer % parallelism === index
    if ((isMine || before !== parallelism) && value.firstRecord > firstRecord) firstRecord = value.firstRecord
    if (!isMine) continue
    pending.push(...value.pending)
    for (const record of value.records) records.push(record)
  }
  pending.sort((left, right) => left.checkpoint - right.checkpoint)
  return { pending, records, firstRecord, finished }
}
