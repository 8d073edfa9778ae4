/**
 * Results in one form, whoever gave them: a line of text per row for what is exact, beside it the means, which are not; sorted by line. Two
 * results are the same multiset where their lines are equal one by one and their means close.
 */
import { type ComparedQuery, meanColumns, resultColumns } from '../queries/result-columns.js'

export type Row = Readonly<Record<string, unknown>>

export interface CanonicalRow {
  readonly line: string
  readonly means: readonly number[]
}

const SEPARATOR = ' | '

/** @throws TypeError where a row lacks a column or has a value that is no text and no exact number. */
export function canonicalRows(query: ComparedQuery, rows: Iterable<Row>): CanonicalRow[] {
  const means: readonly string[] = meanColumns[query] ?? []
  const lineOf = exactLine(query)
  const canonical: CanonicalRow[] = []
  for (const row of rows) canonical.push({ line: lineOf(row), means: means.map((column) => Number(row[column])) })
  return canonical.sort((left, right) => (left.line < right.line ? -1 : left.line > right.line ? 1 : 0))
}

/** Gives the line of a row: all columns but means. */
export function exactLine(query: ComparedQuery): (row: Row) => string {
  const means: readonly string[] = meanColumns[query] ?? []
  const exact = resultColumns[query].filter((column: string) => !means.includes(column))
  return (row) => exact.map((column) => exactText(query, column, row[column])).join(SEPARATOR)
}

function exactText(query: string, column: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return String(value)
  throw new TypeError(`${query} gives ${String(value)} as ${column}: a text or an integer is due`)
}

const MEAN_TOLERANCE = 1e-9
/** Rows shown of each side of a difference. */
const SHOWN = 5

/** What differs, in lines to read; undefined where nothing does. */
export function differences(expected: readonly CanonicalRow[], actual: readonly CanonicalRow[]): string | undefined {
  const missing: CanonicalRow[] = []
  const surplus: CanonicalRow[] = []
  let left = 0
  let right = 0
  while (left < expected.length || right < actual.length) {
    const wanted = expected[left]
    const got = actual[right]
    if (wanted !== undefined && got !== undefined && wanted.line === got.line) {
      if (!meansAgree(wanted.means, got.means)) {
        missing.push(wanted)
        surplus.push(got)
      }
      left++
      right++
    } else if (got === undefined || (wanted !== undefined && wanted.line < got.line)) {
      missing.push(wanted as CanonicalRow)
      left++
    } else {
      surplus.push(got)
      right++
    }
  }
  if (missing.length === 0 && surplus.length === 0) return undefined
  return [
    `${expected.length} rows expected, ${actual.length} came; ${missing.length} are missing, ${surplus.length} should not be there`,
    ...missing.slice(0, SHOWN).map((row) => `  missing: ${shown(row)}`),
    ...surplus.slice(0, SHOWN).map((row) => `  surplus: ${shown(row)}`),
  ].join('\n')
}

function meansAgree(expected: readonly number[], actual: readonly number[]): boolean {
  return expected.every((mean, index) => Math.abs(mean - (actual[index] as number)) <= MEAN_TOLERANCE * Math.abs(mean))
}

const shown = ({ line, means }: CanonicalRow): string => [line, ...means].join(SEPARATOR)
