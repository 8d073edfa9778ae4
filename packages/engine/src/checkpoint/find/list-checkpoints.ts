/** What lies in a storage, for people: every checkpoint and savepoint with its figures, and what is wrong with those that cannot be restored. */
import { describeError, SluiceError } from '../../errors/sluice-error.js'
import { idOfFolder, jobFolder, MANIFEST_NAME, SAVEPOINTS_FOLDER } from '../checkpoint-layout.js'
import { bytesOf, type CheckpointManifest, filesOf } from '../manifest/manifest.js'
import { readManifest } from '../manifest/manifest-file.js'
import type { CheckpointStorage } from '../storage.js'
import { pathOf, resolveFiles, runsOf } from './find-checkpoint.js'

export interface ListedCheckpoint {
  /** In the storage. */
  readonly folder: string
  readonly path: string
  readonly kind: 'checkpoint' | 'savepoint'
  /** By the name of its folder where there is no manifest. */
  readonly id: number | undefined
  /** undefined: there is none, or it cannot be read. */
  readonly manifest: CheckpointManifest | undefined
  /** All files together, as written. */
  readonly bytes: number
  readonly durationMs: number | undefined
  /** Why it cannot be restored, as a sentence; undefined: its manifest is whole and every file is there. */
  readonly problem: string | undefined
}

/** Jobs that have anything here, by the names of their folders; one that was refused has left nothing but locks. */
export async function listJobs(storage: CheckpointStorage): Promise<readonly string[]> {
  const jobs: string[] = []
  for (const name of await storage.list('')) {
    if (name.startsWith('.')) continue
    if ((await storage.list(name)).some((child) => !child.startsWith('.'))) jobs.push(decodeFolder(name))
  }
  return jobs
}

/** All checkpoints of a job by run and id, then its savepoints by name. */
export async function listCheckpoints(storage: CheckpointStorage, job: string): Promise<readonly ListedCheckpoint[]> {
  const root = jobFolder(job)
  const listed: ListedCheckpoint[] = []
  for (const run of await runsOf(storage, job)) {
    const ids = (await storage.list(`${root}/${run}`)).flatMap((name) => idOfFolder(name) ?? []).sort((a, b) => a - b)
    for (const id of ids) listed.push(await look(storage, `${root}/${run}/chk-${id}`, 'checkpoint', id))
  }
  for (const name of await storage.list(`${root}/${SAVEPOINTS_FOLDER}`)) {
    listed.push(await look(storage, `${root}/${SAVEPOINTS_FOLDER}/${name}`, 'savepoint', undefined))
  }
  return listed
}

async function look(
  storage: CheckpointStorage,
  folder: string,
  kind: ListedCheckpoint['kind'],
  idOfName: number | undefined,
): Promise<ListedCheckpoint> {
  const path = pathOf(storage, folder)
  let manifest: CheckpointManifest | undefined
  let problem: string | undefined
  try {
    manifest = await readManifest(storage, folder)
    if (manifest === undefined) problem = `it is not complete: there is no ${MANIFEST_NAME}`
    else problem = await missingFile(storage, folder, manifest)
  } catch (error) {
    problem = error instanceof SluiceError ? error.message : describeError(error)
  }
  return {
    folder,
    path,
    kind,
    id: manifest?.id ?? idOfName,
    manifest,
    bytes: manifest === undefined ? 0 : bytesOf(manifest),
    durationMs: manifest === undefined ? undefined : manifest.completedMs - manifest.startedMs,
    problem,
  }
}

async function missingFile(storage: CheckpointStorage, folder: string, manifest: CheckpointManifest): Promise<string | undefined> {
  if (filesOf(manifest).length === 0) return undefined
  const names = new Map<string, readonly string[]>()
  for (const { path } of resolveFiles(storage, folder, manifest)) {
    const at = path.lastIndexOf('/')
    const parent = at < 0 ? '' : path.slice(0, at)
    if (!names.has(parent)) names.set(parent, await storage.list(parent))
    if (names.get(parent)?.includes(path.slice(at + 1)) !== true) return `the file ${path} is missing`
  }
  return undefined
}

function decodeFolder(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
