/**
 * Where the output of a file sink goes. A path is one file; a path that ends in `/` is a folder of parts: one per subtask, with checkpoints
 * one per subtask and checkpoint. Either is written under a name of its own (`<path>.partial`, `.part-...partial`) and renamed when it is
 * complete: what bears the final name is finished, also after a crash.
 */
import type { Stats } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { SluiceError } from '@sluice/engine'
import type { SinkWriteContext } from './define-sink.js'

export interface OutputPath {
  /** What the user wrote. */
  readonly path: string
  /** The name it bears when it is complete. */
  readonly finalPath: string
  /** The name it bears until then; the same for a device or a pipe. */
  readonly writePath: string
  /** 0; undefined for a device or a pipe, which has no positions. */
  readonly length: number | undefined
}

/** A part that is complete: of a subtask, and of a checkpoint where there are any. */
const PART = /^part-(\d+)(?:-(\d+)-\d+)?\./

/** Whether a path means a folder of parts. */
export function isFolderPath(path: string): boolean {
  return path.endsWith('/')
}

/** Makes the folders, refuses what exists (or removes it, with `overwrite`), and says where this subtask writes. */
export async function prepareOutput(path: string, extension: string, context: SinkWriteContext): Promise<OutputPath> {
  try {
    return isFolderPath(path) ? await preparePart(path, extension, context) : await prepareFile(path, context)
  } catch (error) {
    throw outputError(error, path, context.operator)
  }
}

/** Refuses what exists, or removes the parts of it with `overwrite`; makes folders. */
export async function checkOutput(path: string, context: SinkWriteContext): Promise<void> {
  try {
    await (isFolderPath(path) ? clearFolder(path, context) : prepareFile(path, context))
  } catch (error) {
    throw outputError(error, path, context.operator)
  }
}

/** Gives the finished output its final name, durably. */
export async function publishOutput(output: OutputPath): Promise<void> {
  if (output.writePath === output.finalPath) return
  await rename(output.writePath, output.finalPath)
  await syncFolder(dirname(output.finalPath))
}

/** Whether the path is there and is neither a file nor a folder. */
export async function isPipe(path: string): Promise<boolean> {
  const found = await statOrUndefined(resolve(path)).catch(() => undefined)
  return found !== undefined && !found.isFile() && !found.isDirectory()
}

/** What may be over at the next attempt: no space, no files to open, a disk that does not answer. */
const passing: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY', 'ETIMEDOUT'])

/** An error of the file system as the error a user sees. */
export function outputError(error: unknown, path: string, operator: string): SluiceError {
  if (error instanceof SluiceError) return error
  const message = `Output ${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`
  if (passing.has(String((error as NodeJS.ErrnoException | undefined)?.code)))
    return new SluiceError('SLUICE_SINK_FAILED', message, { operator, cause: error, hint: 'Free space, or see to the disk.' })
  return new SluiceError('SLUICE_OUTPUT_UNWRITABLE', message, { operator, cause: error })
}

export async function prepareFile(path: string, context: SinkWriteContext): Promise<OutputPath> {
  const finalPath = resolve(path)
  const found = await statOrUndefined(finalPath)
  if (found?.isDirectory() === true) {
    throw new SluiceError('SLUICE_OUTPUT_UNWRITABLE', `Output ${path} is a folder.`, {
      operator: context.operator,
      hint: `End the path in a slash to write a folder of parts: '${path}/'.`,
    })
  }
  if (found !== undefined && !found.isFile()) return { path, finalPath, writePath: finalPath, length: undefined }
  if (found !== undefined && !context.overwrite) throw exists(`Output ${path} exists already (${finalPath}).`, context)
  await mkdir(dirname(finalPath), { recursive: true })
  return { path, finalPath, writePath: `${finalPath}.partial`, length: 0 }
}

async function preparePart(path: string, extension: string, context: SinkWriteContext): Promise<OutputPath> {
  const folder = resolve(path)
  await clearFolder(path, context)
  const name = `part-${context.subtask.index}.${extension}`
  return { path, finalPath: join(folder, name), writePath: join(folder, `.${name}.partial`), length: 0 }
}

/** Makes a folder for parts; parts that are there are refused, or removed with `overwrite`. */
export async function clearFolder(path: string, context: SinkWriteContext): Promise<void> {
  const folder = resolve(path)
  const { index, parallelism } = context.subtask
  await mkdir(folder, { recursive: true })
  // Each subtask answers for its own share of the old parts: another one may have finished a new part already.
  const old = (await readdir(folder)).filter((name) => {
    const part = partOf(name)
    return part !== undefined && part.subtask % parallelism === index
  })
  if (old.length > 0 && !context.overwrite) throw exists(`Output folder ${path} holds ${old[0]} already (${folder}).`, context)
  await Promise.all(old.map((name) => rm(join(folder, name))))
}

/** What the name of a complete part says; undefined: it is none. */
export function partOf(name: string): { readonly subtask: number; readonly checkpoint: number | undefined } | undefined {
  const found = PART.exec(name)
  if (found === null) return undefined
  return { subtask: Number(found[1]), checkpoint: found[2] === undefined ? undefined : Number(found[2]) }
}

function exists(message: string, { operator, run }: SinkWriteContext): SluiceError {
  const hint =
    run === undefined
      ? {}
      : { hint: 'Go on where the last run stopped with --restore latest, or pass --overwrite to begin anew and replace it.' }
  return new SluiceError('SLUICE_OUTPUT_EXISTS', message, { operator, ...hint })
}

/** Output is not what a checkpoint says it was. */
export function outputChanged(message: string, operator: string): SluiceError {
  return new SluiceError('SLUICE_OUTPUT_CHANGED', message, { operator })
}

export async function statOrUndefined(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    throw error
  }
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
