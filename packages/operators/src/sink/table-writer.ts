/**
 * Applies updates to a table in memory and writes its values when the input has ended, through the writer of any sink. Rows are in the order
 * in which their keys came.
 */
import { canonicalKey, SluiceError } from '@sluice/engine'
import type { Update } from '../join/join-types.js'
import { checkChoice } from '../source/check-options.js'
import type { RecordWriter } from './define-sink.js'

/** The reason why a sink that applies updates runs at parallelism 1. */
export const ONE_TABLE: { readonly value: number; readonly because: string } = { value: 1, because: 'updates are applied to one table' }

/** Rows that are written at once. */
const BATCH_RECORDS = 256

export class TableWriter implements RecordWriter<unknown> {
  readonly #writer: RecordWriter<unknown>
  readonly #rows = new Map<unknown, unknown>()

  constructor(writer: RecordWriter<unknown>) {
    this.#writer = writer
  }

  write(records: readonly unknown[]): void {
    for (const record of records) {
      const { op, key, value } = (record ?? {}) as Partial<Update<unknown>>
      if (op === 'upsert') this.#rows.set(canonicalKey(key), value)
      else if (op === 'delete') this.#rows.delete(canonicalKey(key))
      else
        throw new SluiceError(
          'SLUICE_SINK_FAILED',
          "a sink with { updates: 'table' } was given a record that is no update: its op is neither 'upsert' nor 'delete'",
        )
    }
  }

  async finish(): Promise<void> {
    let batch: unknown[] = []
    for (const value of this.#rows.values()) {
      if (batch.push(value) < BATCH_RECORDS) continue
      await this.#writer.write(batch)
      batch = []
    }
    if (batch.length > 0) await this.#writer.write(batch)
    await this.#writer.finish?.()
  }

  onDeadline(nowMs: number): void | Promise<void> {
    return this.#writer.onDeadline?.(nowMs)
  }

  close(): void | Promise<void> {
    this.#rows.clear()
    return this.#writer.close?.()
  }
}

export function checkUpdates(sink: string, updates: unknown): void {
  if (updates !== undefined) checkChoice(`${sink}: updates`, updates, ['table', 'log'])
}
