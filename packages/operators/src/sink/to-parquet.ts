/** Parquet files. */
import { type ErrorPolicy, SluiceError } from '@sluice/engine'
import type { Update } from '../join/join-types.js'
import { checkChoice, checkInteger, checkOptions, checkPath } from '../options/check-options.js'
import { defineSink, type RecordWriter, type SinkWriteContext } from './define-sink.js'
import { openOutput } from './open-output.js'
import { isFolderPath } from './output-path.js'
import { ParquetColumns, type ParquetColumnType } from './parquet-columns.js'
import type { PlainSink, Sink, SinkWithLetters } from './sink.js'
import { checkUpdates, ONE_TABLE, TableWriter } from './table-writer.js'
import { ONE_FILE } from './to-json-lines.js'

export interface ToParquetOptions<T> {
  /** The columns and what they hold. Default: the properties of the first row group, each by its first value; numbers are doubles. */
  readonly columns?: { readonly [K in Extract<keyof T, string>]?: ParquetColumnType } | undefined
  /** Rows per row group at most; so many are held in memory. Default 50,000. */
  readonly rowGroupRecords?: number | undefined
  /** What becomes of a stream of updates: `'table'` writes the values of the final table, `'log'` each update; see `toJsonLines`. */
  readonly updates?: 'table' | 'log' | undefined
  /**
   * What becomes of a record that cannot be written: the job fails, it is dropped and counted, or a dead letter leaves on what `stream.sink(...)` gives back.
   * Default `'fail'`.
   */
  readonly onError?: ErrorPolicy | undefined
}

const COLUMN_TYPES: readonly ParquetColumnType[] = ['string', 'boolean', 'int32', 'int64', 'double', 'timestamp', 'json', 'bytes']

/**
 * Writes records as rows of Parquet (Snappy). A path is one file, written by one subtask; a path that ends in `/` is a folder of parts
 * (`part-<subtask>.parquet`) written in parallel. Folders are made. What bears the final name is complete.
 *
 * With checkpoints every row is there exactly once, as `toJsonLines` says. A checkpoint ends a row group, so row groups are smaller where
 * checkpoints are frequent. Where `columns` are not given, a column of a part that holds only nulls is text there: name the columns where parts are
 * read together.
 *
 * Text, numbers (double), bigints (int64), booleans, Date (timestamp in ms) and Uint8Array keep their types; lists and objects are JSON.
 *
 * @throws SLUICE_OUTPUT_EXISTS where there is output already and the job was not started with `--overwrite`; SLUICE_OUTPUT_UNWRITABLE;
 * SLUICE_SINK_FAILED with row and column for a value that does not fit its column.
 * @example
 * stream.sink('out', toParquet('out/', { columns: { customer: 'string', amount: 'double' } }))
 */
export function toParquet<V extends object, const P extends ErrorPolicy | undefined = ErrorPolicy | undefined>(
  path: string,
  options: ToParquetOptions<V> & { readonly updates: 'table'; readonly onError?: P },
): SinkWithLetters<{ readonly onError: P }, Sink<Update<V>>>
export function toParquet<T extends object, const P extends ErrorPolicy | undefined = ErrorPolicy | undefined>(
  path: string,
  options: ToParquetOptions<T> & { readonly updates: 'log'; readonly onError?: P },
): SinkWithLetters<{ readonly onError: P }, Sink<T>>
export function toParquet<T extends object, const P extends ErrorPolicy | undefined = ErrorPolicy | undefined>(
  path: string,
  options?: ToParquetOptions<T> & { readonly updates?: undefined; readonly onError?: P },
): SinkWithLetters<{ readonly onError: P }, PlainSink<T>>
export function toParquet(path: string, options: ToParquetOptions<never> = {}): Sink<never> {
  checkOptions('toParquet', options, ['columns', 'rowGroupRecords', 'updates', 'onError'])
  const { rowGroupRecords = 50_000, updates, onError } = options
  const columns = options.columns as Readonly<Record<string, ParquetColumnType>> | undefined
  checkPath('toParquet', path)
  checkUpdates('toParquet', updates)
  checkInteger('toParquet: rowGroupRecords', rowGroupRecords, 1)
  for (const [name, type] of Object.entries(columns ?? {})) checkChoice(`toParquet: the type of column ${name}`, type, COLUMN_TYPES)
  if (columns !== undefined && Object.keys(columns).length === 0)
    throw new SluiceError('SLUICE_OPTIONS_INVALID', 'toParquet: columns takes at least one column.')
  return defineSink<unknown>({
    open: (context) => {
      const open = async (of: SinkWriteContext): Promise<RecordWriter<unknown>> => {
        const { ParquetRecordWriter } = await import('./parquet-record-writer.js')
        const output = await openOutput(path, 'parquet', of)
        return ParquetRecordWriter.open(
          output,
          new ParquetColumns(columns),
          rowGroupRecords,
          of,
          onError !== undefined && onError !== 'fail',
        )
      }
      return updates === 'table' ? TableWriter.open(path, open, context) : open(context)
    },
    transactional: true,
    onError,
    parallelismMax: updates === 'table' ? ONE_TABLE : isFolderPath(path) ? undefined : ONE_FILE,
    options: { type: 'parquet', path, columns, rowGroupRecords, ...(updates === undefined ? {} : { updates }) },
  })
}
