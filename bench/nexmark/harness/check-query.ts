/** Whether a query's result is right: as full rows against the oracle, or, where there are many events, by checksum against the loop. */
import { checkQuery, queryUrl, type QueryModule } from '../conformance/run-query.js'
import { Oracle } from '../oracle/oracle.js'
import { isCompared } from '../queries/result-columns.js'
import { type EventFileOptions, loadEvents } from './event-file.js'
import { runJob } from './measure-job.js'
import { checksumLoop } from './measure-loop.js'
import type { CheckResult } from './query-measurement.js'

/** Events up to which full rows are compared. */
export const ORACLE_EVENTS_MAX = 200_000

export async function checkResult(query: string, options: EventFileOptions, parallelism: number): Promise<CheckResult> {
  if (options.count <= ORACLE_EVENTS_MAX || !isCompared(query)) {
    const count = Math.min(options.count, ORACLE_EVENTS_MAX)
    const events = loadEvents({ ...options, count })
    await using oracle = await Oracle.open(events)
    const difference = await checkQuery(query, oracle, { events, parallelism })
    return { against: `oracle, all rows${count < options.count ? ` of ${count} events` : ''}`, difference }
  }
  const events = loadEvents(options)
  const { output } = (await import(queryUrl(query).href)) as QueryModule
  const { results } = await runJob({
    query,
    events,
    count: options.count,
    parallelism,
    sink: (board) => ({ kind: 'checksum', board, query, output }),
  })
  const expected = checksumLoop(query, events)
  const equal = expected.rows === results.rows && expected.checksum === results.checksum
  const difference = equal
    ? undefined
    : `${expected.rows} rows with checksum ${expected.checksum} expected, ${results.rows} with ${results.checksum} came`
  return { against: 'loop, rows and checksum', difference }
}
