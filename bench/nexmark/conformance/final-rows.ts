/** From what a job gave to the rows of its result: appended rows as they are, changes applied by key. */
import type { Row } from '../oracle/canonical-rows.js'
import type { QueryOutput } from '../queries/query.js'

interface Change {
  readonly op: 'upsert' | 'delete'
  readonly key: unknown
  readonly value: unknown
}

export function finalRows(output: QueryOutput, records: readonly unknown[]): readonly Row[] {
  if (output.kind === 'append') return records as readonly Row[]
  const table = new Map<string, readonly Row[]>()
  for (const record of records) {
    if (!isChange(record)) table.set(keyText(output.key.map((column) => (record as Row)[column])), [record as Row])
    else if (record.op === 'delete') table.delete(keyText(record.key))
    else table.set(keyText(record.key), rowsOf(record.value))
  }
  return [...table.values()].flat()
}

function isChange(record: unknown): record is Change {
  const { op } = record as Partial<Change>
  return op === 'upsert' || op === 'delete'
}

function rowsOf(value: unknown): readonly Row[] {
  if (!Array.isArray(value)) return [value as Row]
  return (value as readonly Row[]).map((row, index) => ({ ...row, rank: index + 1 }))
}

const keyText = (key: unknown): string => JSON.stringify(key)
