/** What disturbed processes have left against what an undisturbed one leaves: nothing lost, nothing doubled, nothing out of order, the same state. Pure. */
import { filedRecord, indexedRecord, type Numbered } from './jobs/numbered.js'
import type { Left, Row } from './read-output.js'
import type { Shape } from './scenario.js'

const FILES = 3
const EXAMPLES = 4

export interface Wrongs {
  readonly lost: number
  readonly doubled: number
  readonly outOfOrder: number
  /** Sentences; empty where everything is as it must be. */
  readonly texts: readonly string[]
}

/** Every record that the sources give. */
function allRecords({ sources, records, fileRecords, keys }: Shape): readonly Numbered[] {
  const names = { jsonl: 'lines', csv: 'table', parquet: 'columns' } as const
  return sources.flatMap((kind) => {
    if (kind === 'generate') return Array.from({ length: records }, (_, n) => indexedRecord(n, keys))
    return fileRecordsOf(names[kind as keyof typeof names], fileRecords, keys).flat()
  })
}

/** By file. */
export function fileRecordsOf(source: string, count: number, keys: number): readonly (readonly Numbered[])[] {
  return Array.from({ length: FILES }, (_, file) => Array.from({ length: count }, (__, at) => filedRecord(source, file, at, keys)))
}

/** Whether records of a lane stay in order in front of the keyed state. */
function keepsOrder({ async, rebalance }: Shape): boolean {
  return async !== 'unordered' && !rebalance
}

export function checkLeft(left: Left, reference: Left, shape: Shape): Wrongs {
  const texts: string[] = [...left.leftovers]
  let lost = 0
  let doubled = 0
  const hold = (name: string, actual: readonly string[], expected: readonly string[]): void => {
    const difference = compare(actual, expected)
    lost += difference.missing.length
    doubled += difference.extra.length
    texts.push(...tell(`${name}: lost`, difference.missing), ...tell(`${name}: doubled or wrong`, difference.extra))
  }
  const records = left.outputs.get('records') ?? []
  const ordered = keepsOrder(shape)
  hold('records', records.map(ordered ? recordText : withoutCount), expectedRecords(shape, ordered))
  for (const [name, rows] of reference.outputs) {
    if (name !== 'records') hold(name, (left.outputs.get(name) ?? []).map(rowText), rows.map(rowText))
  }
  for (const name of left.outputs.keys()) if (!reference.outputs.has(name)) texts.push(`${name} is written, and nothing should be`)
  const outOfOrder = ordered ? findDisorder(records) : []
  texts.push(...tell('out of order', outOfOrder))
  const state = compare(left.state, reference.state)
  texts.push(...tell('state: missing', state.missing), ...tell('state: wrong', state.extra))
  return { lost, doubled, outOfOrder: outOfOrder.length, texts }
}

function expectedRecords(shape: Shape, counted: boolean): readonly string[] {
  const counts = new Map<string, number>()
  return allRecords(shape).map((record) => {
    const place = `${record.source}/${record.lane}/${record.key}`
    const records = (counts.get(place) ?? 0) + 1
    counts.set(place, records)
    const { source, n, lane, key, time } = record
    const row = asRow({ source, n, lane, key, time, records })
    return counted ? recordText(row) : withoutCount(row)
  })
}

function asRow(record: object): Row {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, String(value)]))
}

function recordText(row: Row): string {
  return rowText(row)
}

function withoutCount({ records: _records, ...row }: Row): string {
  return rowText(row)
}

function rowText(row: Row): string {
  return Object.entries(row)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(' ')
}

/** Records of a lane and key are written in the order of their numbers. */
function findDisorder(rows: readonly Row[]): readonly string[] {
  const last = new Map<string, number>()
  return rows.flatMap(({ source, lane, key, n }) => {
    const name = `${source}/${lane}/${key}`
    const number = Number(n)
    const before = last.get(name) ?? -1
    last.set(name, number)
    return number < before ? [`${name}: ${number} behind ${before}`] : []
  })
}

interface Difference {
  readonly missing: readonly string[]
  readonly extra: readonly string[]
}

/** As multisets. */
function compare(actual: readonly string[], expected: readonly string[]): Difference {
  const counts = new Map<string, number>()
  for (const text of expected) counts.set(text, (counts.get(text) ?? 0) - 1)
  for (const text of actual) counts.set(text, (counts.get(text) ?? 0) + 1)
  const pick = (sign: number): string[] =>
    [...counts].flatMap(([text, count]) => Array.from({ length: Math.max(0, count * sign) }, () => text))
  return { missing: pick(-1), extra: pick(1) }
}

function tell(what: string, found: readonly string[]): readonly string[] {
  if (found.length === 0) return []
  const examples = found.slice(0, EXAMPLES).map((text) => `\n    ${text}`)
  return [`${what}: ${found.length}${examples.join('')}`]
}
