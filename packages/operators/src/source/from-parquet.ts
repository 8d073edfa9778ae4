/** Parquet files, row group by row group. */
import { SluiceError } from '@sluice/engine'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkChoice, checkOptions, checkPath } from '../options/check-options.js'
import { defineSource } from './define-source.js'
import { listFiles } from './file-splits.js'
import type { ParquetFile } from './parquet/parquet-file.js'
import type { RowGroupPosition, RowGroupSplit } from './parquet/row-group-reader.js'
import { type InvalidPolicy, RecordGate } from './record-gate.js'
import type { Source } from './source.js'

export interface FromParquetOptions {
  /** Any Standard Schema (zod, valibot, arktype, ...); gives the type and validates each record. With a zod object only its columns are read. */
  readonly schema?: StandardSchemaV1 | undefined
  /** The columns to read. Default: those of the schema, or all. */
  readonly columns?: readonly string[] | undefined
  /** What happens to a row that does not fit the schema. Default 'fail'. */
  readonly onInvalid?: InvalidPolicy | undefined
  /** Read the row groups in order, where time advances with them. Default false. */
  readonly orderedSplits?: boolean | undefined
}

/**
 * The rows of Parquet files as objects. The path is a file, a folder (its files) or a glob. Row groups are read in parallel, one at a
 * time per subtask, and only the columns that are asked for.
 *
 * int64 columns are numbers, or bigints where a zod schema says `z.bigint()`; timestamps and dates are Date (cut to ms), or
 * ms since the epoch where the schema says a number; bytes without a type are Uint8Array, or text where the schema says so.
 *
 * @throws SLUICE_INPUT_MISSING with the absolute path; SLUICE_INPUT_MALFORMED for a file that is no Parquet file or is damaged;
 * SLUICE_INTEGER_UNSAFE with file, row and column; SLUICE_RECORD_INVALID with file, row and reason.
 * @example
 * const Flight = z.object({ date: z.date(), delay: z.int(), origin: z.string() })
 * job.source('flights', fromParquet('flights-3m.parquet', { schema: Flight }))
 */
export function fromParquet<S extends StandardSchemaV1>(
  path: string,
  options: FromParquetOptions & { readonly schema: S },
): Source<StandardSchemaV1.InferOutput<S>>
export function fromParquet<T = Record<string, unknown>>(
  path: string,
  options?: FromParquetOptions & { readonly schema?: undefined },
): Source<T>
export function fromParquet(path: string, options: FromParquetOptions = {}): Source<unknown> {
  checkOptions('fromParquet', options, ['schema', 'columns', 'onInvalid', 'orderedSplits'])
  const { schema, columns, onInvalid = 'fail', orderedSplits } = options
  checkPath('fromParquet', path)
  checkChoice('fromParquet: onInvalid', onInvalid, ['fail', 'drop', 'deadLetter'])
  if (columns !== undefined && columns.length === 0)
    throw new SluiceError('SLUICE_OPTIONS_INVALID', 'fromParquet: columns takes at least one name.')
  /** The file read last, per subtask: its splits of one file follow each other. */
  const files = new WeakMap<object, ParquetFile>()
  const openFile = async (context: object, found: { readonly path: string; readonly name: string }): Promise<ParquetFile> => {
    const { ParquetFile } = await import('./parquet/row-group-reader.js')
    const last = files.get(context)
    const file = last?.path === found.path ? last : await ParquetFile.open(found.path, found.name)
    files.set(context, file)
    return file
  }
  return defineSource<unknown, RowGroupSplit, RowGroupPosition>({
    splits: async (context) => {
      const splits: RowGroupSplit[] = []
      for (const { path: filePath, name } of await listFiles(path)) {
        const { metadata, bytes } = await openFile(context, { path: filePath, name })
        let firstRow = 0
        for (const [group, { num_rows: rows }] of metadata.row_groups.entries()) {
          if (rows > 0n) splits.push({ path: filePath, name, group, firstRow, bytes })
          firstRow += Number(rows)
        }
      }
      return splits
    },
    open: async (split, context, position) => {
      const { RowGroupReader } = await import('./parquet/row-group-reader.js')
      const gate = new RecordGate({ schema, policy: onInvalid, operator: context.operator })
      return new RowGroupReader({ file: await openFile(context, split), split, gate, columns, position })
    },
    replayable: true,
    schema,
    orderedSplits,
    bounded: true,
    options: { type: 'parquet', path, columns, onInvalid, orderedSplits },
  })
}
