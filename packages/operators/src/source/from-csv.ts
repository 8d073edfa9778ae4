/** CSV files. */
import { SluiceError } from '@sluice/engine'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkChoice, checkOptions, checkPath } from '../options/check-options.js'
import { convertCell } from './convert-text.js'
import { type CsvFormat, CsvRows, type RowPosition } from './csv-rows.js'
import { defineSource, type SourceReader, type TypedBatch } from './define-source.js'
import { type FileSplit, listFiles, mayMatchMany, splitByFile } from './file-splits.js'
import { nothingYet } from './from-text.js'
import type { KnownField } from './known-fields.js'
import { type InvalidPolicy, RecordGate } from './record-gate.js'
import type { Source } from './source.js'

export interface FromCsvOptions {
  /** Any Standard Schema (zod, valibot, arktype, ...); gives the type and validates each record. */
  readonly schema?: StandardSchemaV1 | undefined
  /** What happens to a row that is malformed or does not fit the schema. Default 'fail'. */
  readonly onInvalid?: InvalidPolicy | undefined
  /** true: the first row holds the names of the columns. A list: these are the names, and every row is data. Default true. */
  readonly header?: true | readonly string[] | undefined
  /** What separates cells. Default ','. */
  readonly delimiter?: string | undefined
  /** What a cell may be enclosed in. Default '"'. */
  readonly quote?: string | undefined
  /** What stands, inside a quoted cell, before a quote or another character to be taken as it is. Default: the quote itself. */
  readonly escape?: string | undefined
  /** Lines that begin with it are skipped. Default: none. */
  readonly comment?: string | undefined
  /** Whether spaces around cells are cut. Default false. */
  readonly trim?: boolean | undefined
  /** Read the files in order, where time advances with them. Default false. */
  readonly orderedSplits?: boolean | undefined
}

/**
 * The rows of CSV files (UTF-8) as objects by column name; empty lines are skipped. The path is a file, a folder (its files) or a
 * glob; each file is read by one subtask, because only its beginning tells where quoted cells are.
 *
 * A cell is text. Where a zod schema says number, boolean (true, false, 1, 0), date (ISO 8601; UTC without an offset) or bigint
 * for a column, the text is converted; an empty cell is null where the field is nullable and missing where it is optional.
 *
 * @throws SLUICE_INPUT_MISSING with the absolute path; SLUICE_INPUT_MALFORMED and SLUICE_RECORD_INVALID with file, line and reason.
 * @example
 * const Trip = z.object({ from: z.string(), km: z.number(), startedAt: z.date().nullable() })
 * job.source('trips', fromCsv('trips.csv', { schema: Trip, delimiter: ';' }))
 */
export function fromCsv<S extends StandardSchemaV1>(
  path: string,
  options: FromCsvOptions & { readonly schema: S },
): Source<StandardSchemaV1.InferOutput<S>>
export function fromCsv<T = Record<string, string>>(path: string, options?: FromCsvOptions & { readonly schema?: undefined }): Source<T>
export function fromCsv(path: string, options: FromCsvOptions = {}): Source<unknown> {
  checkOptions('fromCsv', options, ['schema', 'onInvalid', 'header', 'delimiter', 'quote', 'escape', 'comment', 'trim', 'orderedSplits'])
  const { schema, onInvalid = 'fail', header = true, orderedSplits, delimiter = ',', quote = '"', escape = quote } = options
  const format: CsvFormat = { delimiter, quote, escape, comment: options.comment, trim: options.trim ?? false }
  checkPath('fromCsv', path)
  checkChoice('fromCsv: onInvalid', onInvalid, ['fail', 'drop', 'deadLetter'])
  if (header !== true) checkColumnNames(header, 'fromCsv: header')
  for (const [option, text] of Object.entries({ delimiter, quote, escape })) {
    if (typeof text !== 'string' || text === '' || /[\r\n]/.test(text))
      throw new SluiceError('SLUICE_OPTIONS_INVALID', `fromCsv: ${option} takes text without line breaks.`)
  }
  return defineSource<unknown, FileSplit, CsvPosition>({
    splits: async () => splitByFile(await listFiles(path)),
    open: async (split, context, position) => {
      const gate = new RecordGate({ schema, policy: onInvalid, operator: context.operator })
      return new CsvReader(await CsvRows.open(split, format, position), split, gate, header === true ? position?.names : header)
    },
    replayable: true,
    parallelismMax: mayMatchMany(path) ? undefined : { value: 1, because: 'a CSV file has one reader' },
    schema,
    orderedSplits,
    bounded: true,
    options: { type: 'csv', path, onInvalid, header, delimiter },
  })
}

