/** From what a job gives to the rows of its result: appended rows as they are, changes applied by key. */
import type { Row } from '../oracle/canonical-rows.js'
import type { QueryOutput } from './query-output.js'

interface Change {
  readonly op: 'upsert' | 'delete'
  readonly key: unknown
  readonly value: unknown
}

/** The rows that a key of the table has from now on. */
export interface KeyRows {
  readonly key: string
  readonly rows: readonly Row[]
}

export function finalRows(output: QueryOutput, records: readonly unknown[]): readonly Row[] {
  if (output.kind === 'append') return records as readonly Row[]
  const table = new Map<string, readonly Row[]>()
  for (const record of records) {
    const { key, rows } = changeOf(output.key, record)
    table.set(key, rows)
  }
  return [...table.values()].flat()
}

export function changeOf(keyColumns: readonly string[], record: unknown): KeyRows {
  if (!isChange(record)) return { key: JSON.stringify(keyColumns.map((column) => (record as Row)[column])), rows: [record as Row] }
  return { key: JSON.stringify(record.key), rows: record.op === 'delete' ? [] : rowsOf(record.value) }
}

function isChange(record: unknown): record is Change {
  const { op } = record as Partial<Change>
  return op === 'upsert' || op === 'delete'
}

function rowsOf(value: unknown): readonly Row[] {
  if (!Array.isArray(value)) return [value as Row]
  return (value as readonly Row[]).map((row, index) => ({ ...row, rank: index + 1 }))
}
