/** CSV files. */
import { type ErrorPolicy, SluiceError } from '@sluice/engine'
import type { Update } from '../join/join-types.js'
import { checkChoice, checkOptions, checkPath } from '../options/check-options.js'
import { CsvText } from './csv-text.js'
import { defineSink, type SinkWriteContext } from './define-sink.js'
import type { FileOutput } from './file-output.js'
import { FileRecordWriter } from './file-record-writer.js'
import { openOutput } from './open-output.js'
import { isFolderPath } from './output-path.js'
import type { PlainSink, Sink, SinkWithLetters } from './sink.js'
import { checkUpdates, ONE_TABLE, TableWriter } from './table-writer.js'
import { countNonFinite, ONE_FILE, writable } from './to-json-lines.js'

export interface ToCsvOptions<T> {
  /** The columns in order; other properties are left out. Default: the properties of the first record, and a later record may have no others. */
  readonly columns?: readonly Extract<keyof T, string>[] | undefined
  /** Whether the first line names the columns. Default true. */
  readonly header?: boolean | undefined
  /** What separates cells, one character. Default ','. */
  readonly delimiter?: string | undefined
  /** What ends a line. Default '\n'. */
  readonly lineBreak?: '\n' | '\r\n' | undefined
  /** What becomes of a stream of updates: `'table'` writes the values of the final table, `'log'` each update; see `toJsonLines`. */
  readonly updates?: 'table' | 'log' | undefined
  /**
   * What becomes of a record that cannot be written: the job fails, it is dropped and counted, or a dead letter leaves on what `stream.sink(...)` gives back.
   * Default `'fail'`.
   */
  readonly onError?: ErrorPolicy | undefined
}

/**
 * Writes records as rows of CSV (RFC 4180). A path is one file, written by one subtask; a path that ends in `/` is a folder of parts
 * (`part-<subtask>.csv`) written in parallel, each with its header. Folders are made. What bears the final name is complete. With checkpoints every
 * record is there exactly once, as `toJsonLines` says.
 *
 * null, missing values, NaN and the infinities are empty cells, empty text is `""`; Date is ISO 8601 text; lists and objects are JSON text.
 *
 * @throws SLUICE_OUTPUT_EXISTS where there is output already and the job was not started with `--overwrite`; SLUICE_OUTPUT_UNWRITABLE;
 * SLUICE_SINK_FAILED for a record that is no object or has a property that is no column.
 * @example
 * stream.sink('out', toCsv('out/orders.csv', { columns: ['id', 'amount'], delimiter: ';' }))
 */
export function toCsv<V extends object, const P extends ErrorPolicy | undefined = ErrorPolicy | undefined>(
  path: string,
  options: ToCsvOptions<V> & { readonly updates: 'table'; readonly onError?: P },
): SinkWithLetters<{ readonly onError: P }, Sink<Update<V>>>
export function toCsv<T extends object, const P extends ErrorPolicy | undefined = ErrorPolicy | undefined>(
  path: string,
  options: ToCsvOptions<T> & { readonly updates: 'log'; readonly onError?: P },
): SinkWithLetters<{ readonly onError: P }, Sink<T>>
export function toCsv<T extends object, const P extends ErrorPolicy | undefined = ErrorPolicy | undefined>(
  path: string,
  options?: ToCsvOptions<T> & { readonly updates?: undefined; readonly onError?: P },
): SinkWithLetters<{ readonly onError: P }, PlainSink<T>>
export function toCsv(path: string, options: ToCsvOptions<never> = {}): Sink<never> {
  checkOptions('toCsv', options, ['columns', 'header', 'delimiter', 'lineBreak', 'updates', 'onError'])
  const { header = true, delimiter = ',', lineBreak = '\n', updates, onError } = options
  const columns: readonly string[] | undefined = options.columns
  checkPath('toCsv', path)
  checkUpdates('toCsv', updates)
  checkChoice('toCsv: lineBreak', lineBreak, ['\n', '\r\n'])
  if (typeof delimiter !== 'string' || delimiter.length !== 1 || '"\r\n'.includes(delimiter)) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `toCsv: delimiter is ${JSON.stringify(delimiter)}, and takes one character.`)
  }
  if (columns !== undefined && (columns.length === 0 || new Set(columns).size !== columns.length)) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', 'toCsv: columns takes at least one name, and each once.')
  }
  return defineSink<unknown>({
    open: (context) => {
      const open = async (of: SinkWriteContext): Promise<CsvWriter> =>
        new CsvWriter(
          await openOutput(path, 'csv', of),
          new CsvText({ columns, delimiter, lineBreak }),
          header,
          of,
          onError !== undefined && onError !== 'fail',
        )
      return updates === 'table' ? TableWriter.open(path, open, context) : open(context)
    },
    transactional: true,
    onError,
    parallelismMax: updates === 'table' ? ONE_TABLE : isFolderPath(path) ? undefined : ONE_FILE,
    options: { type: 'csv', path, columns, header, delimiter, lineBreak, ...(updates === undefined ? {} : { updates }) },
  })
}

function isRow(record: unknown): boolean {
  return typeof record === 'object' && record !== null && !Array.isArray(record)
}

/** What is needed to go on with a file. */
interface CsvResume {
  readonly columns: readonly string[] | undefined
  readonly headerDue: boolean
}

class CsvWriter extends FileRecordWriter {
  readonly #csv: CsvText
  readonly #context: SinkWriteContext
  readonly #header: boolean
  /** Records that cannot be written are left out. */
  readonly #lenient: boolean
  #headerDue: boolean
  #counted = 0

  constructor(output: FileOutput, csv: CsvText, header: boolean, context: SinkWriteContext, lenient: boolean) {
    super(output)
    this.#lenient = lenient
    const resume = output.resume as CsvResume | undefined
    this.#csv = csv
    this.#header = header
    this.#headerDue = resume?.headerDue ?? header
    if (resume?.columns !== undefined) csv.restoreColumns(resume.columns)
    this.#context = context
  }

  override write(records: readonly unknown[]): void | Promise<void> {
    const csv = this.#csv
    csv.learnColumns(this.#lenient ? records.find(isRow) : records[0])
    let text = this.#takeHeader()
    if (this.#lenient) text += writable(records, (record) => csv.line(record), this.#context)
    else for (let index = 0; index < records.length; index++) text += csv.line(records[index])
    if (csv.nonFinite !== this.#counted) this.#counted = countNonFinite(this.#context, csv.nonFinite, this.#counted)
    return this.output.append(text)
  }

  override prepare(checkpoint: number): unknown {
    const resume: CsvResume = { columns: this.#csv.columns, headerDue: this.#headerDue }
    const prepared = this.output.prepare(checkpoint, resume)
    if (this.output.rolls) this.#headerDue = this.#header
    return prepared
  }

  override async finish(): Promise<void> {
    // Columns that were named are written even where no record came; a part without records is not made.
    const header = this.output.rolls || this.output.complete ? '' : this.#takeHeader()
    if (header !== '') await this.output.append(header)
    await this.output.finish()
  }

  #takeHeader(): string {
    if (!this.#headerDue) return ''
    const header = this.#csv.header()
    if (header === undefined) return ''
    this.#headerDue = false
    return header
  }
}
