/**
 * Checkpoints in a directory of this machine. What has been finished or published survives a crash of the machine: files and the folders that name them are
 * fsynced. Every thread opens one of its own; it holds nothing but files that are being written.
 */
import { SluiceError, type CheckpointStorage, type StorageFile } from '@sluice/engine'
import { randomUUID } from 'node:crypto'
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { explainStorage, isCode } from './explain-storage.js'
import { makeFolder } from './make-folder.js'

/** A thread that was told to leave may still be making a file in a folder that is removed. */
const REMOVE_RETRIES_MAX = 3

export class LocalDirectory implements CheckpointStorage {
  readonly description: string

  /** The directory is made with the first file. Relative to the working directory. */
  constructor(directory: string) {
    this.description = resolve(directory)
  }

  async create(path: string): Promise<StorageFile> {
    const full = this.#full(path)
    return attempt('create', full, async () => {
      await makeDurableFolder(dirname(full))
      return new LocalFile(full, await open(full, 'wx'))
    })
  }

  async publish(path: string, bytes: Uint8Array): Promise<void> {
    const full = this.#full(path)
    const folder = dirname(full)
    const temporary = join(folder, `.${randomUUID()}.tmp`)
    await attempt('write', full, async () => {
      await makeDurableFolder(folder)
      try {
        const handle = await open(temporary, 'wx')
        try {
          await writeAll(handle, bytes)
          await handle.sync()
        } finally {
          await handle.close()
        }
        await rename(temporary, full)
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => {})
        throw error
      }
      await syncFolder(folder)
    })
  }

  async read(path: string, offset = 0, length?: number): Promise<Uint8Array> {
    const full = this.#full(path)
    return attempt('read', full, async () => {
      const handle = await openToRead(full)
      try {
        const { size } = await handle.stat()
        const bytes = new Uint8Array(Math.max(0, Math.min(length ?? Number.POSITIVE_INFINITY, size - offset)))
        let filled = 0
        while (filled < bytes.byteLength) {
          const { bytesRead } = await handle.read(bytes, filled, bytes.byteLength - filled, offset + filled)
          if (bytesRead === 0) break
          filled += bytesRead
        }
        return filled === bytes.byteLength ? bytes : bytes.subarray(0, filled)
      } finally {
        await handle.close()
      }
    })
  }

  async list(folder: string): Promise<readonly string[]> {
    const full = this.#full(folder)
    return attempt('list', full, async () => {
      try {
        return (await readdir(full)).sort()
      } catch (error) {
        if (isCode(error, 'ENOENT', 'ENOTDIR')) return []
        throw error
      }
    })
  }

  async remove(path: string): Promise<void> {
    const full = this.#full(path)
    if (full === this.description) throw new SluiceError('SLUICE_ASSERTION', 'the root of a storage is not removed')
    await attempt('remove', full, () => rm(full, { recursive: true, force: true, maxRetries: REMOVE_RETRIES_MAX }))
  }

  #full(path: string): string {
    const full = resolve(this.description, ...path.split('/'))
    if (full === this.description || full.startsWith(this.description.endsWith(sep) ? this.description : this.description + sep))
      return full
    throw new SluiceError('SLUICE_ASSERTION', `${path} leads out of ${this.description}`)
  }
}

class LocalFile implements StorageFile {
  readonly #path: string
  readonly #handle: FileHandle
  #closed = false

  constructor(path: string, handle: FileHandle) {
    this.#path = path
    this.#handle = handle
  }

  append(bytes: Uint8Array): Promise<void> {
    return attempt('write', this.#path, () => writeAll(this.#handle, bytes))
  }

  finish(): Promise<void> {
    return attempt('write', this.#path, async () => {
      await this.#handle.sync()
      this.#closed = true
      await this.#handle.close()
      await syncFolder(dirname(this.#path))
    })
  }

  async discard(): Promise<void> {
    try {
      if (!this.#closed) await this.#handle.close()
    } catch {
      // It is removed all the same.
    }
    this.#closed = true
    await rm(this.#path, { force: true }).catch(() => {})
  }
}

async function attempt<T>(what: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof SluiceError ? error : explainStorage(what, path, error)
  }
}

async function openToRead(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (!isCode(error, 'ENOENT', 'ENOTDIR')) throw error
    throw new SluiceError('SLUICE_CHECKPOINT_FILE_MISSING', `the file ${path} does not exist`, { cause: error })
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.byteLength; ) {
    written += (await handle.write(bytes, written, bytes.byteLength - written)).bytesWritten
  }
}

/** Also the names of new folders are durable. */
async function makeDurableFolder(folder: string): Promise<void> {
  for (const made of await makeFolder(folder)) await syncFolder(dirname(made))
}

async function syncFolder(folder: string): Promise<void> {
  // Windows can neither open a folder nor needs to.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
