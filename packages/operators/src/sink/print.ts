/** Standard output. */
import { SluiceError } from '@sluice/engine'
import { checkChoice, checkFunction, checkInteger, checkOptions } from '../options/check-options.js'
import { defineSink, type RecordWriter, type SinkWriteContext } from './define-sink.js'
import { JsonText } from './json-text.js'
import type { Sink } from './sink.js'
import { formatRecords } from './table-text.js'
import { countNonFinite } from './to-json-lines.js'

export interface PrintOptions<T> {
  /** `json`: a line of JSON per record as it comes. `table`: one table at the end. Default 'json'. */
  readonly format?: 'json' | 'table' | undefined
  /** The order of a table's rows, as for `Array.prototype.sort`. Default: as they come. */
  readonly compare?: ((left: T, right: T) => number) | undefined
  /** Rows of a table at most, the first in its order; so many are held. Default 100. */
  readonly limit?: number | undefined
}

/**
 * Writes records to standard output, as JSON lines for a pipe or as a table for a look. It runs in the thread that started the job.
 * The job's log goes to standard error.
 *
 * @throws SLUICE_JSON_UNSUPPORTED as `toJsonLines`.
 * @example
 * stream.sink('out', print())
 * stream.sink('largest', print({ format: 'table', compare: (left, right) => right.amount - left.amount, limit: 10 }))
 */
export function print<T = unknown>(options: PrintOptions<T> = {}): Sink<T> {
  checkOptions('print', options, ['format', 'compare', 'limit'])
  const { format = 'json', compare, limit = 100 } = options
  checkChoice('print: format', format, ['json', 'table'])
  checkInteger('print: limit', limit, 1)
  if (compare !== undefined) checkFunction('print: compare', compare)
  return defineSink<T>({
    open: (context) => (format === 'json' ? new LineWriter(context) : new TableWriter<T>(context, compare, limit)),
    parallelismMax: { value: 1, because: 'there is one standard output' },
    pinned: true,
    options: { type: 'print', format, limit: format === 'table' ? limit : undefined },
  })
}

class LineWriter implements RecordWriter<unknown> {
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

/** Holds the rows of the table, and while they are sorted as many again. */
class TableWriter<T> implements RecordWriter<T> {
  readonly #writeOut: (text: string) => void | Promise<void>
  readonly #compare: ((left: T, right: T) => number) | undefined
  readonly #limit: number
  #rows: T[] = []
  #received = 0

  constructor(context: SinkWriteContext, compare: ((left: T, right: T) => number) | undefined, limit: number) {
    this.#writeOut = standardOutput(context)
    this.#compare = compare
    this.#limit = limit
  }

  write(records: readonly T[]): void {
    this.#received += records.length
    for (let index = 0; index < records.length; index++) {
      if (this.#compare === undefined && this.#rows.length === this.#limit) return
      this.#rows.push(records[index] as T)
      if (this.#rows.length > 2 * this.#limit) this.#cut()
    }
  }

  finish(): void | Promise<void> {
    this.#cut()
    const left = this.#received - this.#rows.length
    if (this.#received === 0) return this.#writeOut('(no records)\n')
    return this.#writeOut(formatRecords(this.#rows, left))
  }

  #cut(): void {
    if (this.#compare !== undefined) this.#rows.sort(this.#compare)
    this.#rows.length = Math.min(this.#rows.length, this.#limit)
  }
}

function standardOutput(context: SinkWriteContext): (text: string) => void | Promise<void> {
  const { host } = context
  if (host === undefined) throw new SluiceError('SLUICE_ASSERTION', 'print() was placed on a thread without standard output')
  return (text) => host.writeOut(text)
}
