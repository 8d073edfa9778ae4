/** Output of a job without checkpoints, renamed when it is complete; also pipes and devices, which nothing can be taken back from. */
import { open } from 'node:fs/promises'
import { AppendFile } from './append-file.js'
import type { SinkWriteContext } from './define-sink.js'
import { FileOutput } from './file-output.js'
import { type OutputPath, outputError, prepareOutput, publishOutput } from './output-path.js'

export class PlainOutput extends FileOutput {
  override readonly rolls = false
  readonly #file: AppendFile
  readonly #output: OutputPath

  static async open(path: string, extension: string, context: SinkWriteContext): Promise<PlainOutput> {
    const output = await prepareOutput(path, extension, context)
    try {
      const file = new AppendFile(output.length, false)
      await file.open(() => open(output.writePath, 'w'))
      return new PlainOutput(file, output, context)
    } catch (error) {
      throw outputError(error, path, context.operator)
    }
  }

  private constructor(file: AppendFile, output: OutputPath, context: SinkWriteContext) {
    super(output.path, context)
    this.#file = file
    this.#output = output
  }

  protected override file(): AppendFile {
    return this.#file
  }

  /** A pipe has no transactions: there is nothing to commit, but everything must be on its way. */
  override prepare(): undefined {
    this.#file.seal()
  }

  override durable(): Promise<void> {
    return this.written()
  }

  override async commit(): Promise<void> {}

  override async abort(): Promise<void> {}

  override async finish(): Promise<void> {
    this.#file.seal()
    await this.guard(async () => {
      await this.#file.reached()
      if (this.#output.writePath !== this.#output.finalPath) await this.#file.sync()
      await this.#file.close()
      await publishOutput(this.#output)
    })
  }

  /** What is unfinished keeps its unfinished name. */
  override close(): Promise<void> {
    return this.#file.close()
  }
}
