/**
 * The bytes of one state file on their way to storage: blocks are put one behind the other and handed over a megabyte at a time, one
 * append after the other. The file is made with the first block. Runs on the subtask's thread; what fails is kept until `finish`.
 */
import { Buffer } from 'node:buffer'
import { crc32 } from 'node:zlib'
import type { CheckpointStorage, StorageFile } from '../storage.js'
import { type BlockPlace, writeHeader } from './format.js'

const APPEND_BYTES = 1024 * 1024
const FIRST_BYTES = 16 * 1024

export class BlockOutput {
  /** Bytes put here and not yet in storage. */
  pendingBytes = 0
  /** Of all blocks so far, with the header. */
  end = 0
  /** Why nothing is written any more. */
  failure: { readonly error: unknown } | undefined
  readonly #storage: CheckpointStorage
  readonly #path: string
  readonly #onRoom: () => void
  #buffer: Buffer = Buffer.alloc(0)
  #filled = 0
  #queue: Uint8Array[] = []
  #file: StorageFile | undefined
  #writing: Promise<void> | undefined

  constructor(storage: CheckpointStorage, path: string, onRoom: () => void) {
    this.#storage = storage
    this.#path = path
    this.#onRoom = onRoom
  }

  /** Takes a copy of a block. */
  block(bytes: Uint8Array): BlockPlace {
    if (this.end === 0) this.#put(writeHeader())
    const offset = this.end
    this.#put(bytes)
    return [offset, bytes.length, crc32(bytes)]
  }

  get empty(): boolean {
    return this.end === 0
  }

  /** Ends the file with its index; answers its length. */
  async finish(index: Uint8Array): Promise<number> {
    this.#put(index)
    this.#flush()
    await this.#writing
    if (this.failure === undefined) {
      try {
        await this.#file?.finish()
      } catch (error) {
        this.failure = { error }
      }
    }
    if (this.failure === undefined) return this.end
    await this.discard()
    throw this.failure.error
  }

  async discard(): Promise<void> {
    this.failure ??= { error: new Error('the file was given up') }
    this.#queue = []
    this.pendingBytes = 0
    await this.#writing
    const file = this.#file
    this.#file = undefined
    await file?.discard()
  }

  #put(bytes: Uint8Array): void {
    if (this.failure !== undefined) return
    this.end += bytes.length
    this.pendingBytes += bytes.length
    if (this.#filled + bytes.length > this.#buffer.length) {
      this.#flush()
      // Small states do not pay for a large buffer.
      const room = this.end <= FIRST_BYTES ? FIRST_BYTES : APPEND_BYTES
      this.#buffer = Buffer.allocUnsafeSlow(Math.max(room, bytes.length))
    }
    this.#buffer.set(bytes, this.#filled)
    this.#filled += bytes.length
  }

  #flush(): void {
    if (this.#filled === 0) return
    this.#queue.push(this.#buffer.subarray(0, this.#filled))
    this.#buffer = Buffer.alloc(0)
    this.#filled = 0
    this.#writing ??= this.#write()
  }

  async #write(): Promise<void> {
    try {
      this.#file ??= await this.#storage.create(this.#path)
      for (let bytes = this.#queue.shift(); bytes !== undefined; bytes = this.#queue.shift()) {
        await this.#file.append(bytes)
        if (this.failure === undefined) this.pendingBytes -= bytes.length
        this.#onRoom()
      }
    } catch (error) {
      this.failure ??= { error }
      this.#queue = []
      this.pendingBytes = 0
      this.#onRoom()
    }
    this.#writing = undefined
  }
}
