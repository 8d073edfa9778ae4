/** Records as a table of text: a column per property, numbers to the right. Pure. */
import { JsonText } from './json-text.js'

const CELL_LENGTH_MAX = 40

/** The lines of a table, each with its line break. Columns stand in the order in which the records name them. */
export function tableText(records: readonly unknown[]): string {
  const columns = [...new Set(records.flatMap((record) => (isObject(record) ? Object.keys(record) : ['value'])))]
  const json = new JsonText()
  const rows = records.map((record) =>
    columns.map((column) => cellText(isObject(record) ? record[column] : column === 'value' ? record : undefined, json)),
  )
  const isNumeric = columns.map((column) => records.every((record) => isNumberOrMissing(isObject(record) ? record[column] : record)))
  const widths = columns.map((column, index) => Math.max(column.length, ...rows.map((row) => (row[index] as string).length)))
  const line = (cells: readonly string[]): string =>
    `${cells
      .map((cell, index) => (isNumeric[index] === true ? cell.padStart(widths[index] as number) : cell.padEnd(widths[index] as number)))
      .join('  ')
      .trimEnd()}\n`
  return [line(columns), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('')
}

function cellText(value: unknown, json: JsonText): string {
  if (value === undefined || value === null) return ''
  const text =
    typeof value === 'string'
      ? value
      : typeof value === 'number'
        ? String(value)
        : value instanceof Date
          ? json.stringify(value).slice(1, -1)
          : json.stringify(value)
  const oneLine = text.replace(/[\r\n\t]+/g, ' ')
  return oneLine.length <= CELL_LENGTH_MAX ? oneLine : `${oneLine.slice(0, CELL_LENGTH_MAX - 3)}...`
}

function isObject(record: unknown): record is Record<string, unknown> {
  return typeof record === 'object' && record !== null && !Array.isArray(record) && !(record instanceof Date)
}

function isNumberOrMissing(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'number' || typeof value === 'bigint'
}
