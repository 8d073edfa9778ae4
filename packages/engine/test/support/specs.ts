/** Short ways to write the operators of test graphs. */
import type { OperatorContext } from '../../src/graph/operator-context.js'
import type { ErrorPolicy, Operator, OperatorSpec, SinkWriter, SourceBatch, SplitReader } from '../../src/graph/operator-spec.js'

export function indexSource(count: number | undefined, fn: (index: number) => unknown, ratePerSecond?: number): OperatorSpec {
  return { kind: 'source', reads: 'index', fn, count, ratePerSecond }
}

export function splitSource(splits: readonly unknown[], open: (split: unknown) => SplitReader | Promise<SplitReader>): OperatorSpec {
  return { kind: 'source', reads: 'splits', splits: () => splits, open, replayable: true }
}

/** A reader that gives these batches. */
export function readerOf(batches: readonly (SourceBatch | Promise<SourceBatch>)[], close?: () => void): SplitReader {
  let next = 0
  return { next: () => batches[next++], ...(close === undefined ? {} : { close }) }
}

export const map = (fn: (record: never) => unknown): OperatorSpec => ({ kind: 'map', fn })
export const flatMap = (fn: (record: never) => Iterable<unknown> | undefined | void): OperatorSpec => ({ kind: 'flatMap', fn })
export const general = (create: (context: OperatorContext) => Operator): OperatorSpec => ({ kind: 'general', create })
export const sink = (create: () => SinkWriter): OperatorSpec => ({ kind: 'sink', create })

export function collectInto(records: unknown[]): OperatorSpec {
  return sink(() => ({
    write: (batch) => {
      records.push(...batch)
    },
  }))
}

export interface AsyncOptions {
  readonly ordered?: boolean
  readonly concurrency?: number
  readonly timeoutMs?: number
  readonly discardsResults?: boolean
  readonly mayChain?: boolean
  readonly onError?: ErrorPolicy
  readonly gathers?: { readonly recordsMax: number; readonly timeMs: number }
}

export function asyncMap(fn: (record: never, context: never) => unknown, options: AsyncOptions = {}): OperatorSpec {
  return {
    kind: 'async',
    fn: fn as (record: never) => unknown,
    ordered: true,
    concurrency: 4,
    timeoutMs: 60_000,
    discardsResults: false,
    mayChain: false,
    ...options,
  }
}

export const range = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index)
