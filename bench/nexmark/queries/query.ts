/**
 * What every query job is made of: its parameters, its sources, and where its results go.
 *
 * A query file exports by default a job that is declared with `queryParams` and returns `results(job, params, stream)`, and a constant
 * `output`, which says what its results are. The rows that each query gives are in `result-rows.ts`.
 */
import type { JobBuilder, Stream } from 'sluice'
import { z } from 'zod'
import { fromNexmark } from '../events/from-nexmark.js'
import type { ColumnOf, EventKind } from '../events/layout.js'
import type { RecordOfColumns } from '../events/record-reader.js'
import type { QueryOutput } from './query-output.js'
import type { ComparedQuery } from './result-columns.js'
import { toChecksum, toCount } from './result-sinks.js'

export type { QueryOutput } from './query-output.js'

export const queryParams = z.object({
  /** Made by `packEvents`. */
  events: z.instanceof(SharedArrayBuffer),
  /** Parts of the events that are read in parallel: the parallelism of the job. */
  splits: z.int().min(1).default(1),
  /** How much later than its successors an event may come, in ms of event time. */
  outOfOrdernessMs: z.number().min(0).default(0),
  /** Results go to sinks that count them, or add up a checksum of them. Default: they are returned, for those who collect them. */
  sink: z
    .discriminatedUnion('kind', [
      z.object({ kind: z.literal('count'), board: z.instanceof(SharedArrayBuffer) }),
      z.object({
        kind: z.literal('checksum'),
        board: z.instanceof(SharedArrayBuffer),
        query: z.custom<ComparedQuery>(),
        output: z.custom<QueryOutput>(),
      }),
    ])
    .optional(),
  /** Where sources note how far they are. */
  progress: z.instanceof(SharedArrayBuffer).optional(),
  /** Where query 10 writes its files, as JSON lines under `<day>/<HH-mm>`. */
  folder: z.string().optional(),
})

export type QueryParams = z.output<typeof queryParams>

/** All that is known of an auction. */
export const AUCTION_COLUMNS = [
  'id',
  'itemName',
  'description',
  'initialBid',
  'reserve',
  'dateTime',
  'expires',
  'seller',
  'category',
  'extra',
] as const

/** Events of one kind with the columns that a query reads (`dateTime` always), with their timestamps. */
export function nexmarkSource<K extends EventKind, C extends ColumnOf<K>>(
  job: JobBuilder,
  params: QueryParams,
  kind: K,
  columns: readonly C[],
): Stream<RecordOfColumns<K, C | 'dateTime'>, never> {
  const read = [...new Set<C | 'dateTime'>([...columns, 'dateTime'])]
  return nexmarkRecords<K, C | 'dateTime'>(job, params, kind, read).withTimestamps((event) => event.dateTime, {
    outOfOrderness: params.outOfOrdernessMs,
    name: `${kind}-time`,
  })
}

/** The same without timestamps, for queries that know no time. */
export function nexmarkRecords<K extends EventKind, C extends ColumnOf<K>>(
  job: JobBuilder,
  { events, splits, progress }: QueryParams,
  kind: K,
  columns: readonly C[],
): Stream<RecordOfColumns<K, C>, 'no timestamps'> {
  return job.source(kind, fromNexmark(events, { kind, columns, splits, progress }))
}

/** What a query returns: its results, or, where sinks take them, nothing. */
export function results<T>(_job: JobBuilder, { sink }: QueryParams, stream: Stream<T>): Readonly<Record<string, Stream<T>>> {
  if (sink === undefined) return { result: stream }
  stream.sink('results', sink.kind === 'count' ? toCount(sink.board) : toChecksum(sink.board, sink.query, sink.output))
  return {}
}
