/**
 * The complete checkpoints of one run, as the coordinator knows them, and what may be removed of the others. Nothing is removed that a retained one refers to; the manifest goes
 * first, so that what is half removed does not exist. Runs on the coordinator's thread; `tidy` is not called again before it has settled.
 */
import { checkpointFolder, idOfFolder, MANIFEST_NAME, resolvePath, runFolder } from '../checkpoint-layout.js'
import { type CheckpointManifest, filesOf } from '../manifest/manifest.js'
import { inFolder, readManifest } from '../manifest/manifest-file.js'
import type { CheckpointStorage } from '../storage.js'

export class CompleteCheckpoints {
  /** Ascending by id. */
  readonly #complete: CheckpointManifest[]
  #largestId: number

  private constructor(
    private readonly storage: CheckpointStorage,
    private readonly job: string,
    private readonly run: string,
    complete: CheckpointManifest[],
    largestId: number,
  ) {
    this.#complete = complete
    this.#largestId = largestId
  }

  /**
   * Looks at what is there. `upTo`: the checkpoint that was restored, 0: none; later ones belong to a past that this attempt does not go on from, and
   * do not count.
   */
  static async open(storage: CheckpointStorage, job: string, run: string, upTo: number): Promise<CompleteCheckpoints> {
    const ids = await idsIn(storage, job, run)
    const complete: CheckpointManifest[] = []
    for (const id of ids) {
      if (id > upTo) continue
      // What cannot be read cannot be restored either: it does not count.
      const manifest = await readManifest(storage, checkpointFolder(job, run, id)).catch(() => undefined)
      if (manifest?.job === job && manifest.run === run && manifest.id === id) complete.push(manifest)
    }
    return new CompleteCheckpoints(storage, job, run, complete, Math.max(upTo, ids.at(-1) ?? 0))
  }

  /** Of every checkpoint that was ever begun, as far as it left anything. */
  get largestId(): number {
    return this.#largestId
  }

  get latest(): CheckpointManifest | undefined {
    return this.#complete.at(-1)
  }

  add(manifest: CheckpointManifest): void {
    this.#complete.push(manifest)
    this.#largestId = Math.max(this.#largestId, manifest.id)
  }

  /** Removes what lies in front of the newest complete one and is neither among the `retain` newest nor needed by them. Fails where something could not be removed. */
  async tidy(retain: number, beforeRemoval: () => void): Promise<void> {
    const latest = this.latest?.id ?? 0
    const retained = this.#complete.slice(-retain)
    const oldest = retained[0]?.id ?? 0
    const needed = new Set(retained.flatMap((manifest) => this.#filesOf(manifest)))
    for (const id of await idsIn(this.storage, this.job, this.run)) {
      if (id >= latest || retained.some((manifest) => manifest.id === id)) continue
      const folder = checkpointFolder(this.job, this.run, id)
      const names = await this.storage.list(folder)
      // One with a manifest that is none of ours may be wanted, as long as it is not older than all that are kept.
      if (id > oldest && names.includes(MANIFEST_NAME)) continue
      const kept = names.filter((name) => needed.has(inFolder(folder, name)))
      if (kept.length === names.length && kept.length > 0) continue
      beforeRemoval()
      if (names.includes(MANIFEST_NAME)) await this.storage.remove(inFolder(folder, MANIFEST_NAME))
      this.#forget(id)
      if (kept.length === 0) await this.storage.remove(folder)
      else for (const name of names) if (!kept.includes(name)) await this.storage.remove(inFolder(folder, name))
    }
  }

  #filesOf(manifest: CheckpointManifest): readonly string[] {
    const folder = checkpointFolder(this.job, this.run, manifest.id)
    return filesOf(manifest).flatMap((file) => resolvePath(folder, file.path) ?? [])
  }

  #forget(id: number): void {
    const at = this.#complete.findIndex((manifest) => manifest.id === id)
    if (at >= 0) this.#complete.splice(at, 1)
  }
}

/** Ids of all folders of checkpoints of a run, ascending, complete or not. */
async function idsIn(storage: CheckpointStorage, job: string, run: string): Promise<readonly number[]> {
  const names = await storage.list(runFolder(job, run))
  return names.flatMap((name) => idOfFolder(name) ?? []).sort((a, b) => a - b)
}
