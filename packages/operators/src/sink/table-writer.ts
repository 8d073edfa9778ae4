/**
 * Applies updates to a table in memory and writes its values when the input has ended, through the writer of any file sink. Rows are in the
 * order in which their keys came. With checkpoints the table is state: each holds all of its rows; nothing is visible before the
 * end, and the file is opened there.
 */
import { canonicalKey, SluiceError } from '@sluice/engine'
import type { Update } from '../join/join-types.js'
import { checkChoice } from '../options/check-options.js'
import type { RecordWriter, SinkWriteContext } from './define-sink.js'
import { checkOutput } from './output-path.js'

/** The reason why a sink that applies updates runs at parallelism 1. */
export const ONE_TABLE: { readonly value: number; readonly because: string } = { value: 1, because: 'updates are applied to one table' }

/** Rows that are written at once. */
const BATCH_RECORDS = 256

type OpenWriter = (context: SinkWriteContext) => Promise<RecordWriter<unknown>>

interface PreparedTable {
  /** Keys and values; empty behind the end, where the rows are written. */
  readonly rows: readonly (readonly [key: unknown, value: unknown])[]
  /** What the writer of the file prepared behind the end. */
  readonly output: unknown
}

export class TableWriter implements RecordWriter<unknown> {
  readonly commitOverlapsWrites = true
  readonly #context: SinkWriteContext
  readonly #open: OpenWriter
  readonly #rows = new Map<unknown, Row>()
  #writer: RecordWriter<unknown> | undefined

  static async open(path: string, open: OpenWriter, context: SinkWriteContext): Promise<TableWriter> {
    const table = new TableWriter(open, context)
    // Without checkpoints the file is made at once: what cannot be written is known before the work is done.
    if (context.run === undefined) table.#writer = await open(context)
    // A table that was there has always prepared something.
    else if (isFresh(context)) await checkOutput(path, context)
    else await table.#restore(context.restored as readonly PreparedTable[])
    return table
  }

  private constructor(open: OpenWriter, context: SinkWriteContext) {
    this.#open = open
    this.#context = context
  }

  write(records: readonly unknown[]): void {
    for (const record of records) {
      const { op, key, value } = (record ?? {}) as Partial<Update<unknown>>
      if (op === 'upsert') this.#rows.set(canonicalKey(key), { key, value })
      else if (op === 'delete') this.#rows.delete(canonicalKey(key))
      else
        throw new SluiceError(
          'SLUICE_SINK_FAILED',
          "a sink with { updates: 'table' } was given a record that is no update: its op is neither 'upsert' nor 'delete'",
        )
    }
  }

  async finish(): Promise<void> {
    // What is there was there when this run began, and may be replaced.
    const restored = isFresh(this.#context) ? undefined : []
    this.#writer ??= await this.#open({ ...bare(this.#context), restored, overwrite: true })
    let batch: unknown[] = []
    for (const { value } of this.#rows.values()) {
      if (batch.push(value) < BATCH_RECORDS) continue
      await this.#writer.write(batch)
      batch = []
    }
    if (batch.length > 0) await this.#writer.write(batch)
    await this.#writer.finish?.()
    this.#rows.clear()
  }

  onDeadline(nowMs: number): void | Promise<void> {
    return this.#writer?.onDeadline?.(nowMs)
  }

  prepare(checkpoint: number): PreparedTable {
    if (this.#writer !== undefined) return { rows: [], output: this.#writer.prepare?.(checkpoint) }
    return { rows: Array.from(this.#rows.values(), ({ key, value }) => [key, value] as const), output: undefined }
  }

  durable(): void | Promise<void> {
    return this.#writer?.durable?.()
  }

  commit(prepared: unknown): void | Promise<void> {
    const { output } = prepared as PreparedTable
    return output === undefined ? undefined : this.#writer?.commit?.(output)
  }

  abort(): void | Promise<void> {
    return this.#writer?.abort?.()
  }

  close(): void | Promise<void> {
    this.#rows.clear()
    return this.#writer?.close?.()
  }

  async #restore(restored: readonly PreparedTable[]): Promise<void> {
    for (const [key, value] of restored.at(-1)?.rows ?? []) this.#rows.set(canonicalKey(key), { key, value })
    const outputs = restored.flatMap(({ output }) => (output === undefined ? [] : [output]))
    // The input had ended: the file is complete, but perhaps not under its name.
    if (outputs.length > 0) this.#writer = await this.#open({ ...bare(this.#context), restored: outputs })
  }
}

function isFresh({ restored }: SinkWriteContext): boolean {
  return restored === undefined || restored.length === 0
}

interface Row {
  readonly key: unknown
  readonly value: unknown
}

/** A context that can be spread: that of the engine has getters. */
function bare(context: SinkWriteContext): SinkWriteContext {
  const { job, operator, subtask, log, metrics, signal, overwrite, host, run, restored, firstRecord } = context
  return {
    job,
    operator,
    subtask,
    log,
    metrics,
    signal,
    overwrite,
    host,
    run,
    restored,
    firstRecord,
    now: () => context.now(),
    use: (resource) => context.use(resource),
    fail: (error) => context.fail(error),
    deadLetter: (record, error) => context.deadLetter(record, error),
    setDeadline: (timeMs) => context.setDeadline(timeMs),
  }
}

export function checkUpdates(sink: string, updates: unknown): void {
  if (updates !== undefined) checkChoice(`${sink}: updates`, updates, ['table', 'log'])
}
