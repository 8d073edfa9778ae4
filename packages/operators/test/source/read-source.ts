/** Reads a source to its end the way a subtask does: its splits, one reader at a time, batch by batch. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DeadLetter, SourceContext } from '@sluice/engine'
import { onTestFinished } from 'vitest'
import type { Source } from '../../src/source/source.js'

export interface ReadResult<T> {
  readonly records: T[]
  readonly deadLetters: DeadLetter[]
  readonly dropped: number
  readonly splits: number
  readonly batches: number
}

export interface ReadOptions {
  /** Which subtask of how many reads. */
  readonly subtask?: { readonly index: number; readonly parallelism: number }
  readonly context?: SourceContext
  readonly onBatch?: (records: readonly unknown[]) => void
}

export function sourceContext(controller: AbortController = new AbortController()): SourceContext {
  const ignore = (): void => undefined
  return {
    job: 'test',
    operator: 'input',
    subtask: { index: 0, parallelism: 1 },
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    metrics: { count: ignore, gauge: ignore },
    now: () => 0,
    use: () => undefined,
    signal: controller.signal,
    announce: () => {},
    countDropped: ignore,
    sizeOf: () => 1,
  }
}

export async function readSource<T>(source: Source<T>, options: ReadOptions = {}): Promise<ReadResult<T>> {
  const { subtask = { index: 0, parallelism: 1 }, context = sourceContext(), onBatch } = options
  const { spec } = source
  const records: T[] = []
  const deadLetters: DeadLetter[] = []
  let dropped = 0
  let batches = 0
  if (spec.kind !== 'source') throw new Error('not a source')
  if (spec.reads === 'index') {
    for (let index = 0; index < (spec.count ?? 0); index++) records.push(spec.fn(index) as T)
    return { records, deadLetters, dropped, splits: 1, batches: 1 }
  }
  const splits = await spec.splits(context)
  for (const split of splits.filter((_, index) => index % subtask.parallelism === subtask.index)) {
    const reader = await spec.open(split, context)
    try {
      for (;;) {
        const batch = await reader.next()
        if (batch === undefined) break
        if (batch.records.length > 0) batches++
        onBatch?.(batch.records)
        for (const record of batch.records) records.push(record as T)
        deadLetters.push(...(batch.deadLetters ?? []))
        dropped += batch.dropped ?? 0
      }
    } finally {
      await reader.close?.()
    }
  }
  return { records, deadLetters, dropped, splits: splits.length, batches }
}

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-io-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}
