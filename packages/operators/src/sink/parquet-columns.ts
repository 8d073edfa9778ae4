/**
 * The rows of a row group as columns. The types come from the user, or from the first row group: text, number (double), bigint
 * (int64), boolean, Date (timestamp in ms), bytes, and JSON for lists and objects. A value of another type in a later row is
 * refused with row and column; every column may hold nulls. One per writer.
 */
import { SluiceError } from '@sluice/engine'
import type { SchemaElement } from 'hyparquet'
import type { ColumnSource } from 'hyparquet-writer'
import { previewValue } from '../source/compile-validator.js'
import { JsonText } from './json-text.js'

/** What a column of a Parquet file holds. */
export type ParquetColumnType = 'string' | 'boolean' | 'int32' | 'int64' | 'double' | 'timestamp' | 'json' | 'bytes'

const PARQUET_TYPES: Readonly<Record<ParquetColumnType, Omit<SchemaElement, 'name'>>> = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  boolean: { type: 'BOOLEAN' },
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  double: { type: 'DOUBLE' },
  timestamp: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  json: { type: 'BYTE_ARRAY', converted_type: 'JSON' },
  bytes: { type: 'BYTE_ARRAY' },
}

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n
/** What a value counts for in the size of a row group, besides its text or bytes. */
const VALUE_BYTES = 8

/** What is needed to go on with a file; plain data. */
export interface ParquetColumnsState {
  readonly types: readonly (readonly [name: string, type: ParquetColumnType | undefined])[]
  readonly fixed: boolean
  readonly written: number
}

export class ParquetColumns {
  /** Rows of the open row group, and a bound on its bytes. */
  rows = 0
  bytes = 0
  readonly #types = new Map<string, ParquetColumnType | undefined>()
  readonly #values = new Map<string, unknown[]>()
  readonly #json = new JsonText()
  /** False while the columns may still grow: until the first row group of the file is written. */
  #fixed: boolean
  readonly #named: boolean
  /** Columns that were made text for want of a value. */
  readonly #guessed = new Set<string>()
  /** Rows in the row groups before. */
  #written = 0

  constructor(types: Readonly<Record<string, ParquetColumnType>> | undefined) {
    this.#fixed = types !== undefined
    this.#named = this.#fixed
    for (const [name, type] of Object.entries(types ?? {})) this.#addColumn(name, type)
  }

  /** Numbers inside JSON columns that were written as null because they are not finite. */
  get nonFinite(): number {
    return this.#json.nonFinite
  }

