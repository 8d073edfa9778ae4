/**
 * A single file of a job with checkpoints. It bears its unfinished name (`<path>.partial`) until the job has finished, and is cut back on restore to
 * its length at the checkpoint: it is exact when it bears its final name. A commit renames it, once the last checkpoint is complete.
 */
import { Buffer } from 'node:buffer'
import { open, rename } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { SluiceError } from '@sluice/engine'
import { AppendFile } from './append-file.js'
import type { SinkWriteContext } from './define-sink.js'
import { FileOutput } from './file-output.js'
import { outputChanged, outputError, prepareFile, statOrUndefined, syncFolder } from './output-path.js'

interface PreparedFile {
  readonly bytes: number
  /** The input has ended: with this checkpoint the file is complete. */
  readonly final: boolean
  readonly resume: unknown
}

export class CheckpointedFile extends FileOutput {
  override readonly rolls = false
  override readonly resume: unknown
  readonly #file: AppendFile
  readonly #finalPath: string
  readonly #writePath: string
  #nameSynced = false
  #finished = false

  static async open(path: string, context: SinkWriteContext): Promise<CheckpointedFile> {
    const finalPath = resolve(path)
    const writePath = `${finalPath}.partial`
    const restored = context.restored?.at(-1) as PreparedFile | undefined
    try {
      if (restored === undefined) {
        await prepareFile(path, context)
        const file = new AppendFile(0, false)
        await file.open(() => open(writePath, 'w'))
        return new CheckpointedFile(path, file, undefined, context)
      }
      const file = new AppendFile(restored.bytes, false)
      if (!restored.final) await CheckpointedFile.#goOn(path, file, restored.bytes, context)
      return new CheckpointedFile(path, file, restored, context)
    } catch (error) {
      throw outputError(error, path, context.operator)
    }
  }

  /** The file of the run that is restored, cut back; it bears its final name where that run was farther than its checkpoint says. */
  static async #goOn(path: string, file: AppendFile, bytes: number, context: SinkWriteContext): Promise<void> {
    const finalPath = resolve(path)
    const writePath = `${finalPath}.partial`
    if ((await statOrUndefined(writePath)) === undefined && (await statOrUndefined(finalPath))?.isFile() === true) {
      await rename(finalPath, writePath)
      await syncFolder(dirname(finalPath))
    }
    await checkLength(path, writePath, bytes, context.operator)
    await file.open(async () => {
      const handle = await open(writePath, 'r+')
      await handle.truncate(bytes)
      return handle
    })
  }

  private constructor(path: string, file: AppendFile, restored: PreparedFile | undefined, context: SinkWriteContext) {
    super(path, context)
    this.#file = file
    this.#finalPath = resolve(path)
    this.#writePath = `${this.#finalPath}.partial`
    this.resume = restored?.final === true ? undefined : restored?.resume
    this.#finished = restored?.final ?? false
  }

  override get complete(): boolean {
    return this.#finished
  }

  protected override file(): AppendFile {
    if (this.#finished) throw new SluiceError('SLUICE_ASSERTION', `${this.path} is written to behind its end`)
    return this.#file
  }

  override async read(offset: number, bytes: number): Promise<Uint8Array> {
    const handle = await open(this.#writePath, 'r')
    try {
      const { buffer } = await handle.read(Buffer.alloc(bytes), 0, bytes, offset)
      return buffer
    } finally {
      await handle.close()
    }
  }

  override prepare(_checkpoint: number, resume?: unknown): PreparedFile {
    this.#file.seal()
    return { bytes: this.#file.bytes, final: this.#finished, resume }
  }

  override async durable(): Promise<void> {
    await this.guard(async () => {
      // A file that is complete from an earlier attempt is not open here.
      if (this.#file.isOpen) await this.#file.sync()
      if (this.#nameSynced) return
      await syncFolder(dirname(this.#finalPath))
      this.#nameSynced = true
    })
  }

  override async commit(prepared: unknown): Promise<void> {
    const { bytes, final } = prepared as PreparedFile
    if (!final) return
    await this.guard(async () => {
      const unfinished = await statOrUndefined(this.#writePath)
      if (unfinished === undefined) {
        // It was committed before.
        await checkLength(this.path, this.#finalPath, bytes, this.context.operator)
        return
      }
      await checkLength(this.path, this.#writePath, bytes, this.context.operator)
      if (unfinished.size > bytes) {
        const handle = await open(this.#writePath, 'r+')
        await handle.truncate(bytes)
        await handle.sync()
        await handle.close()
      }
      await rename(this.#writePath, this.#finalPath)
      await syncFolder(dirname(this.#finalPath))
    })
  }

  /** What is behind the last checkpoint is cut off by whoever restores it. */
  override async abort(): Promise<void> {}

  override async finish(): Promise<void> {
    this.#file.seal()
    this.#finished = true
  }

  override close(): Promise<void> {
    return this.#file.close()
  }
}

async function checkLength(path: string, file: string, bytes: number, operator: string): Promise<void> {
  const found = await statOrUndefined(file)
  if (found === undefined) throw outputChanged(`Output ${path} is gone: the checkpoint says that ${file} had ${bytes} bytes.`, operator)
  if (found.size < bytes)
    throw outputChanged(`Output ${path} is shorter than at the checkpoint: ${found.size} instead of ${bytes} bytes.`, operator)
}
