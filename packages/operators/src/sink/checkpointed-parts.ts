/**
 * A folder of parts of a job with checkpoints. Every checkpoint ends a part: `part-<subtask>-<checkpoint>-<n>.<ext>`, which is hidden, under a name that
 * also tells job, run and attempt, until the checkpoint is complete; a commit renames it. What the folder shows is never taken back by a
 * failure. Parts without records are not made.
 */
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { crc32 } from 'node:zlib'
import type { RunIdentity } from '@sluice/engine'
import { AppendFile } from './append-file.js'
import type { SinkWriteContext } from './define-sink.js'
import { FileOutput } from './file-output.js'
import { clearFolder, outputChanged, outputError, partOf, statOrUndefined, syncFolder } from './output-path.js'

interface PreparedPart {
  /** Names in the folder. */
  readonly hidden: string
  readonly name: string
  readonly bytes: number
  readonly checksum: number
}

interface SealedPart {
  readonly file: AppendFile
  readonly openName: string
  readonly hidden: string
}

/** A part that is not published: its subtask, and whose it is. */
const HIDDEN = /^\.part-(\d+)-(?:open-\d+|\d+-\d+\.\w+)(\..+)\.partial$/

export class CheckpointedParts extends FileOutput {
  override readonly rolls = true
  readonly #folder: string
  readonly #extension: string
  readonly #suffix: string
  /** Parts of this attempt, also those that are empty. */
  #count = 0
  #current: AppendFile | undefined
  #sealed: SealedPart[] = []

  static async open(path: string, extension: string, context: SinkWriteContext, run: RunIdentity): Promise<CheckpointedParts> {
    const output = new CheckpointedParts(path, extension, context, run)
    try {
      if (context.restored === undefined) {
        await clearFolder(path, context)
        await output.#removeUnpublished(run)
      } else {
        // The job may not have had this sink before.
        await mkdir(output.#folder, { recursive: true })
        await output.#removeOrphans(run)
      }
    } catch (error) {
      throw outputError(error, path, context.operator)
    }
    return output
  }

  private constructor(path: string, extension: string, context: SinkWriteContext, run: RunIdentity) {
    super(path, context)
    this.#folder = resolve(path)
    this.#extension = extension
    this.#suffix = `${ownerOf(context, run)}${run.attempt}.partial`
  }

  protected override file(): AppendFile {
    if (this.#current !== undefined) return this.#current
    const file = new AppendFile(0, true)
    this.#current = file
    const path = join(this.#folder, this.#openName)
    // Opened with its first bytes: a part without records is never there.
    file.openLater(() => open(path, 'w'))
    return file
  }

  get #openName(): string {
    return `.part-${this.context.subtask.index}-open-${this.#count}${this.#suffix}`
  }

  override prepare(checkpoint: number): PreparedPart | undefined {
    const file = this.#current
    if (file === undefined) return undefined
    file.seal()
    if (file.bytes === 0) return undefined
    const name = `part-${this.context.subtask.index}-${checkpoint}-0.${this.#extension}`
    const hidden = `.${name}${this.#suffix}`
    this.#sealed.push({ file, openName: this.#openName, hidden })
    this.#count++
    this.#current = undefined
    return { hidden, name, bytes: file.bytes, checksum: file.checksum }
  }

  override async durable(): Promise<void> {
    const sealed = this.#sealed
    if (sealed.length === 0) return
    this.#sealed = []
    await this.guard(async () => {
      for (const { file, openName, hidden } of sealed) {
        await file.sync()
        await file.close()
        await rename(join(this.#folder, openName), join(this.#folder, hidden))
      }
      await syncFolder(this.#folder)
    })
  }

  override async commit(prepared: unknown): Promise<void> {
    const { hidden, name, bytes, checksum } = prepared as PreparedPart
    const path = join(this.#folder, name)
    await this.guard(async () => {
      if ((await statOrUndefined(join(this.#folder, hidden))) === undefined) {
        // It was committed before.
        await this.#check(path, bytes, checksum)
        return
      }
      await rename(join(this.#folder, hidden), path)
      await syncFolder(this.#folder)
    })
  }

  /** Removes what no checkpoint will publish. */
  override async abort(): Promise<void> {
    const file = this.#current
    if (file === undefined) return
    this.#current = undefined
    await file.close()
    await rm(join(this.#folder, this.#openName), { force: true })
  }

  override async finish(): Promise<void> {
    this.#current?.seal()
  }

  override async close(): Promise<void> {
    await Promise.all([...this.#sealed.map(({ file }) => file.close()), this.#current?.close()])
  }

  async #check(path: string, bytes: number, checksum: number): Promise<void> {
    const { operator } = this.context
    const found = await stat(path).catch(() => undefined)
    if (found === undefined)
      throw outputChanged(`A part of output ${this.path} is gone: ${path} had ${bytes} bytes at the checkpoint.`, operator)
    if (found.size !== bytes || crc32(await readFile(path)) !== checksum)
      throw outputChanged(`A part of output ${this.path} is not what was written: ${path} had ${bytes} bytes at the checkpoint.`, operator)
  }

  /** Nothing is restored: what attempts before this one prepared is never published; with `overwrite` what earlier runs of the job did, neither. */
  async #removeUnpublished(run: RunIdentity): Promise<void> {
    const owner = this.context.overwrite ? jobMark(this.context) : ownerOf(this.context, run)
    for (const { name, hidden } of await this.#share(owner)) if (hidden) await rm(join(this.#folder, name), { force: true })
  }

  /** Each subtask answers for a share. What checkpoints up to the restored one prepared stays: somebody commits it. */
  async #removeOrphans(run: RunIdentity): Promise<void> {
    for (const { name, hidden } of await this.#share(ownerOf(this.context, run))) {
      const checkpoint = partOf(hidden ? name.slice(1) : name)?.checkpoint
      if (checkpoint === undefined ? !hidden : checkpoint <= run.restoredCheckpoint) continue
      if (!hidden)
        this.context.log.warn('A part that was published after the checkpoint is removed.', {
          part: name,
          restoredCheckpoint: run.restoredCheckpoint,
        })
      await rm(join(this.#folder, name), { force: true })
    }
  }

  /** The parts of this subtask's share: complete ones, and hidden ones of this owner. */
  async #share(owner: string): Promise<readonly { readonly name: string; readonly hidden: boolean }[]> {
    const { index, parallelism } = this.context.subtask
    const names = await readdir(this.#folder).catch(() => [])
    return names.flatMap((name) => {
      const [, of, mark] = HIDDEN.exec(name) ?? []
      const hidden = mark?.startsWith(owner) === true
      const subtask = hidden ? of : partOf(name)?.subtask
      return subtask !== undefined && Number(subtask) % parallelism === index ? [{ name, hidden }] : []
    })
  }
}

/** The part of a hidden name that tells whose it is; the attempt follows. */
function ownerOf(context: SinkWriteContext, run: RunIdentity): string {
  return `${jobMark(context)}${run.id}.`
}

function jobMark({ job }: SinkWriteContext): string {
  return `.${job.replaceAll(/[^\w-]/g, '_').slice(0, 40)}.`
}