  add(record: unknown): void {
    if (typeof record !== 'object' || record === null || Array.isArray(record)) {
      throw new SluiceError('SLUICE_SINK_FAILED', `Row ${this.#row()} is not an object, and Parquet is written from objects.`, {
        hint: 'Map the record to an object whose properties are the columns.',
      })
    }
    const properties = record as Record<string, unknown>
    if (!this.#fixed) this.#learn(properties)
    else for (const name in properties) if (!this.#values.has(name)) this.#refuseColumn(name)
    // All of them or none: a value that does not fit leaves the row out.
    const { bytes } = this
    const row: unknown[] = []
    try {
      for (const name of this.#values.keys()) row.push(this.#toColumn(name, properties[name]))
    } catch (error) {
      this.bytes = bytes
      throw error
    }
    let at = 0
    for (const values of this.#values.values()) values.push(row[at++])
    this.rows++
  }

  /** The schema of the file; fixes the columns. A column that held only nulls is text. */
  schema(): SchemaElement[] {
    this.#fixed = true
    for (const [name, type] of this.#types) {
      if (type !== undefined) continue
      this.#types.set(name, 'string')
      this.#guessed.add(name)
    }
    const columns = [...this.#types].map(
      ([name, type]): SchemaElement => ({ name, repetition_type: 'OPTIONAL', ...PARQUET_TYPES[type ?? 'string'] }),
    )
    return [{ name: 'root', num_children: columns.length }, ...columns]
  }

  /** The open row group; a new one begins. */
  take(): ColumnSource[] {
    const columns = [...this.#values].map(([name, data]) => ({ name, data }))
    for (const name of this.#values.keys()) this.#values.set(name, [])
    this.#written += this.rows
    this.rows = 0
    this.bytes = 0
    return columns
  }

  /** What comes next goes to a new file, which has columns of its own: those that are known, and new ones. */
  beginFile(): void {
    this.#fixed = this.#named
    for (const name of this.#guessed) this.#types.set(name, undefined)
    this.#guessed.clear()
  }

  /** Between two row groups. */
  state(): ParquetColumnsState {
    return { types: [...this.#types], fixed: this.#fixed, written: this.#written }
  }

  restore({ types, fixed, written }: ParquetColumnsState): void {
    if (!this.#named) for (const [name, type] of types) this.#addColumn(name, type)
    this.#fixed = this.#named || fixed
    this.#written = written
  }

  #learn(record: Record<string, unknown>): void {
    for (const name in record) {
      const value = record[name]
      if (!this.#values.has(name)) this.#addColumn(name, undefined)
      if (this.#types.get(name) === undefined && value !== null && value !== undefined) this.#types.set(name, this.#typeOf(name, value))
    }
  }

  #addColumn(name: string, type: ParquetColumnType | undefined): void {
    this.#types.set(name, type)
    this.#values.set(name, new Array<unknown>(this.rows).fill(null))
  }

  #typeOf(name: string, value: unknown): ParquetColumnType {
    switch (typeof value) {
      case 'string':
        return 'string'
      case 'number':
        return 'double'
      case 'bigint':
        return 'int64'
      case 'boolean':
        return 'boolean'
      case 'object':
        return value instanceof Date ? 'timestamp' : value instanceof Uint8Array ? 'bytes' : 'json'
      default:
        throw this.#misfit(name, value, 'no column type')
    }
  }

  #toColumn(name: string, value: unknown): unknown {
    this.bytes += VALUE_BYTES
    if (value === null || value === undefined) return null
    const type = this.#types.get(name)
    switch (type) {
      case 'string':
        if (typeof value !== 'string') break
        this.bytes += value.length
        return value
      case 'boolean':
        if (typeof value === 'boolean') return value
        break
      case 'int32':
        if (typeof value === 'number' && (value | 0) === value) return value
        break
      case 'int64':
        if (typeof value === 'bigint' && value >= INT64_MIN && value <= INT64_MAX) return value
        if (Number.isSafeInteger(value)) return BigInt(value as number)
        break
      case 'double':
        if (typeof value === 'number') return value
        break
      case 'timestamp':
        if (value instanceof Date && !Number.isNaN(value.getTime())) return value
        break
      case 'bytes':
        if (!(value instanceof Uint8Array)) break
        this.bytes += value.length
        return value
      case 'json':
        return this.#toJson(name, value)
      case undefined:
        break
    }
    throw this.#misfit(name, value, type ?? 'no type')
  }

  #toJson(name: string, value: unknown): unknown {
    try {
      const text = this.#json.stringify(value)
      this.bytes += text.length
      return JSON.parse(text)
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
      throw new SluiceError(error.code, `Column ${name}, row ${this.#row()}: ${error.message}`, { hint: error.hint })
    }
  }

  #row(): number {
    return this.#written + this.rows + 1
  }

  #misfit(name: string, value: unknown, type: string): SluiceError {
    return new SluiceError(
      'SLUICE_SINK_FAILED',
      `Row ${this.#row()}, column ${name}: ${previewValue(value)} does not fit the column, which is ${type}.`,
      {
        hint: `Say what the column holds: toParquet(path, { columns: { ${name}: '...' } }).`,
      },
    )
  }

  #refuseColumn(name: string): never {
    throw new SluiceError('SLUICE_SINK_FAILED', `Row ${this.#row()} has the property '${name}', which is no column of the file.`, {
      hint: 'Name all columns: toParquet(path, { columns: { ... } }), or map the record to the columns it has.',
    })
  }
}