interface CsvPosition extends RowPosition {
  /** The columns, where the file says what they are and their row is in front of the position. */
  readonly names: readonly string[] | undefined
}

/** A cell of a column that is read. */
interface ReadColumn {
  /** Its place in the row. */
  readonly index: number
  readonly name: string
  readonly field: KnownField | undefined
}

class CsvReader implements SourceReader<unknown> {
  readonly #file: CsvRows
  readonly #split: FileSplit
  readonly #gate: RecordGate
  /** Undefined until the header was read. */
  #names: readonly string[] | undefined
  #columns: readonly ReadColumn[] = []

  constructor(file: CsvRows, split: FileSplit, gate: RecordGate, names: readonly string[] | undefined) {
    this.#file = file
    this.#split = split
    this.#gate = gate
    if (names !== undefined) this.#nameColumns(names)
  }

  next(): TypedBatch<unknown> | undefined | Promise<TypedBatch<unknown> | undefined> {
    const file = this.#file
    if (file.ended) return undefined
    return file.parse() ? this.#takeRows() : file.fill().then((more) => (more ? nothingYet() : this.#finish()))
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  async #finish(): Promise<TypedBatch<unknown>> {
    await this.#file.finish()
    return this.#takeRows()
  }

  #takeRows(): TypedBatch<unknown> {
    const { rows, malformed } = this.#file
    const position: CsvPosition = { ...this.#file.position, names: this.#names }
    for (let row = 0; row < rows.length; row++) this.#takeRow(rows[row] as readonly string[], row)
    if (malformed !== undefined) this.#reject('SLUICE_INPUT_MALFORMED', malformed, rows.length)
    return this.#gate.take(position)
  }

  #takeRow(cells: readonly string[], row: number): void {
    const names = this.#names
    if (names === undefined) {
      checkColumnNames(cells, `${this.#split.name} line ${this.#file.locate(row).line}`)
      this.#nameColumns(cells)
      return
    }
    if (cells.length !== names.length) {
      this.#reject('SLUICE_INPUT_MALFORMED', `the row has ${cells.length} cells, and there are ${names.length} columns`, row)
      return
    }
    const record: Record<string, unknown> = {}
    const columns = this.#columns
    for (let position = 0; position < columns.length; position++) {
      const { index, name, field } = columns[position] as ReadColumn
      const text = cells[index] as string
      const value = field === undefined ? text : convertCell(field, text)
      if (value !== undefined) record[name] = value
    }
    if (!this.#gate.admit(record)) this.#reject('SLUICE_RECORD_INVALID', this.#gate.validator?.reason ?? '', row)
  }

  /** In the order of the schema, where there is one: what is read fits it as it stands. */
  #nameColumns(names: readonly string[]): void {
    const { fields } = this.#gate.validator ?? {}
    const read = fields?.keys ?? names
    this.#names = names
    this.#columns = read
      .filter((name) => names.includes(name))
      .map((name) => ({ index: names.indexOf(name), name, field: fields?.known.get(name) }))
  }

  #reject(code: 'SLUICE_INPUT_MALFORMED' | 'SLUICE_RECORD_INVALID', reason: string, row: number): void {
    const { text, line } = this.#file.locate(row)
    this.#gate.reject(code, text, reason, `${this.#split.name} line ${line}`)
  }
}

/** A column that shadows another, or vanishes, would lose data without a word. */
function checkColumnNames(names: readonly string[], where: string): void {
  const wrong = names.find((name, index) => names.indexOf(name) !== index || name === '__proto__')
  if (wrong === undefined) return
  const why = wrong === '__proto__' ? 'cannot be a property' : 'appears twice'
  throw new SluiceError('SLUICE_INPUT_MALFORMED', `${where}: the column '${wrong}' ${why}.`, {
    hint: 'Give the source the names of the columns: { header: [...] }.',
  })
}
