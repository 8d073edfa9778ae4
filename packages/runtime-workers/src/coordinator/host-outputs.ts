/** What sinks on the calling thread give to its program: collected streams, and text for standard output. */
import type { HostBindings } from '@sluice/engine'
import type { OutputWriter } from './run-types.js'

export class HostOutputs implements HostBindings {
  readonly #collected = new Map<string, unknown[]>()
  /** The newest checkpoint of each stream whose records are here. */
  readonly #committed = new Map<string, number>()
  readonly #stdout: OutputWriter
  readonly #restored: number

  /** `restored`: the checkpoint that this process goes on from, 0: none. What belongs to it went to the caller of the process that took it. */
  constructor(stdout: OutputWriter | undefined, restored = 0) {
    this.#restored = restored
    this.#stdout = stdout ?? { write: writeToStdout }
  }

  collect(stream: string, records: readonly unknown[], checkpoint?: number): void {
    if (checkpoint !== undefined) {
      if (checkpoint <= (this.#committed.get(stream) ?? this.#restored)) return
      this.#committed.set(stream, checkpoint)
    }
    let collected = this.#collected.get(stream)
    if (collected === undefined) this.#collected.set(stream, (collected = []))
    for (const record of records) collected.push(record)
  }

  writeOut(text: string): void | Promise<void> {
    return this.#stdout.write(text)
  }

  /** By name of the stream; an empty array for one that carried nothing. */
  outputs(streams: readonly string[]): Record<string, readonly unknown[]> {
    return Object.fromEntries(streams.map((stream) => [stream, this.#collected.get(stream) ?? []]))
  }
}

/** Waits where the pipe is full. */
function writeToStdout(text: string): void | Promise<void> {
  const { stdout } = process
  if (stdout.write(text)) return undefined
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      stdout.off('drain', settle).off('close', settle).off('error', settle)
      if (error === undefined) resolve()
      else reject(error)
    }
    stdout.on('drain', settle).on('close', settle).on('error', settle)
  })
}
