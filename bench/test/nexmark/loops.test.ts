import { afterAll, describe, expect, test } from 'vitest'
import { OpenedEvents } from '../../nexmark/events/opened-events.js'
import { packEvents } from '../../nexmark/events/pack-events.js'
import { runLoop } from '../../nexmark/loops/all-loops.js'
import { canonicalRows, differences, type Row } from '../../nexmark/oracle/canonical-rows.js'
import { Oracle } from '../../nexmark/oracle/oracle.js'
import { COMPARED_QUERIES } from '../../nexmark/queries/result-columns.js'

/** The last two span several windows, and sessions that end; at the low rate out of step with the blocks. */
describe.each([
  { count: 100_000 },
  { count: 100_000, groupSize: 1_000 },
  { count: 30_000, rate: 400 },
  { count: 30_000, rate: 400, groupSize: 777 },
])('hand-written loops give what the oracle gives: %o', (options) => {
  const events = packEvents({ flavour: 'BC', ...options })
  const oracle = Oracle.open(events)
  afterAll(async () => (await oracle)[Symbol.asyncDispose]())

  test.each(COMPARED_QUERIES)('%s', async (query) => {
    const rows: Row[] = []
    runLoop(query, new OpenedEvents(events), (row) => rows.push(row as unknown as Row))
    expect(differences(await (await oracle).answer(query), canonicalRows(query, rows))).toBeUndefined()
  })
})
