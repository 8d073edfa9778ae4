/** Records as a table of text, for people: one column per field of the first records, numbers to the right. Pure. */

/** Columns shown at most; records with more fields belong into a file. */
const COLUMNS_MAX = 32
const CELL_WIDTH_MAX = 60

/** A header, a line per record; `more` says how many records are not shown. */
export function formatRecords(records: readonly unknown[], more: number): string {
  const columns = columnsOf(records)
  const rows = records.map((record) => columns.map((column) => cell(fieldOf(record, column))))
  const numeric = columns.map((column) => records.every((record) => isNumeric(fieldOf(record, column))))
  const widths = columns.map((column, index) => Math.max(column.length, ...rows.map((row) => row[index]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((text, index) => (numeric[index] === true ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd()
  const lines = [line(columns), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)]
  if (more > 0) lines.push(`... and ${more.toLocaleString('en-US')} more`)
  return `${lines.join('\n')}\n`
}

function columnsOf(records: readonly unknown[]): string[] {
  const columns = new Set<string>()
  for (const record of records) {
    if (!hasFields(record)) columns.add('value')
    else for (const key of Object.keys(record)) if (columns.size < COLUMNS_MAX) columns.add(key)
  }
  return [...columns]
}

function fieldOf(record: unknown, column: string): unknown {
  if (hasFields(record)) return record[column]
  return column === 'value' ? record : undefined
}

function hasFields(record: unknown): record is Record<string, unknown> {
  return typeof record === 'object' && record !== null && !Array.isArray(record) && !(record instanceof Date)
}

function isNumeric(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'number' || typeof value === 'bigint'
}

function cell(value: unknown): string {
  const text = plainText(value)
  return text.length > CELL_WIDTH_MAX ? `${text.slice(0, CELL_WIDTH_MAX - 1)}…` : text
}

function plainText(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'number') return Number.isInteger(value) ? value.toLocaleString('en-US') : String(value)
  if (typeof value === 'string') return value.replaceAll(/\s+/g, ' ')
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  return typeof value === 'object'
    ? JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner))
    : typeof value
}
