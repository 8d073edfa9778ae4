/**
 * One row group: first column by column, then rows. Belongs to one subtask. Loaded with the first Parquet file, because what reads
 * Parquet is large and most jobs do without.
 */
import { SluiceError } from '@sluice/engine'
import type { DecodedArray } from 'hyparquet'
import { INVALID } from '../compile-validator.js'
import type { SourceReader, TypedBatch } from '../define-source.js'
import { inputChanged } from '../file-splits.js'
import { BATCH_RECORDS_MAX, nothingYet } from '../from-text.js'
import type { RecordGate } from '../record-gate.js'
import { compileRowBuilder, type RowBuilder } from './build-rows.js'
import type { ParquetFile } from './parquet-file.js'
import { flagMisfits, prepareColumn } from './prepare-column.js'

/** With the reader, so that both are loaded from one file. */
export { ParquetFile } from './parquet-file.js'

/** One row group of one file. */
export interface RowGroupSplit {
  readonly path: string
  readonly name: string
  readonly group: number
  /** Number of its first row in the file, from 0. */
  readonly firstRow: number
  /** Of the file. */
  readonly bytes: number
}

/** Where to go on in a row group: its rows count from 0. */
export interface RowGroupPosition {
  readonly row: number
}

export interface RowGroupOptions {
  readonly file: ParquetFile
  readonly split: RowGroupSplit
  readonly gate: RecordGate
  readonly columns: readonly string[] | undefined
  readonly position?: RowGroupPosition | undefined
}

export class RowGroupReader implements SourceReader<unknown> {
  readonly #file: ParquetFile
  readonly #split: RowGroupSplit
  readonly #gate: RecordGate
  readonly #names: readonly string[]
  readonly #rows: number
  #columns: (readonly unknown[])[] = []
  /** The next column as it was decoded. */
  #decoded: DecodedArray | undefined
  /** Rows of which a column does not fit; undefined: none. */
  #misfits: Uint8Array | undefined
  #build: RowBuilder | undefined
  #row: number

  constructor({ file, split, gate, columns, position }: RowGroupOptions) {
    this.#file = file
    this.#split = split
    this.#gate = gate
    this.#names = selectColumns(file, gate, columns)
    this.#rows = Number(file.metadata.row_groups[split.group]?.num_rows ?? 0)
    this.#row = position?.row ?? 0
    // A file is written once, its footer last: one of another size is another one.
    const { name, group, bytes } = split
    if (file.bytes !== bytes)
      throw inputChanged(name, `row ${this.#row} of row group ${group}`, `it has ${file.bytes} bytes, and had ${bytes}`)
  }

  /** First column by column, then rows. All but decoding is done in the call itself, where the engine counts it as the source's work. */
  next(): TypedBatch<unknown> | undefined | Promise<TypedBatch<unknown> | undefined> {
    if (this.#build === undefined) return this.#nextColumn()
    const start = this.#row
    if (start >= this.#rows) return undefined
    const end = Math.min(this.#rows, start + BATCH_RECORDS_MAX)
    this.#row = end
    const rows = this.#build(this.#columns, start, end)
    const { validator } = this.#gate
    const position: RowGroupPosition = { row: start }
    if (validator === undefined || (validator.isPlain && this.#misfits === undefined)) return { records: rows, position }
    for (let index = 0; index < rows.length; index++) {
      const row = rows[index]
      if (validator.isPlain && this.#misfits?.[start + index] === 0) this.#gate.records.push(row)
      else this.#check(row, start + index)
    }
    return this.#gate.take(position)
  }

  close(): void {
    this.#columns = []
    this.#decoded = undefined
  }

  #check(row: unknown, index: number): void {
    const validator = this.#gate.validator
    const checked = validator?.checkWithSchema(row)
    if (checked !== INVALID) this.#gate.records.push(checked)
    else
      this.#gate.reject(
        'SLUICE_RECORD_INVALID',
        row,
        validator?.reason ?? '',
        `${this.#split.name} row ${this.#split.firstRow + index + 1}`,
      )
  }

  #nextColumn(): TypedBatch<unknown> | Promise<TypedBatch<unknown>> {
    const column = this.#names[this.#columns.length]
    if (column === undefined) {
      this.#build = compileRowBuilder(this.#names)
      return nothingYet()
    }
    const { validator } = this.#gate
    const { name: file, group, firstRow } = this.#split
    const field = validator?.fields?.known.get(column)
    const decoded = this.#decoded
    if (decoded === undefined) {
      const request = { column, group, firstRow, rows: this.#rows, bytesAreText: field?.kind === 'string' }
      return this.#file.readColumn(request).then((values) => {
        this.#decoded = values
        return nothingYet()
      })
    }
    this.#decoded = undefined
    const values = prepareColumn(decoded, { file, column, firstRow, field })
    if (validator?.isPlain === true && field !== undefined) this.#misfits = flagMisfits(values, field, this.#misfits)
    this.#columns.push(values)
    return nothingYet()
  }
}

/** The columns to read: what was asked for, or what the schema names, or all. */
function selectColumns(file: ParquetFile, gate: RecordGate, asked: readonly string[] | undefined): readonly string[] {
  const { fields } = gate.validator ?? {}
  const known = [...file.columns.keys()]
  const wanted = asked ?? fields?.keys
  if (wanted === undefined) return known
  const missing = wanted.filter((name) => !file.columns.has(name) && (asked !== undefined || fields?.known.get(name)?.optional !== true))
  if (missing.length > 0) {
    const position = file.name
    throw new SluiceError('SLUICE_RECORD_INVALID', `${position} has no column ${missing.map((name) => `'${name}'`).join(', ')}.`, {
      position,
      hint: `Its columns are ${known.join(', ')}.`,
    })
  }
  return wanted.filter((name) => file.columns.has(name))
}
