/** What the loop of one thread needs to take part in checkpoints; made by whoever runs the loop. */
import type { RunIdentity } from '../graph/operator-context.js'
import type { CheckpointReport } from './protocol.js'
import type { SnapshotReader, SnapshotWriters } from './snapshot.js'

export interface ThreadCheckpoints {
  readonly run: RunIdentity
  readonly writers: SnapshotWriters
  /** The checkpoint that is restored; undefined: a fresh start. */
  readonly restore: SnapshotReader | undefined
  readonly report: (report: CheckpointReport) => void
}
