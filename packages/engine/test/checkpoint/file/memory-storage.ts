/** A storage in memory, as checkpoints see it. Bytes can be changed under a name, to see what is noticed. */
import { SluiceError } from '../../../src/errors/sluice-error.js'
import type { CheckpointStorage, StorageFile } from '../../../src/checkpoint/storage.js'

export class MemoryStorage implements CheckpointStorage {
  readonly description = 'memory'
  readonly files: Map<string, Buffer> = new Map()
  /** Appends wait for it. */
  gate: Promise<void> = Promise.resolve()
  /** Thrown by the next append. */
  appendError: Error | undefined

  async create(path: string): Promise<StorageFile> {
    if (this.files.has(path)) throw new Error(`${path} is there`)
    const parts: Buffer[] = []
    return {
      append: async (bytes) => {
        await this.gate
        if (this.appendError !== undefined) throw this.appendError
        parts.push(Buffer.from(bytes))
      },
      finish: async () => {
        this.files.set(path, Buffer.concat(parts))
      },
      discard: async () => {
        this.files.delete(path)
      },
    }
  }

  async publish(path: string, bytes: Uint8Array): Promise<void> {
    this.files.set(path, Buffer.from(bytes))
  }

  async read(path: string, offset = 0, length?: number): Promise<Uint8Array> {
    const file = this.files.get(path)
    if (file === undefined) throw new SluiceError('SLUICE_CHECKPOINT_FILE_MISSING', `${path} is not there`)
    return Uint8Array.from(file.subarray(offset, length === undefined ? undefined : offset + length))
  }

  async list(): Promise<readonly string[]> {
    return [...this.files.keys()]
  }

  async remove(path: string): Promise<void> {
    this.files.delete(path)
  }
}
