/** What the writers of all file formats have in common: their output goes through the phases of a commit. */
import type { RecordWriter } from './define-sink.js'
import type { FileOutput } from './file-output.js'

export abstract class FileRecordWriter implements RecordWriter<unknown> {
  /** A commit renames files that nobody writes to any more. */
  readonly commitOverlapsWrites = true
  protected readonly output: FileOutput

  constructor(output: FileOutput) {
    this.output = output
  }

  abstract write(records: readonly unknown[]): void | Promise<void>

  onDeadline(): void | Promise<void> {
    return this.output.flush()
  }

  prepare(checkpoint: number): unknown {
    return this.output.prepare(checkpoint)
  }

  durable(): Promise<void> {
    return this.output.durable()
  }

  commit(prepared: unknown): Promise<void> {
    return this.output.commit(prepared)
  }

  abort(): Promise<void> {
    return this.output.abort()
  }

  finish(): Promise<void> {
    return this.output.finish()
  }

  close(): Promise<void> {
    return this.output.close()
  }
}
