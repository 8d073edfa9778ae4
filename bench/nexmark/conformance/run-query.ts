/** Runs one query as a job on workers and holds its whole result against the oracle. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Job, run } from 'sluice'
import { OpenedEvents } from '../events/opened-events.js'
import { type CanonicalRow, canonicalRows, differences, type Row } from '../oracle/canonical-rows.js'
import type { Oracle } from '../oracle/oracle.js'
import type { QueryOutput } from '../queries/query-output.js'
import { isCompared } from '../queries/result-columns.js'
import { finalRows } from '../queries/final-rows.js'

export interface RunQueryOptions {
  readonly events: SharedArrayBuffer
  readonly parallelism: number
  /** Stops the job: whoever gives up on it must not leave its threads running. */
  readonly signal?: AbortSignal | undefined
}

export interface QueryModule {
  readonly default: Job<unknown, unknown>
  readonly output: QueryOutput
}

/** The module of a query, `.ts` beside a source, `.js` beside what was compiled. */
export function queryUrl(query: string): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`../queries/${query}.${extension}`, import.meta.url)
}

/** How far events may be out of order, in ms of event time: as far as a group reaches. */
export function outOfOrdernessOf(events: SharedArrayBuffer): number {
  const { groupSize, rate, generators } = new OpenedEvents(events).header.options
  return groupSize === 1 && generators === 1 ? 0 : Math.ceil((groupSize * generators * 1000) / rate)
}

/** What differs from the oracle, in lines to read; undefined where the result is right. */
export async function checkQuery(query: string, oracle: Oracle, options: RunQueryOptions): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'nexmark-'))
  try {
    const records = await runQuery(query, folder, options)
    if (query === 'q10') return await checkFiles(folder, oracle)
    if (query === 'q12') return await checkCounts(records, oracle)
    if (!isCompared(query)) throw new RangeError(`there is no query ${query}`)
    const { output } = (await import(queryUrl(query).href)) as QueryModule
    return differences(await oracle.answer(query), canonicalRows(query, finalRows(output, records)))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function runQuery(query: string, folder: string, options: RunQueryOptions): Promise<readonly unknown[]> {
  const { events, parallelism, signal } = options
  const handle = run(queryUrl(query), {
    params: { events, splits: parallelism, outOfOrdernessMs: outOfOrdernessOf(events), folder },
    workers: parallelism,
    parallelism,
    collect: true,
    report: '1h',
  })
  const stop = (): void => void handle.stop()
  signal?.addEventListener('abort', stop)
  const { outputs } = await handle.finished.finally(() => signal?.removeEventListener('abort', stop))
  return (outputs as { readonly result?: readonly unknown[] }).result ?? []
}

/** Query 12 depends on the clock, but not in how many bids each bidder has over all windows. */
async function checkCounts(records: readonly unknown[], oracle: Oracle): Promise<string | undefined> {
  const counts = new Map<number, number>()
  for (const { bidder, bids } of records as readonly { readonly bidder: number; readonly bids: number }[]) {
    counts.set(bidder, (counts.get(bidder) ?? 0) + bids)
  }
  const actual = [...counts].map(([bidder, bids]) => ({ line: `${bidder} | ${bids}`, means: [] }))
  return differences(await oracle.bidsPerBidder(), sorted(actual))
}

/** Query 10 writes all bids as JSON lines under `<day>/<HH-mm>`, whatever the files are called. */
async function checkFiles(folder: string, oracle: Oracle): Promise<string | undefined> {
  const rows: Row[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name).slice(folder.length + 1)
    for (const line of (await readFile(join(folder, path), 'utf8')).split('\n')) {
      if (line === '') continue
      const row = JSON.parse(line) as Row
      const time = new Date(Number(row['dateTime'])).toISOString()
      const partition = `${time.slice(0, 10)}/${time.slice(11, 16).replace(':', '-')}`
      if (!path.replaceAll('\\', '/').startsWith(partition)) return `${path} has a bid of ${time}, which belongs into ${partition}`
      rows.push(row)
    }
  }
  return differences(await oracle.answer('q0'), canonicalRows('q0', rows))
}

function sorted(rows: readonly CanonicalRow[]): readonly CanonicalRow[] {
  return [...rows].sort((left, right) => (left.line < right.line ? -1 : 1))
}
