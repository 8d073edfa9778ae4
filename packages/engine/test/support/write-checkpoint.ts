/** Complete checkpoints with real state files, written without a job: one operator `count` with rows by key, a section of a source. */
import { checkpointFolder, relativePath } from '../../src/checkpoint/checkpoint-layout.js'
import { createSnapshotWriters } from '../../src/checkpoint/file/snapshot-writer.js'
import type { CheckpointManifest } from '../../src/checkpoint/manifest/manifest.js'
import { encodeManifest, inFolder } from '../../src/checkpoint/manifest/manifest-file.js'
import type { SnapshotFileHandle } from '../../src/checkpoint/protocol.js'
import type { CheckpointStorage } from '../../src/checkpoint/storage.js'
import { StateRegistry } from '../../src/state/state-registry.js'

const KEY_GROUPS = 8

export interface WrittenCheckpoint {
  readonly folder: string
  readonly file: SnapshotFileHandle
  readonly manifest: CheckpointManifest
}

export async function writeCheckpoint(
  storage: CheckpointStorage,
  id: number,
  rows: Readonly<Record<string, number>>,
  changes: Partial<CheckpointManifest> = {},
): Promise<WrittenCheckpoint> {
  const { job = 'test', run = 'run' } = changes
  const folder = checkpointFolder(job, run, id)
  const place = { index: 0, parallelism: 1 }
  const writer = createSnapshotWriters({ storage, folderOf: () => folder, keyGroups: KEY_GROUPS, attempt: 1, placeOf: () => place }).begin(
    id,
    0,
  )
  const registry = new StateRegistry()
  const table = registry.keyTable('rows', ['number'], ['count'])
  for (const [key, count] of Object.entries(rows)) {
    const slot = table.slotOf(key)
    for (const column of table.columns) column.values[slot] = count
  }
  writer.section('numbers', 'source', { next: 10 * id })
  writer.section('count', 'time', 5)
  writer.freeze('count', registry)
  while (!writer.step(() => false));
  const file = (await writer.finish()) as SnapshotFileHandle
  const figures = { startDelayMs: 0, alignmentMs: 0, syncMs: 0, asyncMs: 0, stateBytes: file.bytes, channelBytes: 0 }
  const manifest: CheckpointManifest = {
    formatVersion: 1,
    sluice: '0.0.0',
    job,
    run,
    attempt: 1,
    id,
    kind: 'checkpoint',
    mode: 'aligned',
    startedMs: 1_000 * id,
    completedMs: 1_000 * id + 20,
    keyGroups: KEY_GROUPS,
    workers: 1,
    params: {},
    operators: [],
    edges: [],
    tasks: [
      {
        name: 'numbers -> count',
        operators: ['numbers', 'count'],
        subtasks: [{ id: 0, index: 0, files: [{ ...file, path: relativePath(folder, file.path) }], figures }],
      },
    ],
    ...changes,
  }
  await storage.publish(inFolder(folder, 'manifest.json'), encodeManifest(manifest))
  return { folder, file, manifest }
}
