/** Sinks of jobs that are measured or checked: each subtask handles its own results, nothing is sent to one place. */
import { defineSink, type RecordWriter, type Sink } from 'sluice'
import { exactLine, type Row } from '../oracle/canonical-rows.js'
import { changeOf } from './final-rows.js'
import type { QueryOutput } from './query-output.js'
import { hashLine, ResultWriter } from './result-board.js'
import type { ComparedQuery } from './result-columns.js'

/** Counts results. */
export function toCount(board: SharedArrayBuffer): Sink<unknown> {
  return defineSink<unknown>({
    open: () => {
      const results = new ResultWriter(board)
      return { write: (records) => results.add(records.length, 0), finish: () => results.end() }
    },
    options: { type: 'count' },
  })
}

/** Adds up hashes of all rows of the final result. Changes of a key must meet in one subtask, as they do behind a keyed operator. */
export function toChecksum(board: SharedArrayBuffer, query: ComparedQuery, output: QueryOutput): Sink<unknown> {
  return defineSink<unknown>({
    open: () => (output.kind === 'append' ? appended(board, query) : new TableWriter(board, query, output.key)),
    options: { type: 'checksum', query },
  })
}

function appended(board: SharedArrayBuffer, query: ComparedQuery): RecordWriter<unknown> {
  const results = new ResultWriter(board)
  const lineOf = exactLine(query)
  return {
    write(records) {
      let sum = 0
      for (const record of records) sum = (sum + hashLine(lineOf(record as Row))) | 0
      results.add(records.length, sum)
    },
    finish: () => results.end(),
  }
}

interface KeySum {
  readonly rows: number
  readonly sum: number
}

class TableWriter implements RecordWriter<unknown> {
  readonly #results: ResultWriter
  readonly #lineOf: (row: Row) => string
  readonly #keyColumns: readonly string[]
  readonly #table = new Map<string, KeySum>()

  constructor(board: SharedArrayBuffer, query: ComparedQuery, keyColumns: readonly string[]) {
    this.#results = new ResultWriter(board)
    this.#lineOf = exactLine(query)
    this.#keyColumns = keyColumns
  }

  write(records: readonly unknown[]): void {
    for (const record of records) {
      const { key, rows } = changeOf(this.#keyColumns, record)
      this.#table.set(key, { rows: rows.length, sum: rows.reduce((sum, row) => (sum + hashLine(this.#lineOf(row))) | 0, 0) })
    }
  }

  finish(): void {
    for (const { rows, sum } of this.#table.values()) this.#results.add(rows, sum)
    this.#results.end()
  }
}
