/** A storage in memory; `gate` is awaited in front of every operation and may fail it, before or (`late`) after it took place. */
import { SluiceError } from '../../src/errors/sluice-error.js'
import type { CheckpointStorage, StorageFile } from '../../src/checkpoint/storage.js'

export type Gate = (operation: string, path: string) => Promise<'late' | undefined> | undefined

export class MemoryStorage implements CheckpointStorage {
  readonly description = 'memory:'
  readonly files = new Map<string, Uint8Array>()
  gate: Gate = () => undefined

  async create(path: string): Promise<StorageFile> {
    return this.#do('create', path, () => {
      if (this.files.has(path)) throw new SluiceError('SLUICE_CHECKPOINT_STORAGE', `${path} is there already`)
      this.files.set(path, new Uint8Array())
      return {
        append: (bytes) => this.#do('append', path, () => void this.files.set(path, concat(this.files.get(path), bytes))),
        finish: () => this.#do('finish', path, () => undefined),
        discard: () => this.#do('discard', path, () => void this.files.delete(path)),
      }
    })
  }

  publish(path: string, bytes: Uint8Array): Promise<void> {
    return this.#do('publish', path, () => void this.files.set(path, bytes.slice()))
  }

  read(path: string, offset = 0, length = Number.MAX_SAFE_INTEGER): Promise<Uint8Array> {
    return this.#do('read', path, () => {
      const bytes = this.files.get(path)
      if (bytes === undefined) throw new SluiceError('SLUICE_CHECKPOINT_FILE_MISSING', `${path} does not exist`)
      return bytes.slice(offset, offset + length)
    })
  }

  list(folder: string): Promise<readonly string[]> {
    const prefix = folder === '' ? '' : `${folder}/`
    return this.#do('list', folder, () => {
      const inside = [...this.files.keys()].filter((path) => path.startsWith(prefix))
      return [...new Set(inside.map((path) => path.slice(prefix.length).split('/')[0] as string))]
    })
  }

  remove(path: string): Promise<void> {
    return this.#do('remove', path, () => {
      for (const file of this.files.keys()) if (file === path || file.startsWith(`${path}/`)) this.files.delete(file)
    })
  }

  async #do<T>(operation: string, path: string, work: () => T): Promise<T> {
    const late = await this.gate(operation, path)
    const result = work()
    if (late === 'late') throw new SluiceError('SLUICE_CHECKPOINT_STORAGE', `${operation} ${path} failed although it was done`)
    return result
  }
}

function concat(a: Uint8Array | undefined, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((a?.length ?? 0) + b.length)
  bytes.set(a ?? [])
  bytes.set(b, a?.length ?? 0)
  return bytes
}
