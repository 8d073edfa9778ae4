/**
 * What every query job is made of: its parameters, its sources, and where its results go.
 *
 * A query file exports by default a job that is declared with `queryParams` and returns `results(job, params, stream)`, and a constant
 * `output`, which says what its results are. The rows that each query gives are in `result-rows.ts`.
 */
import { defineSink, type JobBuilder, type Sink, type Stream } from 'sluice'
import { z } from 'zod'
import { fromNexmark } from '../events/from-nexmark.js'
import type { ColumnOf, EventKind } from '../events/layout.js'
import type { RecordOfColumns } from '../events/record-reader.js'

export const queryParams = z.object({
  /** Made by `packEvents`. */
  events: z.instanceof(SharedArrayBuffer),
  /** Parts of the events that are read in parallel: the parallelism of the job. */
  splits: z.int().min(1).default(1),
  /** How much later than its successors an event may come, in ms of event time. */
  outOfOrdernessMs: z.number().min(0).default(0),
  /** `return`: the declaration returns the stream of results, for those who collect it; `count`: each subtask counts its own. */
  results: z.enum(['return', 'count']).default('return'),
  /** Where sources note how far they are. */
  progress: z.instanceof(SharedArrayBuffer).optional(),
  /** One Int32: where results are counted. */
  counted: z.instanceof(SharedArrayBuffer).optional(),
  /** Where query 10 writes its files, as JSON lines under `<day>/<HH-mm>`. */
  folder: z.string().optional(),
})

export type QueryParams = z.output<typeof queryParams>

/**
 * How results are read. `append`: every record is a row. `table`: records are changes, rows replaced by key: either `Update`s, or plain
 * rows of which the last of each key counts. Where the value of an `Update` is a list, each element is a row, numbered from 1 by `rank`.
 */
export type QueryOutput = { readonly kind: 'append' } | { readonly kind: 'table'; readonly key: readonly string[] }

/** Events of one kind with the columns that a query reads (`dateTime` always), with their timestamps. */
export function nexmarkSource<K extends EventKind, C extends ColumnOf<K>>(
  job: JobBuilder,
  { events, splits, progress, outOfOrdernessMs }: QueryParams,
  kind: K,
  columns: readonly C[],
): Stream<RecordOfColumns<K, C | 'dateTime'>, never> {
  const read = [...new Set<C | 'dateTime'>([...columns, 'dateTime'])]
  return nexmarkRecords<K, C | 'dateTime'>(job, { events, splits, progress }, kind, read).withTimestamps((event) => event.dateTime, {
    outOfOrderness: outOfOrdernessMs,
    name: `${kind}-time`,
  })
}

/** The same without timestamps, for queries that know no time. */
export function nexmarkRecords<K extends EventKind, C extends ColumnOf<K>>(
  job: JobBuilder,
  { events, splits, progress }: Pick<QueryParams, 'events' | 'splits' | 'progress'>,
  kind: K,
  columns: readonly C[],
): Stream<RecordOfColumns<K, C>, 'no timestamps'> {
  return job.source(kind, fromNexmark(events, { kind, columns, splits, progress }))
}

/** What a query returns: its results, or, where they are only counted, nothing. */
export function results<T>(_job: JobBuilder, { results, counted }: QueryParams, stream: Stream<T>): Readonly<Record<string, Stream<T>>> {
  if (results === 'return') return { result: stream }
  stream.sink('count', counting(counted ?? new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)))
  return {}
}

function counting<T>(counted: SharedArrayBuffer): Sink<T> {
  const word = new Int32Array(counted)
  return defineSink<T>({
    open: () => ({
      write(records) {
        Atomics.add(word, 0, records.length)
      },
    }),
    options: { type: 'count' },
  })
}
