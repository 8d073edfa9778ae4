/** From what was asked for (`latest`, an id, a path) to a checkpoint that can be restored into this job. Runs in the coordinator, before anything is opened. */
import {
  type FindOptions,
  type CheckpointStorage,
  findById,
  findInFolder,
  findLatest,
  type FoundCheckpoint,
  SluiceError,
} from '@sluice/engine'
import { basename, dirname, relative, resolve, sep } from 'node:path'
import { LocalDirectory } from '../checkpoint/local-directory.js'
import type { RestorePoint } from '../protocol/messages.js'

export interface AskedCheckpoint extends FoundCheckpoint {
  /** Newer ones that cannot be restored. */
  readonly skipped: readonly { readonly path: string; readonly error: Error }[]
  /** Root of its storage where that is not the job's own. */
  readonly directory: string | undefined
  /** What it lies in. */
  readonly storage: CheckpointStorage
}

const MANIFEST = 'manifest.json'

/**
 * For tools that show checkpoints: finds one as `restore` of `run` does. `job` undefined: of any job, by path alone.
 *
 * Fails with `SLUICE_CHECKPOINT_MISSING`, `SLUICE_CHECKPOINT_CORRUPT`, `SLUICE_CHECKPOINT_VERSION`, `SLUICE_CHECKPOINT_OF_OTHER_JOB`, `SLUICE_CHECKPOINT_STORAGE`.
 *
 * @example
 * const { manifest } = await findCheckpoint('checkpoints', 'orders', 'latest')
 */
export function findCheckpoint(directory: string, job: string | undefined, asked: string | number): Promise<AskedCheckpoint> {
  return findAsked(new LocalDirectory(directory), job, asked)
}

/**
 * Finds a checkpoint and checks that its files are whole. A path is that of the folder of a checkpoint or savepoint, or of its manifest.
 *
 * @throws SluiceError `SLUICE_CHECKPOINT_MISSING`, `SLUICE_CHECKPOINT_CORRUPT`, `SLUICE_CHECKPOINT_VERSION`, `SLUICE_CHECKPOINT_OF_OTHER_JOB`, `SLUICE_CHECKPOINT_STORAGE`.
 */
export async function findAsked(
  storage: CheckpointStorage,
  job: string | undefined,
  asked: string | number,
  options: Pick<FindOptions, 'whole'> = {},
): Promise<AskedCheckpoint> {
  if (job === undefined) return { ...(await findAtPath(storage, job, String(asked), options)), skipped: [] }
  if (asked === 'latest') {
    const { found, skipped } = await findLatest(storage, job, options)
    return { ...found, skipped, directory: undefined, storage }
  }
  if (typeof asked === 'number' || /^\d+$/.test(asked)) {
    return { ...(await findById(storage, job, Number(asked), options)), skipped: [], directory: undefined, storage }
  }
  return { ...(await findAtPath(storage, job, asked, options)), skipped: [] }
}

async function findAtPath(
  own: CheckpointStorage,
  job: string | undefined,
  asked: string,
  options: Pick<FindOptions, 'whole'>,
): Promise<Omit<AskedCheckpoint, 'skipped'>> {
  const given = resolve(asked)
  const path = basename(given) === MANIFEST ? dirname(given) : given
  const inside = relative(own.description, path)
  if (inside !== '' && !inside.startsWith('..') && resolve(own.description, inside) === path && own instanceof LocalDirectory) {
    return { ...(await findInFolder(own, job, inside.split(sep).join('/'), options)), directory: undefined, storage: own }
  }
  const directory = dirname(path)
  const storage = new LocalDirectory(directory)
  return { ...(await findInFolder(storage, job, basename(path), options)), directory, storage }
}

export function restorePointOf(
  { manifest, files }: FoundCheckpoint,
  directory: string | undefined,
  ignored: readonly string[],
): RestorePoint {
  return { id: manifest.id, directory, files, ignored }
}

/** Where restoring needs checkpoints to be on. */
export function assertCheckpointsOn(on: boolean, what: string, job: string): void {
  if (!on) throw new SluiceError('SLUICE_CHECKPOINTS_OFF', `${what} needs checkpoints, and job ${job} takes none`, { job })
}
