/**
 * Where a file sink writes to. Three of them: output without checkpoints, which is renamed when it is complete; a single file with
 * checkpoints, which is cut back after a restore; a folder with checkpoints, where every checkpoint publishes a part.
 */
import { SluiceError } from '@sluice/engine'
import type { AppendFile } from './append-file.js'
import type { SinkWriteContext } from './define-sink.js'
import { outputError } from './output-path.js'

/** How long written records may stay in the buffer of a slow stream. */
const FLUSH_AFTER_MS = 1_000

/** What the writers of formats need of it. Errors are coded and tell the path. */
export abstract class FileOutput {
  /** A part ends with each `prepare`; what follows is a new file. */
  abstract readonly rolls: boolean
  /** What `prepare` was given in the checkpoint that was restored; undefined: the file begins. */
  readonly resume: unknown = undefined
  protected readonly path: string
  protected readonly context: SinkWriteContext
  #deadlineSet = false

  constructor(path: string, context: SinkWriteContext) {
    this.path = path
    this.context = context
  }

  /** The file that is written to. */
  protected abstract file(): AppendFile
  /** See `SinkWriter`. `resume`: what the format needs to go on with the file. */
  abstract prepare(checkpoint: number, resume?: unknown): unknown
  abstract durable(): Promise<void>
  abstract commit(prepared: unknown): Promise<void>
  abstract abort(): Promise<void>
  /** Everything is handed over; without checkpoints it is on disk and bears its final name when this settles. */
  abstract finish(): Promise<void>
  abstract close(): Promise<void>

  /** The input had ended before a restore: nothing is left to write. */
  get complete(): boolean {
    return false
  }

  /** Bytes of the file that is written to, without text that is collected. */
  get bytes(): number {
    return this.file().bytes
  }

  /** Appends text. A promise where what was appended before must first be written. */
  append(text: string): void | Promise<void> {
    return this.guard(() => {
      const file = this.file()
      const pending = file.append(text)
      if (!file.collecting) this.#deadlineSet = false
      else if (!this.#deadlineSet) {
        this.#deadlineSet = true
        this.context.setDeadline(this.context.now() + FLUSH_AFTER_MS)
      }
      return pending
    })
  }

  /** Appends bytes without waiting. */
  add(bytes: Uint8Array): void {
    this.file().add(bytes)
  }

  /** Reads what was written before a restore. */
  async read(_offset: number, _bytes: number): Promise<Uint8Array> {
    throw new SluiceError('SLUICE_ASSERTION', `${this.path} is not continued`)
  }

  /** Settles when everything handed over is with the file system. */
  async written(): Promise<void> {
    await this.guard(() => this.file().reached())
  }

  /** Starts to write what is collected. */
  flush(): void | Promise<void> {
    this.#deadlineSet = false
    return this.guard(() => this.file().flush())
  }

  /** Runs an action on files; its errors become those a user sees. */
  protected guard(action: () => void | Promise<void>): void | Promise<void> {
    try {
      return action()?.catch((error: unknown) => {
        throw outputError(error, this.path, this.context.operator)
      })
    } catch (error) {
      throw outputError(error, this.path, this.context.operator)
    }
  }
}
