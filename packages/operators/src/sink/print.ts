/** Standard output. */
import { SluiceError } from '@sluice/engine'
import { checkInteger } from '../source/check-options.js'
import { defineSink, type RecordWriter, type SinkWriteContext } from './define-sink.js'
import { JsonText } from './json-text.js'
import type { Sink } from './sink.js'
import { formatRecords } from './table-text.js'
import { countNonFinite } from './to-json-lines.js'

export interface PrintOptions<T> {
  /** `json`: a line per record as it comes (default). `table`: one table at the end of the input, for people. */
  readonly format?: 'json' | 'table' | undefined
  /** Order of the rows of a table; default: as they come. */
  readonly compare?: ((left: T, right: T) => number) | undefined
  /** Rows of a table at most; default 100. Only so many records are held. */
  readonly limit?: number | undefined
}

/**
 * Writes records to standard output: as JSON lines for a pipe or a look, or as one table at the end. It runs in the thread that started
 * the job. The job's log goes to standard error.
 *
 * @throws SLUICE_JSON_UNSUPPORTED as `toJsonLines`.
 * @example
 * stream.sink('out', print())
 * @example
 * totals.sink('largest', print({ format: 'table', compare: (left, right) => right.total - left.total, limit: 10 }))
 */
export function print<T = unknown>(options: PrintOptions<T> = {}): Sink<T> {
  const { format = 'json', compare, limit = TABLE_ROWS_DEFAULT } = options
  if (format !== 'json' && format !== 'table')
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `print takes the format 'json' or 'table', not ${JSON.stringify(format)}.`)
  checkInteger('limit', limit, 1)
  return defineSink<T>({
    open: (context) => (format === 'json' ? new PrintWriter(context) : new TableWriter(context, compare, limit)),
    parallelismMax: { value: 1, because: 'there is one standard output' },
    pinned: true,
    options: { type: 'print', format, ...(format === 'table' ? { limit } : {}) },
  })
}

const TABLE_ROWS_DEFAULT = 100

/** Holds at most twice the rows it shows. */
class TableWriter<T> implements RecordWriter<T> {
  readonly #writeOut: (text: string) => void | Promise<void>
  readonly #compare: ((left: T, right: T) => number) | undefined
  readonly #limit: number
  #rows: T[] = []
  #count = 0

  constructor(context: SinkWriteContext, compare: ((left: T, right: T) => number) | undefined, limit: number) {
    this.#writeOut = standardOutput(context)
    this.#compare = compare
    this.#limit = limit
  }

  write(records: readonly T[]): void {
    this.#count += records.length
    for (const record of records) {
      if (this.#compare === undefined && this.#rows.length >= this.#limit) return
      this.#rows.push(record)
      if (this.#rows.length >= 2 * this.#limit) this.#trim()
    }
  }

  finish(): void | Promise<void> {
    this.#trim()
    return this.#writeOut(formatRecords(this.#rows, this.#count - this.#rows.length))
  }

  #trim(): void {
    if (this.#compare !== undefined) this.#rows.sort(this.#compare)
    if (this.#rows.length > this.#limit) this.#rows.length = this.#limit
  }
}

function standardOutput({ host }: SinkWriteContext): (text: string) => void | Promise<void> {
  if (host === undefined) throw new SluiceError('SLUICE_ASSERTION', 'print() was placed on a thread without standard output')
  return (text) => host.writeOut(text)
}

class PrintWriter implements RecordWriter<unknown> {
  readonly #context: SinkWriteContext
  readonly #writeOut: (text: string) => void | Promise<void>
  readonly #json = new JsonText()
  #counted = 0

  constructor(context: SinkWriteContext) {
    this.#context = context
    this.#writeOut = standardOutput(context)
  }

  write(records: readonly unknown[]): void | Promise<void> {
    const json = this.#json
    let text = ''
    for (let index = 0; index < records.length; index++) text += `${json.stringify(records[index])}\n`
    if (json.nonFinite !== this.#counted) this.#counted = countNonFinite(this.#context, json.nonFinite, this.#counted)
    return this.#writeOut(text)
  }
}
