/** Checks every checksum of every file of a checkpoint. */
import { SluiceError } from '../../errors/sluice-error.js'
import { verifySnapshotFile } from '../file/inspect-file.js'
import { readManifest } from '../manifest/manifest-file.js'
import type { CheckpointStorage } from '../storage.js'
import { pathOf, resolveFiles } from '../find/find-checkpoint.js'

export interface VerifiedFile {
  /** For messages. */
  readonly path: string
  readonly bytes: number
  /** undefined: every byte is what was written. */
  readonly error: SluiceError | undefined
}

/**
 * Reads everything in the folder of a checkpoint, the manifest first; other files are looked at although one is damaged.
 * @throws SluiceError where the manifest itself cannot be read.
 */
export async function* verifyCheckpoint(storage: CheckpointStorage, folder: string): AsyncGenerator<VerifiedFile> {
  const manifest = await readManifest(storage, folder)
  if (manifest === undefined)
    throw new SluiceError('SLUICE_CHECKPOINT_MISSING', `there is no complete checkpoint in ${pathOf(storage, folder)}`)
  for (const file of resolveFiles(storage, folder, manifest)) {
    let error: SluiceError | undefined
    try {
      await verifySnapshotFile(storage, file)
    } catch (thrown) {
      if (!(thrown instanceof SluiceError)) throw thrown
      error = thrown
    }
    yield { path: pathOf(storage, file.path), bytes: file.bytes, error }
  }
}
