/**
 * What the sinks of a simulated job have made visible: it lies outside of every process and outlives them. Behind checkpoints records are
 * visible once they are committed; a transaction that is committed again stays what it is.
 */
import type { SinkContext, SinkSpec, SinkWriter } from '@sluice/engine'

interface Prepared {
  readonly transaction: string
  readonly records: readonly unknown[]
}

export class Recorder {
  readonly #records: Map<string, unknown[]> = new Map()
  readonly #committed: Set<string> = new Set()

  /** What is visible of a sink, in the order in which it became so. */
  recordsOf(sink: string): readonly unknown[] {
    return this.#records.get(sink) ?? []
  }

  /** A sink that records here under a name. */
  sink(name: string): SinkSpec {
    if (!this.#records.has(name)) this.#records.set(name, [])
    return { kind: 'sink', create: (context) => new RecordingWriter(this, name, context) }
  }

  add(sink: string, records: readonly unknown[]): void {
    const visible = this.#records.get(sink)
    if (visible === undefined) this.#records.set(sink, [...records])
    else for (const record of records) visible.push(record)
  }

  commit(sink: string, { transaction, records }: Prepared): void {
    if (this.#committed.has(transaction)) return
    this.#committed.add(transaction)
    this.add(sink, records)
  }
}

class RecordingWriter implements SinkWriter {
  readonly #recorder: Recorder
  readonly #name: string
  readonly #context: SinkContext
  #open: unknown[] = []

  constructor(recorder: Recorder, name: string, context: SinkContext) {
    this.#recorder = recorder
    this.#name = name
    this.#context = context
  }

  write(records: readonly unknown[]): void {
    if (this.#context.run === undefined) this.#recorder.add(this.#name, records)
    else for (const record of records) this.#open.push(record)
  }

  prepare(checkpoint: number): Prepared {
    const { operator, subtask, run } = this.#context
    const records = this.#open
    this.#open = []
    return { transaction: `${operator}/${subtask.index}/${run?.attempt}/${checkpoint}`, records }
  }

  commit(prepared: unknown): void {
    this.#recorder.commit(this.#name, prepared as Prepared)
  }
}
