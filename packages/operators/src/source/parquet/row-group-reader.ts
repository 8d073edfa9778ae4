/**
 * One row group: first column by column, then rows. Belongs to one subtask. Loaded with the first Parquet file, because what reads
 * Parquet is large and most jobs do without.
 */
import { SluiceError } from '@sluice/engine'
import { type ColumnMetaData, parquetScan, type SchemaElement } from 'hyparquet'
import { INVALID } from '../compile-validator.js'
import type { SourceReader, TypedBatch } from '../define-source.js'
import { BATCH_RECORDS_MAX } from '../from-text.js'
import type { RecordGate } from '../record-gate.js'
import { compileRowBuilder, type RowBuilder } from './build-rows.js'
import type { ColumnValues } from './column-values.js'
import { decodeColumn } from './decode-column.js'
import { type PlainType, plainTypeOf } from './decode-plain.js'
import { compressors } from './decompress.js'
import { malformedParquet, type ParquetFile } from './parquet-file.js'
import { flagMisfits, prepareColumn } from './prepare-column.js'

/** With the reader, so that both are loaded from one file. */
export { ParquetFile } from './parquet-file.js'

/** A step that read something but has no record to show for it. */
const NOTHING_YET: TypedBatch<unknown> = { records: [] }

/** One row group of one file. */
export interface RowGroupSplit {
  readonly path: string
  readonly name: string
  readonly group: number
  /** Number of its first row in the file, from 0. */
  readonly firstRow: number
}

export class RowGroupReader implements SourceReader<unknown> {
  readonly #file: ParquetFile
  readonly #split: RowGroupSplit
  readonly #gate: RecordGate
  readonly #names: readonly string[]
  readonly #rows: number
  #columns: ColumnValues[] = []
  /** The bytes of the next column, or undefined for a column that hyparquet reads. */
  #chunk: { readonly bytes: Uint8Array | undefined } | undefined
  /** Rows of which a column does not fit; undefined: none. */
  #misfits: Uint8Array | undefined
  #build: RowBuilder | undefined
  #row = 0

  constructor(file: ParquetFile, split: RowGroupSplit, gate: RecordGate, columns: readonly string[] | undefined) {
    this.#file = file
    this.#split = split
    this.#gate = gate
    this.#names = selectColumns(file, gate, columns)
    this.#rows = Number(file.metadata.row_groups[split.group]?.num_rows ?? 0)
  }

  /** First column by column, then rows. What takes time is done in the call itself, where the engine counts it as the source's work. */
  next(): TypedBatch<unknown> | undefined | Promise<TypedBatch<unknown> | undefined> {
    if (this.#build === undefined) return this.#nextColumn()
    const start = this.#row
    if (start >= this.#rows) return undefined
    const end = Math.min(this.#rows, start + BATCH_RECORDS_MAX)
    this.#row = end
    const rows = this.#build(this.#columns, start, end)
    const { validator } = this.#gate
    if (validator === undefined || (validator.isPlain && this.#misfits === undefined)) return { records: rows }
    for (let index = 0; index < rows.length; index++) {
      const row = rows[index]
      if (validator.isPlain && this.#misfits?.[start + index] === 0) this.#gate.records.push(row)
      else this.#check(row, start + index)
    }
    return this.#gate.take()
  }

  async close(): Promise<void> {
    this.#columns = []
    await this.#file.close()
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
    const name = this.#names[this.#columns.length]
    if (name === undefined) {
      this.#build = compileRowBuilder(
        this.#names,
        this.#columns.map(({ indexes }) => indexes !== undefined),
      )
      return NOTHING_YET
    }
    const chunk = this.#chunk
    this.#chunk = undefined
    if (chunk === undefined) return this.#readChunk(name)
    const column = chunk.bytes === undefined ? undefined : this.#decodeFlat(name, chunk.bytes)
    if (column === undefined) return this.#decodeAny(name)
    this.#addColumn(name, column)
    return NOTHING_YET
  }

  #addColumn(name: string, column: ColumnValues): void {
    const { validator } = this.#gate
    const field = validator?.fields?.known.get(name)
    prepareColumn(column, { file: this.#split.name, column: name, firstRow: this.#split.firstRow, field })
    if (validator?.isPlain === true && field !== undefined) this.#misfits = flagMisfits(column, field, this.#rows, this.#misfits)
    this.#columns.push(column)
  }

  async #readChunk(name: string): Promise<TypedBatch<unknown>> {
    const flat = this.#flatColumn(name)
    if (flat === undefined) {
      this.#chunk = { bytes: undefined }
      return NOTHING_YET
    }
    const { dictionary_page_offset: dictionary, data_page_offset: data, total_compressed_size: size } = flat.chunk
    const start = Number(dictionary !== undefined && dictionary > 0n && dictionary < data ? dictionary : data)
    try {
      this.#chunk = { bytes: await this.#file.read(start, start + Number(size)) }
    } catch (error) {
      throw this.#malformed(name, error)
    }
    return NOTHING_YET
  }

  #flatColumn(name: string): { readonly chunk: ColumnMetaData; readonly element: SchemaElement; readonly type: PlainType } | undefined {
    const tree = this.#file.columns.get(name)
    const chunk = this.#file.metadata.row_groups[this.#split.group]?.columns.find(({ meta_data: data }) => data?.path_in_schema[0] === name)
    if (tree === undefined || tree.children.length > 0 || tree.element.repetition_type === 'REPEATED') return undefined
    if (chunk?.meta_data === undefined || chunk.file_path !== undefined) return undefined
    const bytesAreText = this.#gate.validator?.fields?.known.get(name)?.kind === 'string'
    const type = plainTypeOf(tree.element, bytesAreText)
    return type === undefined ? undefined : { chunk: chunk.meta_data, element: tree.element, type }
  }

  #decodeFlat(name: string, bytes: Uint8Array): ColumnValues | undefined {
    const flat = this.#flatColumn(name)
    if (flat === undefined) return undefined
    try {
      return decodeColumn(bytes, { ...flat, rows: this.#rows })
    } catch (error) {
      throw this.#malformed(name, error)
    }
  }

  /** Lists, structures, decimals and rare encodings. */
  async #decodeAny(name: string): Promise<TypedBatch<unknown>> {
    const { buffer, metadata } = this.#file
    const { firstRow } = this.#split
    let values: unknown[]
    try {
      const scan = await parquetScan({ file: buffer, metadata, columns: [name], compressors })
      values = Array.from(
        (await scan.readColumn({ column: name, rowStart: firstRow, rowEnd: firstRow + this.#rows })) as ArrayLike<unknown>,
      )
      if (values.length !== this.#rows) throw new RangeError(`it has ${values.length} of ${this.#rows} rows`)
    } catch (error) {
      throw this.#malformed(name, error)
    }
    this.#addColumn(name, { values, indexes: undefined })
    return NOTHING_YET
  }

  #malformed(name: string, error: unknown): SluiceError {
    if (error instanceof SluiceError && error.code !== 'SLUICE_SOURCE_FAILED') return error
    const why = error instanceof Error ? error.message : String(error)
    return malformedParquet(this.#split.name, `row group ${this.#split.group}, column ${name} cannot be read: ${why}`, error)
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
