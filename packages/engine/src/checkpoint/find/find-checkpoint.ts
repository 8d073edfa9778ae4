/**
 * Finds the checkpoint to restore: the newest, one by its id, or one in a folder. What is found can be restored: its manifest fits its checksum, every file is
 * there in its whole length, and its index fits the checksum in the manifest; where it is to be restored, every block fits its own, too.
 */
import { SluiceError } from '../../errors/sluice-error.js'
import { fileSafe, idOfFolder, jobFolder, MANIFEST_NAME, resolvePath, SAVEPOINTS_FOLDER } from '../checkpoint-layout.js'
import { verifySnapshotFile } from '../file/inspect-file.js'
import { StateFile } from '../file/state-file.js'
import { type CheckpointManifest, filesOf } from '../manifest/manifest.js'
import { readManifest } from '../manifest/manifest-file.js'
import type { SnapshotFileHandle } from '../protocol.js'
import type { SectionName } from '../snapshot.js'
import type { CheckpointStorage } from '../storage.js'
import { givenUpBy, type RecordedAttempt } from './attempts.js'

export interface FoundCheckpoint {
  /** In the storage. */
  readonly folder: string
  /** For messages. */
  readonly path: string
  readonly manifest: CheckpointManifest
  /** All state files, in terms of the storage: what `openSnapshot` takes. */
  readonly files: readonly SnapshotFileHandle[]
  /** Operators that have any state in it, but for the progress of time. */
  readonly stateful: ReadonlySet<string>
  /** Operators with keyed state whose fields have no names: all of their fields are found by their place. */
  readonly positional: ReadonlySet<string>
  /** Edges, as `edgeName` calls them, with records that barriers had overtaken: they must lie between tasks where it is restored. */
  readonly overtaken: ReadonlySet<string>
}

/** Sections that every operator has, and that nobody misses. */
const DERIVED: ReadonlySet<SectionName> = new Set(['time', 'end', 'inputs'])

/** A newer checkpoint that cannot be restored. */
export interface SkippedCheckpoint {
  readonly id: number
  readonly path: string
  readonly error: SluiceError
}

export interface CheckpointSearch {
  readonly found: FoundCheckpoint
  /** Newest first; whoever restores says so. */
  readonly skipped: readonly SkippedCheckpoint[]
}

export interface CheckOptions {
  /** Reads every file to its end, too. Who restores wants to know of damage before anything is opened, and while there is another checkpoint to take. */
  readonly whole?: boolean | undefined
}

export interface FindOptions extends CheckOptions {
  /** Only in this run; default: the one with the newest checkpoint. */
  readonly run?: string | undefined
  /** Not a newer one than this. */
  readonly upTo?: number | undefined
}

/** Whether the job has left any complete checkpoint here, damaged ones included; savepoints do not count. */
export async function hasCheckpoints(storage: CheckpointStorage, job: string): Promise<boolean> {
  return (await candidatesOf(storage, job)).length > 0
}

/**
 * The newest checkpoint of a job; where it is damaged the one before, within the same run. One that the run has gone back behind is none.
 * @throws SluiceError `SLUICE_CHECKPOINT_MISSING` where there is none, `SLUICE_CHECKPOINT_CORRUPT` where all are damaged, `SLUICE_CHECKPOINT_VERSION`,
 * `SLUICE_CHECKPOINT_OF_OTHER_JOB`, `SLUICE_CHECKPOINT_STORAGE`.
 */
export async function findLatest(storage: CheckpointStorage, job: string, options: FindOptions = {}): Promise<CheckpointSearch> {
  const run = options.run === undefined ? await newestRun(storage, job) : fileSafe(options.run)
  const candidates = (await candidatesOf(storage, job, run)).filter(({ id }) => id <= (options.upTo ?? Number.POSITIVE_INFINITY))
  const skipped: SkippedCheckpoint[] = []
  let wentBack: RecordedAttempt | undefined
  for (const { id, folder } of candidates.sort((a, b) => b.id - a.id)) {
    try {
      const manifest = await readManifest(storage, folder)
      const givenUp = manifest === undefined ? undefined : await givenUpBy(storage, manifest)
      if (givenUp === undefined) return { found: await checkedAt(storage, job, folder, options), skipped }
      wentBack ??= givenUp
    } catch (error) {
      if (!isDamage(error)) throw error
      skipped.push({ id, path: pathOf(storage, folder), error })
    }
  }
  const where = pathOf(storage, jobFolder(job))
  const [newest] = skipped
  if (newest === undefined && wentBack !== undefined) {
    const { attempt, restored } = wentBack
    const message = `the checkpoints of job "${job}" in ${where} were given up when attempt ${attempt} went on from checkpoint ${restored}, and it has completed none`
    throw new SluiceError('SLUICE_CHECKPOINT_MISSING', message, {
      job,
      hint: `Restore checkpoint ${restored} again, by its id or its path.`,
    })
  }
  if (newest === undefined)
    throw new SluiceError('SLUICE_CHECKPOINT_MISSING', `there is no checkpoint of job "${job}" in ${where}`, { job })
  const all = skipped.map(({ path, error }) => `${path}: ${error.message}`).join('; ')
  throw new SluiceError('SLUICE_CHECKPOINT_CORRUPT', `no checkpoint of job "${job}" can be restored: ${all}`, { job, cause: newest.error })
}

