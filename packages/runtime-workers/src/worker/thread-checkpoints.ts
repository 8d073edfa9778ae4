/** What one thread needs to take part in checkpoints: storage of its own, writers, and what is restored. Runs on that thread. */
import {
  checkpointFolder,
  type CheckpointReport,
  type CheckpointStorage,
  createSnapshotWriters,
  type LogicalGraph,
  openSnapshot,
  type PhysicalPlan,
  type ResolvedSettings,
  type SnapshotReader,
  type ThreadCheckpoints,
} from '@sluice/engine'
import { LocalDirectory } from '../checkpoint/local-directory.js'
import type { AttemptCheckpoints } from '../protocol/messages.js'

/** As the job declares it; the local directory where it does not. */
export function openStorage(graph: LogicalGraph, directory: string): CheckpointStorage {
  return graph.settings.checkpoint?.storage?.(directory) ?? new LocalDirectory(directory)
}

export interface ThreadCheckpointsOptions {
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan
  readonly settings: ResolvedSettings
  /** undefined: none are taken. */
  readonly checkpoints: AttemptCheckpoints | undefined
  readonly report: (report: CheckpointReport) => void
}

export interface OpenThreadCheckpoints {
  readonly checkpoints: ThreadCheckpoints | undefined
  close(): Promise<void>
}

export function openThreadCheckpoints(options: ThreadCheckpointsOptions): OpenThreadCheckpoints {
  const { graph, plan, settings, checkpoints: attempt, report } = options
  if (attempt === undefined || settings.checkpoint === undefined) return { checkpoints: undefined, close: () => Promise.resolve() }
  const { run, restore } = attempt
  const storage = openStorage(graph, settings.checkpoint.directory)
  const elsewhere = restore?.directory === undefined ? undefined : new LocalDirectory(restore.directory)
  const writers = createSnapshotWriters({
    storage,
    folderOf: (id) => checkpointFolder(plan.job, run.id, id),
    keyGroups: plan.keyGroups,
    attempt: run.attempt,
    placeOf: (id) => {
      const { index, task } = plan.subtasks[id] ?? { index: 0, task: -1 }
      return { index, parallelism: plan.tasks[task]?.parallelism ?? 1 }
    },
  })
  const from = elsewhere ?? storage
  const reader = restore === undefined ? undefined : openSnapshot({ storage: from, id: restore.id, files: restore.files })
  return {
    checkpoints: { run, writers, restore: reader === undefined ? undefined : withoutState(reader, restore?.ignored ?? []), report },
    close: async () => {
      await storage.close?.()
    },
  }
}

/** A checkpoint as if some operators had nothing in it. */
function withoutState(reader: SnapshotReader, ignored: readonly string[]): SnapshotReader {
  if (ignored.length === 0) return reader
  return {
    id: reader.id,
    sections: async (operator, name) => (ignored.includes(operator) ? [] : reader.sections(operator, name)),
    parts: (operator, isMine) => reader.parts(operator, ignored.includes(operator) ? () => false : isMine),
    loadKeyed: async (operator, from, to, state) => {
      if (!ignored.includes(operator)) await reader.loadKeyed(operator, from, to, state)
    },
    slices: (edge) => reader.slices(edge),
  }
}
