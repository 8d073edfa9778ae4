/** What the loop of one thread needs to take part in checkpoints that are kept in memory; what subtasks report is the test's to answer. */
import { createSnapshotWriters } from '../../src/checkpoint/file/snapshot-writer.js'
import type { CheckpointReport } from '../../src/checkpoint/protocol.js'
import type { ThreadCheckpoints } from '../../src/checkpoint/thread-checkpoints.js'
import { MemoryStorage } from './memory-storage.js'

export function threadCheckpoints(
  report: (report: CheckpointReport) => void,
  storage: MemoryStorage = new MemoryStorage(),
): ThreadCheckpoints {
  return {
    run: { id: 'run', attempt: 1, restoredCheckpoint: 0 },
    writers: createSnapshotWriters({
      storage,
      folderOf: (id) => `chk-${id}`,
      keyGroups: 128,
      attempt: 1,
      placeOf: () => ({ index: 0, parallelism: 1 }),
    }),
    restore: undefined,
    report,
  }
}