/** The checkpoint with this id: of the newest run that has one. */
export async function findById(storage: CheckpointStorage, job: string, id: number, options: CheckOptions = {}): Promise<FoundCheckpoint> {
  const candidates = (await candidatesOf(storage, job)).filter((candidate) => candidate.id === id)
  const run = candidates.length > 1 ? await newestRun(storage, job) : undefined
  const candidate = candidates.find((one) => one.run === run) ?? candidates[0]
  if (candidate !== undefined) return checkedAt(storage, job, candidate.folder, options)
  const there = (await candidatesOf(storage, job)).map((one) => one.id).sort((a, b) => a - b)
  const known = there.length === 0 ? 'there are none' : `there are ${there.join(', ')}`
  throw new SluiceError(
    'SLUICE_CHECKPOINT_MISSING',
    `there is no checkpoint ${id} of job "${job}" in ${pathOf(storage, jobFolder(job))}: ${known}`,
    {
      job,
    },
  )
}

/** The checkpoint or savepoint in a folder of the storage. `job` undefined: of any job. */
export async function findInFolder(
  storage: CheckpointStorage,
  job: string | undefined,
  folder: string,
  options: CheckOptions = {},
): Promise<FoundCheckpoint> {
  return checkedAt(storage, job, folder, options)
}

/** What a manifest in this folder refers to, in terms of the storage. */
export function resolveFiles(storage: CheckpointStorage, folder: string, manifest: CheckpointManifest): readonly SnapshotFileHandle[] {
  return filesOf(manifest).map((file) => {
    const path = resolvePath(folder, file.path)
    if (path !== undefined) return { ...file, path }
    throw new SluiceError(
      'SLUICE_CHECKPOINT_FILE_MISSING',
      `checkpoint ${pathOf(storage, folder)} shares the file ${file.path}, which lies outside`,
      {
        hint: 'Give the path of the checkpoint within the folder of its run; only savepoints can be moved alone.',
      },
    )
  })
}

/** Reads a checkpoint and checks that its files are whole. */
async function checkedAt(
  storage: CheckpointStorage,
  job: string | undefined,
  folder: string,
  { whole = false }: CheckOptions,
): Promise<FoundCheckpoint> {
  const path = pathOf(storage, folder)
  const manifest = await readManifest(storage, folder)
  if (manifest === undefined)
    throw new SluiceError('SLUICE_CHECKPOINT_MISSING', `there is no complete checkpoint in ${path}: it has no ${MANIFEST_NAME}`)
  if (job !== undefined && manifest.job !== job) {
    throw new SluiceError('SLUICE_CHECKPOINT_OF_OTHER_JOB', `${path} is a checkpoint of job "${manifest.job}", not of "${job}"`, { job })
  }
  const files = resolveFiles(storage, folder, manifest)
  const stateful = new Set<string>()
  const positional = new Set<string>()
  const overtaken = new Set<string>()
  for (const file of files) {
    if (whole) await verifySnapshotFile(storage, file)
    const { index } = await StateFile.open(storage, file)
    for (const { operator, entries, columns } of index.states) {
      if (entries === 0) continue
      stateful.add(operator)
      if (columns.some((column) => column.name === undefined)) positional.add(operator)
    }
    for (const { operator, name } of index.sections) if (!DERIVED.has(name)) stateful.add(operator)
    for (const { edge } of index.slices) overtaken.add(edge)
  }
  return { folder, path, manifest, files, stateful, positional, overtaken }
}

interface Candidate {
  /** Its folder. */
  readonly run: string
  readonly id: number
  readonly folder: string
}

/** Checkpoints with a manifest, readable or not. `run` is the name of a folder. */
async function candidatesOf(storage: CheckpointStorage, job: string, run?: string): Promise<Candidate[]> {
  const root = jobFolder(job)
  const runs = run === undefined ? await runsOf(storage, job) : [run]
  const candidates: Candidate[] = []
  for (const name of runs) {
    for (const child of await storage.list(`${root}/${name}`)) {
      const id = idOfFolder(child)
      const folder = `${root}/${name}/${child}`
      if (id !== undefined && (await storage.list(folder)).includes(MANIFEST_NAME)) candidates.push({ run: name, id, folder })
    }
  }
  return candidates
}

/** Names of the folders of runs. */
export async function runsOf(storage: CheckpointStorage, job: string): Promise<readonly string[]> {
  return (await storage.list(jobFolder(job))).filter((name) => name !== SAVEPOINTS_FOLDER && !name.startsWith('.'))
}

/** The run that completed a checkpoint last; one with nothing but damaged manifests where no run has a readable one. */
async function newestRun(storage: CheckpointStorage, job: string): Promise<string | undefined> {
  let newest: { readonly run: string; readonly completedMs: number } | undefined
  for (const { run, folder } of await candidatesOf(storage, job)) {
    const manifest = await readManifest(storage, folder).catch((error: unknown) => {
      if (isDamage(error)) return undefined
      throw error
    })
    const completedMs = manifest?.completedMs ?? Number.NEGATIVE_INFINITY
    if (newest === undefined || completedMs > newest.completedMs) newest = { run, completedMs }
  }
  return newest?.run
}

function isDamage(error: unknown): error is SluiceError {
  return error instanceof SluiceError && (error.code === 'SLUICE_CHECKPOINT_CORRUPT' || error.code === 'SLUICE_CHECKPOINT_FILE_MISSING')
}

export function pathOf(storage: CheckpointStorage, folder: string): string {
  return folder === '' ? storage.description : `${storage.description}/${folder}`
}
