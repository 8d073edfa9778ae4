/**
 * What a run remembers of its attempts: a small file each, written before anything is opened. An attempt that goes on from a checkpoint gives up those that
 * came behind it, because its sinks take back what was published since: `latest` must not come back to them. Coordinator.
 */
import { SluiceError } from '../../errors/sluice-error.js'
import { runFolder } from '../checkpoint-layout.js'
import type { CheckpointManifest } from '../manifest/manifest.js'
import type { CheckpointStorage } from '../storage.js'

export interface RecordedAttempt {
  readonly attempt: number
  /** The checkpoint that it goes on from, 0: none. */
  readonly restored: number
}

const folderOf = (job: string, run: string): string => `${runFolder(job, run)}/attempts`

export async function recordAttempt(storage: CheckpointStorage, job: string, run: string, recorded: RecordedAttempt): Promise<void> {
  const { attempt, restored } = recorded
  await storage.publish(`${folderOf(job, run)}/${attempt}`, new TextEncoder().encode(`${JSON.stringify({ restored })}\n`))
}

/** Of all that were recorded, ascending. */
export async function attemptNumbers(storage: CheckpointStorage, job: string, run: string): Promise<readonly number[]> {
  const names = await storage.list(folderOf(job, run))
  return names
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

/** The first attempt that went on from an older checkpoint than this one, which was there; undefined: there is none. */
export async function givenUpBy(storage: CheckpointStorage, manifest: CheckpointManifest): Promise<RecordedAttempt | undefined> {
  const { job, run, id } = manifest
  for (const attempt of await attemptNumbers(storage, job, run)) {
    if (attempt <= manifest.attempt) continue
    const restored = await restoredBy(storage, `${folderOf(job, run)}/${attempt}`)
    if (restored !== undefined && restored < id) return { attempt, restored }
  }
  return undefined
}

async function restoredBy(storage: CheckpointStorage, path: string): Promise<number | undefined> {
  try {
    const { restored } = JSON.parse(new TextDecoder().decode(await storage.read(path))) as { readonly restored?: unknown }
    return typeof restored === 'number' ? restored : undefined
  } catch (error) {
    // What says nothing gives nothing up.
    if (error instanceof SyntaxError || (error instanceof SluiceError && error.code === 'SLUICE_CHECKPOINT_FILE_MISSING')) return undefined
    throw error
  }
}
