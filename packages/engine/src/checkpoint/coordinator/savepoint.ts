/**
 * Savepoints: copies of a complete checkpoint in a folder of their own, which the engine never removes. The checkpoint itself stays part of its run, because sinks
 * commit behind it: a job that then fails must not go back further. Runs on the coordinator's thread.
 */
import { SluiceError } from '../../errors/sluice-error.js'
import { MANIFEST_NAME, resolvePath, savepointFolder } from '../checkpoint-layout.js'
import { pathOf } from '../find/find-checkpoint.js'
import type { CheckpointManifest, ManifestFile } from '../manifest/manifest.js'
import { encodeManifest, inFolder } from '../manifest/manifest-file.js'
import type { CheckpointStorage } from '../storage.js'

export interface SavepointRequest {
  /** Default: `savepoint-<id>`. */
  readonly name?: string | undefined
  /** Instead of the folder of the job: any folder of any storage, which must not hold a checkpoint. */
  readonly target?: { readonly storage: CheckpointStorage; readonly folder: string } | undefined
  /** The job is about to stop: its final checkpoint is what is wanted. */
  readonly atEnd?: boolean | undefined
}

export interface PendingSavepoint {
  readonly request: SavepointRequest
  readonly resolve: (path: string) => void
  readonly reject: (error: Error) => void
}

const COPY_BYTES = 1 << 20

export interface CopySource {
  readonly storage: CheckpointStorage
  readonly folder: string
  readonly manifest: CheckpointManifest
}

/** @throws SluiceError `SLUICE_SAVEPOINT_FAILED` where there is something in the folder. */
export async function assertSavepointFits(storage: CheckpointStorage, folder: string): Promise<void> {
  if ((await storage.list(folder)).length === 0) return
  throw new SluiceError('SLUICE_SAVEPOINT_FAILED', `the folder ${pathOf(storage, folder)} is not empty`, {
    hint: 'Give the savepoint another name or folder.',
  })
}

/** Copies a complete checkpoint; its manifest comes last. Answers where it lies. `beforeFile` is called in front of every file. */
export async function copySavepoint(source: CopySource, request: SavepointRequest, beforeFile: () => void): Promise<string> {
  const { manifest } = source
  const storage = request.target?.storage ?? source.storage
  const folder = request.target?.folder ?? savepointFolder(manifest.job, request.name ?? `savepoint-${manifest.id}`)
  const path = pathOf(storage, folder)
  await assertSavepointFits(storage, folder)
  const taken = new Map<string, string>()
  const copied = new Map<string, string>()
  const copies = manifest.tasks.map((task) => ({
    ...task,
    subtasks: task.subtasks.map((subtask) => ({
      ...subtask,
      files: subtask.files.map((file) => ({ ...file, path: nameOf(file, taken, copied) })),
    })),
  }))
  try {
    for (const [original, name] of copied) {
      beforeFile()
      await copyFile(source, original, storage, inFolder(folder, name))
    }
    await storage.publish(inFolder(folder, MANIFEST_NAME), encodeManifest({ ...manifest, kind: 'savepoint', tasks: copies }))
  } catch (error) {
    for (const name of copied.values()) await storage.remove(inFolder(folder, name)).catch(() => {})
    throw error
  }
  return path
}

/** The name of a copy: that of the file, made different where files of several folders share it. */
function nameOf(file: ManifestFile, taken: Map<string, string>, copied: Map<string, string>): string {
  const known = copied.get(file.path)
  if (known !== undefined) return known
  const base = file.path.slice(file.path.lastIndexOf('/') + 1)
  let name = base
  for (let number = 2; taken.has(name); number++) name = `${number}-${base}`
  taken.set(name, file.path)
  copied.set(file.path, name)
  return name
}

async function copyFile(source: CopySource, path: string, storage: CheckpointStorage, to: string): Promise<void> {
  const from = resolvePath(source.folder, path)
  if (from === undefined)
    throw new SluiceError('SLUICE_CHECKPOINT_FILE_MISSING', `the file ${path} lies outside of ${source.storage.description}`)
  const file = await storage.create(to)
  try {
    for (let offset = 0; ; ) {
      const bytes = await source.storage.read(from, offset, COPY_BYTES)
      if (bytes.byteLength > 0) await file.append(bytes)
      offset += bytes.byteLength
      if (bytes.byteLength < COPY_BYTES) break
    }
    await file.finish()
  } catch (error) {
    await file.discard()
    throw error
  }
}
