/**
 * A file that is written behind: text is collected while the one write before it is under way, so the subtask waits only where
 * both buffers are full. Memory: two times `FLUSH_LENGTH` characters and the batch at hand. Runs in the thread of its subtask.
 */
import { Buffer } from 'node:buffer'
import { type FileHandle, open } from 'node:fs/promises'
import { type OutputPath, outputError, prepareOutput, publishOutput } from './output-path.js'
import type { SinkWriteContext } from './define-sink.js'

/** Characters (or bytes) that are written at once. */
export const FLUSH_LENGTH: number = 128 * 1024
/** How long written records may stay in the buffer of a slow stream. */
const FLUSH_AFTER_MS = 1_000

export class FileOutput {
  readonly #handle: FileHandle
  readonly #output: OutputPath
  readonly #context: SinkWriteContext
  #text = ''
  #writing: Promise<void> | undefined
  #failure: unknown
  #closed = false
  #deadlineSet = false

  static async open(path: string, extension: string, context: SinkWriteContext): Promise<FileOutput> {
    const output = await prepareOutput(path, extension, context)
    try {
      return new FileOutput(await open(output.writePath, 'w'), output, context)
    } catch (error) {
      throw outputError(error, path, context.operator)
    }
  }

  private constructor(handle: FileHandle, output: OutputPath, context: SinkWriteContext) {
    this.#handle = handle
    this.#output = output
    this.#context = context
  }

  /** Appends text. A promise where what was appended before must first be written. */
  append(text: string): void | Promise<void> {
    this.#text += text
    if (this.#text.length < FLUSH_LENGTH) {
      if (!this.#deadlineSet) {
        this.#deadlineSet = true
        this.#context.setDeadline(this.#context.now() + FLUSH_AFTER_MS)
      }
      return undefined
    }
    return this.flush()
  }

  /** Starts to write what was appended; a promise where another write is still under way, or failed. */
  flush(): void | Promise<void> {
    this.#deadlineSet = false
    if (this.#failure !== undefined) throw outputError(this.#failure, this.#output.path, this.#context.operator)
    if (this.#text === '') return undefined
    if (this.#writing !== undefined) return this.#writing.then(() => this.flush())
    const bytes = Buffer.from(this.#text, 'utf8')
    this.#text = ''
    this.#start(bytes)
    return undefined
  }

  /** Writes bytes in order; settles when they are handed to the file system. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#settled()
    this.#start(bytes)
    await this.#settled()
  }

  /** Everything is on disk and bears its final name. */
  async finish(): Promise<void> {
    while (this.#text !== '') {
      await this.flush()
    }
    await this.#settled()
    try {
      if (this.#output.writePath !== this.#output.finalPath) await this.#handle.sync()
      await this.close()
    } catch (error) {
      throw outputError(error, this.#output.path, this.#context.operator)
    }
    await publishOutput(this.#output, this.#context.operator)
  }

  /** Releases the file; what is unfinished keeps its unfinished name. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#writing
    await this.#handle.close()
  }

  #start(bytes: Uint8Array): void {
    this.#writing = this.#writeAll(bytes).then(
      () => {
        this.#writing = undefined
      },
      (error: unknown) => {
        this.#writing = undefined
        this.#failure = error
      },
    )
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    let offset = 0
    while (offset < bytes.length) offset += (await this.#handle.write(bytes, offset, bytes.length - offset)).bytesWritten
  }

  async #settled(): Promise<void> {
    await this.#writing
    if (this.#failure !== undefined) throw outputError(this.#failure, this.#output.path, this.#context.operator)
  }
}
