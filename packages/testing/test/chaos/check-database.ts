/** What the database must hold when the job has ended: lost, doubled, out of order, wrong. Pure. */
import type { Database } from './database.js'
import { allRecords, type Numbered, type Shape, WINDOW_MS } from './numbered-job.js'

interface CountedRecord extends Numbered {
  readonly count: number
  /** The number of its lane that came before it, -1: none. */
  readonly before: number
  /** The watermark was behind what the state of the key says it was. */
  readonly timeWentBack: boolean
}

interface Window {
  readonly key: number
  readonly window: { readonly start: number; readonly end: number }
  readonly records: number
  readonly total: number
}

export interface Guarantees {
  /** Each record counts once; otherwise at least once. */
  readonly exactlyOnce: boolean
  /** Records of a lane stay in order. */
  readonly ordered: boolean
  /** Event time never goes back. */
  readonly timeGoesOn: boolean
}

const WRONGS_MAX = 8

/** Sentences; empty where everything is as it must be. */
export function checkDatabase(database: Database, shape: Shape, guarantees: Guarantees): readonly string[] {
  const wrongs = [...database.wrongs]
  const rows = <T>(table: string): T[] => database.rows(table).map(({ value }) => value as T)
  const records = rows<CountedRecord>('records')
  const all = allRecords(shape)
  if (rows('late').length > 0) wrongs.push(`${rows('late').length} records are late, none should be`)
  wrongs.push(...checkEach(records, all, guarantees.exactlyOnce))
  if (guarantees.ordered) wrongs.push(...checkOrder(records))
  if (guarantees.timeGoesOn) {
    const back = records.filter(({ timeWentBack }) => timeWentBack).length
    if (back > 0) wrongs.push(`event time went back for ${back} records`)
  }
  if (guarantees.exactlyOnce) {
    wrongs.push(...checkCounts(records, all))
    wrongs.push(
      ...compare(
        'timer',
        rows<{ key: number; time: number }>('timers').map(({ key, time }) => `${key}@${time}`),
        timersOf(all),
      ),
    )
    wrongs.push(...compare('window', rows<Window>('windows').map(textOf), windowsOf(all, shape)))
  } else wrongs.push(...checkCovered(rows<Window>('windows'), all, shape))
  return wrongs.slice(0, WRONGS_MAX)
}

/** Sentences of how two databases differ; rows have no order. `exactlyOnce`: otherwise more may be there, but nothing less. */
export function compareDatabases(actual: Database, expected: Database, tables: readonly string[], exactlyOnce: boolean): readonly string[] {
  const texts = (database: Database, table: string): readonly string[] => database.rows(table).map(({ value }) => JSON.stringify(value))
  const wrongs = tables.flatMap((table) => compare(table, texts(actual, table), texts(expected, table)))
  const missing = tables
    .filter((table) => table !== 'late' && expected.rows(table).length === 0)
    .map((table) => `nothing is expected of ${table}`)
  return [...actual.wrongs, ...missing, ...(exactlyOnce ? wrongs : [])].slice(0, WRONGS_MAX)
}

function checkEach(records: readonly CountedRecord[], all: readonly Numbered[], once: boolean): readonly string[] {
  const seen = new Map<string, number>()
  for (const { source, n } of records) seen.set(`${source}/${n}`, (seen.get(`${source}/${n}`) ?? 0) + 1)
  return all.flatMap(({ source, n }) => {
    const times = seen.get(`${source}/${n}`) ?? 0
    if (times === 0) return [`${source}/${n} is lost`]
    return once && times > 1 ? [`${source}/${n} is there ${times} times`] : []
  })
}

function checkOrder(records: readonly CountedRecord[]): readonly string[] {
  const last = new Map<string, number>()
  return records.flatMap(({ source, lane, key, n, before }) => {
    const name = `${source}/${lane}/${key}`
    const expected = last.get(name) ?? -1
    last.set(name, n)
    if (n < expected) return [`${source}/${n} of lane ${lane} comes behind ${expected}`]
    return before > n ? [`state saw ${source}/${n} of lane ${lane} behind ${before}`] : []
  })
}

/** The count in the state of a key goes up by one with every record of the key. */
function checkCounts(records: readonly CountedRecord[], all: readonly Numbered[]): readonly string[] {
  const perKey = new Map<number, number[]>()
  for (const { key, count } of records) perKey.set(key, [...(perKey.get(key) ?? []), count])
  return [...new Set(all.map(({ key }) => key))].flatMap((key) => {
    const counts = (perKey.get(key) ?? []).sort((left, right) => left - right)
    const wrong = counts.findIndex((count, at) => count !== at + 1)
    return wrong < 0 ? [] : [`the state of key ${key} counts ${counts[wrong]} where it must count ${wrong + 1}`]
  })
}

function timersOf(all: readonly Numbered[]): readonly string[] {
  return [...new Set(all.map(({ key, time }) => `${key}@${Math.floor(time / WINDOW_MS) * WINDOW_MS + WINDOW_MS}`))]
}

function textOf({ key, window, records, total }: Window): string {
  return `${key}@${window.start}..${window.end}: ${records} records, ${total}`
}

function expectedWindows(all: readonly Numbered[], shape: Shape): readonly Window[] {
  const sizeMs = shape.windows === 'tumbling' ? WINDOW_MS : 2 * WINDOW_MS
  const windows = new Map<string, Window>()
  for (const { key, time, n } of all) {
    const newest = Math.floor(time / WINDOW_MS) * WINDOW_MS
    for (let start = newest; start > time - sizeMs; start -= WINDOW_MS) {
      const name = `${key}@${start}`
      const before = windows.get(name)
      const window = { start, end: start + sizeMs }
      windows.set(name, { key, window, records: (before?.records ?? 0) + 1, total: (before?.total ?? 0) + n })
    }
  }
  return [...windows.values()]
}

function windowsOf(all: readonly Numbered[], shape: Shape): readonly string[] {
  return expectedWindows(all, shape).map(textOf)
}

/** Every window was given with at least its records. */
function checkCovered(windows: readonly Window[], all: readonly Numbered[], shape: Shape): readonly string[] {
  const most = new Map<string, number>()
  for (const { key, window, records } of windows) {
    const name = `${key}@${window.start}`
    most.set(name, Math.max(most.get(name) ?? 0, records))
  }
  return expectedWindows(all, shape).flatMap(({ key, window, records }) => {
    const given = most.get(`${key}@${window.start}`) ?? 0
    return given < records ? [`window ${key}@${window.start} has ${given} of ${records} records`] : []
  })
}

function compare(what: string, actual: readonly string[], expected: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const text of expected) counts.set(text, (counts.get(text) ?? 0) - 1)
  for (const text of actual) counts.set(text, (counts.get(text) ?? 0) + 1)
  return [...counts].flatMap(([text, count]) => {
    if (count === 0) return []
    return [count < 0 ? `${what} ${text} is lost` : `${what} ${text} is there ${count} times too often`]
  })
}
