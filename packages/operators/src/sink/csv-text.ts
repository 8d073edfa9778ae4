/**
 * Records as lines of CSV (RFC 4180). Quoting is one test per text cell, so it is done here rather than by a library that makes
 * a stream of it. Empty text is written as `""`, null and missing values as nothing, so that a reader can tell them apart. One per writer.
 */
import { SluiceError } from '@sluice/engine'
import { JsonText } from './json-text.js'

export interface CsvTextOptions {
  readonly columns: readonly string[] | undefined
  readonly delimiter: string
  /** Ends each line. */
  readonly lineBreak: string
}

export class CsvText {
  readonly #options: CsvTextOptions
  readonly #json = new JsonText()
  readonly #needsQuotes: RegExp
  /** undefined while no record has named them. */
  columns: readonly string[] | undefined
  #known: ReadonlySet<string> | undefined
  #rows = 0

  constructor(options: CsvTextOptions) {
    this.#options = options
    this.columns = options.columns
    this.#needsQuotes = new RegExp(`["\\r\\n${escapeForClass(options.delimiter)}]|^[ \\t\\uFEFF]|[ \\t]$`)
  }

  /** Numbers that were written as nothing because they are not finite. */
  get nonFinite(): number {
    return this.#json.nonFinite
  }

  /** The line of column names; undefined while no record has named them. */
  header(): string | undefined {
    if (this.columns === undefined) return undefined
    return this.columns.map((column) => this.#quote(column)).join(this.#options.delimiter) + this.#options.lineBreak
  }

  /** Takes the columns from the first record where none were given. */
  learnColumns(record: unknown): void {
    if (this.columns !== undefined || typeof record !== 'object' || record === null) return
    this.columns = Object.keys(record)
    this.#known = new Set(this.columns)
  }

  /** The columns that a file which is continued has. */
  restoreColumns(columns: readonly string[]): void {
    if (this.columns !== undefined) return
    this.columns = columns
    this.#known = new Set(columns)
  }

  line(record: unknown): string {
    this.#rows++
    const columns = this.columns
    if (columns === undefined || typeof record !== 'object' || record === null || Array.isArray(record)) {
      throw new SluiceError('SLUICE_SINK_FAILED', `Row ${this.#rows} is not an object, and CSV is written from objects.`, {
        hint: 'Map the record to an object whose properties are the columns.',
      })
    }
    if (this.#known !== undefined) this.#checkKeys(record, this.#known)
    let text = ''
    for (let index = 0; index < columns.length; index++) {
      if (index > 0) text += this.#options.delimiter
      const column = columns[index] as string
      text += this.#cell((record as Record<string, unknown>)[column], column)
    }
    // A line that is empty is no row to most readers.
    return (text === '' ? '""' : text) + this.#options.lineBreak
  }

  #cell(value: unknown, column: string): string {
    switch (typeof value) {
      case 'string':
        return value === '' ? '""' : this.#quote(value)
      case 'number':
        if (value - value === 0) return `${value}`
        this.#json.nonFinite++
        return ''
      case 'boolean':
        return value ? 'true' : 'false'
      case 'bigint':
        return value.toString()
      case 'undefined':
        return ''
      default:
        return value === null ? '' : this.#nested(value, column)
    }
  }

  /** Lists and objects are written as JSON text in one cell. */
  #nested(value: unknown, column: string): string {
    if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString()
    if (value instanceof Date) {
      this.#json.nonFinite++
      return ''
    }
    try {
      return this.#quote(this.#json.stringify(value))
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
      throw new SluiceError(error.code, `Column ${column}, row ${this.#rows}: ${error.message}`, { hint: error.hint })
    }
  }

  #quote(text: string): string {
    return this.#needsQuotes.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }

  #checkKeys(record: object, known: ReadonlySet<string>): void {
    for (const key in record) {
      if (known.has(key)) continue
      throw new SluiceError('SLUICE_SINK_FAILED', `Row ${this.#rows} has the property '${key}', and the first row had no such column.`, {
        hint: 'Name the columns: toCsv(path, { columns: [...] }).',
      })
    }
  }
}

function escapeForClass(text: string): string {
  return text.replace(/[\\\]^-]/g, '\\$&')
}
