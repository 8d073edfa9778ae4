/**
 * A file that is appended to behind the writer's back: text is collected while the write before it is under way, so the subtask waits only
 * where both buffers are full. Memory: two times `FLUSH_LENGTH` characters and the batch at hand. Runs in the thread of its subtask.
 */
import { Buffer } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'

/** Characters (or bytes) that are written at once. */
export const FLUSH_LENGTH: number = 128 * 1024

export class AppendFile {
  /** Length once everything that was handed over is written; text that is collected is not part of it. */
  bytes: number
  /** CRC-32 of what was handed over. */
  checksum = 0
  readonly #seekable: boolean
  readonly #checked: boolean
  #open: (() => Promise<FileHandle>) | undefined
  #handle: FileHandle | undefined
  #text = ''
  #queue: Uint8Array[] = []
  #written: number
  #writing: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined
  #closed = false

  /** `length`: bytes that are there already; undefined: a pipe or a device, which has no positions. `checked`: `checksum` is kept. */
  constructor(length: number | undefined, checked: boolean) {
    this.#seekable = length !== undefined
    this.#checked = checked
    this.bytes = length ?? 0
    this.#written = this.bytes
  }

  async open(open: () => Promise<FileHandle>): Promise<void> {
    this.#open = open
    this.#handle = await open()
  }

  /** Opens the file with the first bytes that are written. */
  openLater(open: () => Promise<FileHandle>): void {
    this.#open = open
  }

  get isOpen(): boolean {
    return this.#handle !== undefined
  }

  /** Appends text. A promise where what was appended before must first be written. */
  append(text: string): void | Promise<void> {
    this.#text += text
    return this.#text.length < FLUSH_LENGTH ? undefined : this.flush()
  }

  /** Whether text is collected that `flush` would write. */
  get collecting(): boolean {
    return this.#text !== ''
  }

  /** Starts to write what was appended; a promise where another write is still under way. */
  flush(): void | Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#text === '') return undefined
    if (this.#writing !== undefined) return this.#writing.then(() => this.flush())
    this.seal()
    return undefined
  }

  /** Hands over the text that is collected, without waiting: `bytes` and `checksum` count it. */
  seal(): void {
    if (this.#text === '') return
    const bytes = Buffer.from(this.#text, 'utf8')
    this.#text = ''
    this.add(bytes)
  }

  /** Appends bytes behind all text, without waiting. They are not changed any more. */
  add(bytes: Uint8Array): void {
    this.seal()
    if (bytes.length === 0) return
    this.bytes += bytes.length
    if (this.#checked) this.checksum = crc32(bytes, this.checksum)
    this.#queue.push(bytes)
    this.#start()
  }

  /** Settles when so many bytes (default: all that are handed over) are with the file system. */
  async reached(length: number = this.bytes): Promise<void> {
    while (this.#written < length && this.#failure === undefined) await this.#writing
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Settles when everything handed over so far is durable; the file's name may not be. */
  async sync(): Promise<void> {
    await this.reached()
    this.#handle ??= await this.#open?.()
    await this.#handle?.sync()
  }

  /** Releases the file. Text that is collected is given up. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#queue = []
    await this.#writing
    await this.#handle?.close()
  }

  #start(): void {
    if (this.#writing !== undefined || this.#closed) return
    const bytes = this.#queue.shift()
    if (bytes === undefined) return
    this.#writing = this.#writeAll(bytes).then(
      () => {
        this.#writing = undefined
        this.#start()
      },
      (error: unknown) => {
        this.#writing = undefined
        this.#failure = { error }
      },
    )
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    const handle = (this.#handle ??= (await this.#open?.()) as FileHandle)
    let offset = 0
    while (offset < bytes.length) {
      const position = this.#seekable ? this.#written : null
      const { bytesWritten } = await handle.write(bytes, offset, bytes.length - offset, position)
      offset += bytesWritten
      this.#written += bytesWritten
    }
  }
}
