/**
 * The bytes of one state file on their way to storage: blocks are put one behind the other and handed over a megabyte at a time, one
 * append after the other. The file is made with the first block. Runs on the subtask's thread; what fails is kept until `finish`.
 */
import { crc32 } from 'node:zlib'
import type { CheckpointStorage, StorageFile } from '../storage.js'
import { Arena, type ArenaPool } from './arena.js'
import { type BlockPlace, writeHeader } from './format.js'

const APPEND_BYTES = 1024 * 1024
const FIRST_BYTES = 16 * 1024
const NONE = new Arena(0)

export class BlockOutput {
  /** Bytes put here and not yet in storage. */
  pendingBytes = 0
  /** Of all blocks so far, with the header. */
  end = 0
  /** Why nothing is written any more. */
  failure: { readonly error: unknown } | undefined
  readonly #storage: CheckpointStorage
  readonly #path: string
  readonly #arenas: ArenaPool
  readonly #onRoom: () => void
  #arena: Arena = NONE
  #filled = 0
  #queue: { readonly arena: Arena; readonly length: number }[] = []
  #file: StorageFile | undefined
  #writing: Promise<void> | undefined

  constructor(storage: CheckpointStorage, path: string, arenas: ArenaPool, onRoom: () => void) {
    this.#storage = storage
    this.#path = path
    this.#arenas = arenas
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
    if (this.#filled + bytes.length > this.#arena.bytes.length) {
      this.#flush()
      // Small states do not pay for a large buffer.
      const room = this.end <= FIRST_BYTES ? FIRST_BYTES : APPEND_BYTES
      this.#arena = bytes.length > room ? new Arena(bytes.length) : this.#arenas.take(room)
    }
    this.#arena.bytes.set(bytes, this.#filled)
    this.#filled += bytes.length
  }

  #flush(): void {
    if (this.#filled === 0) return
    this.#queue.push({ arena: this.#arena, length: this.#filled })
    this.#arena = NONE
    this.#filled = 0
    this.#writing ??= this.#write()
  }

  async #write(): Promise<void> {
    try {
      this.#file ??= await this.#storage.create(this.#path)
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        const { arena, length } = next
        await this.#file.append(arena.bytes.subarray(0, length))
        this.#arenas.give(arena)
        if (this.failure === undefined) this.pendingBytes -= length
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
