/**
 * From the path a user wrote to the files it means, and from files to splits. Paths are relative to the working directory;
 * the order of files is that of their names, the same in every subtask.
 */
import type { Stats } from 'node:fs'
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { basename, join, resolve, sep } from 'node:path'
import { SluiceError } from '@sluice/engine'

/** One input file as it was found. */
export interface InputFile {
  /** Absolute. */
  readonly path: string
  /** As messages name it: the way the user wrote it. */
  readonly name: string
  readonly bytes: number
}

/** A part of one file: the lines that begin at `start` or after it and before `end`. */
export interface FileSplit {
  readonly path: string
  readonly name: string
  readonly start: number
  readonly end: number
}

/** Where to go on in a split: the first byte of a record. */
export interface FilePosition {
  readonly offset: number
}

/** Large enough that opening a split costs nothing, small enough that a file of some tens of MB is read in parallel. */
export const SPLIT_BYTES: number = 8 * 1024 * 1024
const SPLITS_PER_FILE_MAX = 1024

/** Whether a path may mean more than one file. */
export function mayMatchMany(path: string): boolean {
  return /[*?[\]{}]/.test(path) || path.endsWith('/') || path.endsWith(sep)
}

/**
 * The files that a path means: the file itself; the files directly in a folder (hidden ones and unfinished output left out);
 * or the matches of a glob (`*`, `**`, `?`, `[ab]`, `{a,b}`).
 */
export async function listFiles(path: string): Promise<readonly InputFile[]> {
  const absolute = resolve(path)
  const found = await statOrUndefined(absolute)
  if (found?.isDirectory() === true) {
    const names = (await readdir(absolute)).filter((name) => !name.startsWith('.') && !name.startsWith('_') && !name.endsWith('.partial'))
    const files = await Promise.all(names.map((name) => describe(join(absolute, name), join(path, name))))
    return ordered(files, path, absolute, 'the folder holds no file')
  }
  if (found !== undefined) return [{ path: absolute, name: path, bytes: found.size }]
  if (!mayMatchMany(path)) throw missing(path, absolute, 'no such file')
  const { glob } = await import('tinyglobby')
  const matches = await glob(path, { cwd: process.cwd(), onlyFiles: true, dot: false, expandDirectories: false })
  const files = await Promise.all(matches.map((name) => describe(resolve(name), name)))
  return ordered(files, path, absolute, 'no file matches')
}

/** Splits of whole files. */
export function splitByFile(files: readonly InputFile[]): readonly FileSplit[] {
  return files.map(({ path, name, bytes }) => ({ path, name, start: 0, end: bytes }))
}

/** Splits of byte ranges, for formats in which a line break always ends a record. */
export function splitByBytes(files: readonly InputFile[], splitBytes: number = SPLIT_BYTES): readonly FileSplit[] {
  return files.flatMap(({ path, name, bytes }) => {
    const count = Math.min(Math.max(1, Math.ceil(bytes / splitBytes)), SPLITS_PER_FILE_MAX)
    const size = Math.ceil(bytes / count)
    return Array.from({ length: count }, (_, index) => ({ path, name, start: index * size, end: Math.min(bytes, (index + 1) * size) }))
  })
}

/** Opens the file of a split, which must not have become shorter since it was listed, nor since a position in it was read. */
export async function openSplit(split: FileSplit, position: FilePosition | undefined): Promise<FileHandle> {
  let handle: FileHandle | undefined
  try {
    handle = await open(split.path, 'r')
    const { size } = await handle.stat()
    const offset = position?.offset ?? split.start
    const expected = Math.max(split.end, offset)
    if (size < expected) throw inputChanged(split.name, `byte ${offset}`, `it has ${size} bytes, and had at least ${expected}`)
    return handle
  } catch (error) {
    await handle?.close()
    throw inputError(error, split.path, split.name)
  }
}

/** An input that cannot be what it was. `place`: where reading was to begin or to go on. */
export function inputChanged(name: string, place: string, why: string): SluiceError {
  return new SluiceError('SLUICE_INPUT_CHANGED', `${name} has changed since it was listed: ${why}; it was to be read from ${place} on.`, {
    position: `${name} ${place}`,
  })
}

/** An error of the file system as the error a user sees. */
export function inputError(error: unknown, path: string, name: string = basename(path)): SluiceError {
  if (error instanceof SluiceError) return error
  const code = (error as { code?: unknown } | null)?.code
  if (code === 'ENOENT' || code === 'ENOTDIR') return missing(name, path, 'no such file', error)
  if (code === 'EACCES' || code === 'EPERM') return missing(name, path, 'it may not be read', error)
  if (code === 'EISDIR') return missing(name, path, 'it is a folder', error)
  return new SluiceError('SLUICE_SOURCE_FAILED', `${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  })
}

async function statOrUndefined(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    const code = (error as { code?: unknown }).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw inputError(error, path)
  }
}

async function describe(path: string, name: string): Promise<InputFile | undefined> {
  const found = await statOrUndefined(path)
  return found?.isFile() === true ? { path, name, bytes: found.size } : undefined
}

function ordered(found: readonly (InputFile | undefined)[], path: string, absolute: string, otherwise: string): readonly InputFile[] {
  const files = found.filter((file) => file !== undefined)
  if (files.length === 0) throw missing(path, absolute, otherwise)
  return files.sort((left, right) => (left.path < right.path ? -1 : left.path > right.path ? 1 : 0))
}

function missing(name: string, absolute: string, why: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_INPUT_MISSING', `Input ${name} cannot be read: ${why} (${absolute}).`, { cause })
}
