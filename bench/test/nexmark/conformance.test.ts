/**
 * Every query, as a hand-written loop and as a job on workers, against the oracle: full results, in order and out of it, jobs at two parallelisms. At the
 * standard rate all events lie within one window of 10 s; at a low one there are many, and sessions end. What events cost to make, and their answers to read,
 * is paid once: so whatever is held against the answers of the same events stands here.
 */
import { existsSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { checkQuery, queryUrl } from '../../nexmark/conformance/run-query.js'
import { OpenedEvents } from '../../nexmark/events/opened-events.js'
import { packEvents } from '../../nexmark/events/pack-events.js'
import { runLoop } from '../../nexmark/loops/all-loops.js'
import { canonicalRows, differences, type Row } from '../../nexmark/oracle/canonical-rows.js'
import { Oracle } from '../../nexmark/oracle/oracle.js'
import { ALL_QUERIES, COMPARED_QUERIES, type ComparedQuery } from '../../nexmark/queries/result-columns.js'

/** Of the reference, at 100,000 events. */
const ROWS: { readonly [Q in ComparedQuery]: number } = {
  q0: 92_000,
  q1: 92_000,
  q2: 351,
  q3: 580,
  q4: 5,
  q5: 15,
  q6: 772,
  q7: 1,
  q8: 902,
  q9: 4_052,
  q11: 1_919,
  q13: 92_000,
  q14: 26_069,
  q15: 1,
  q16: 9_891,
  q17: 4_657,
  q18: 25_248,
  q19: 35_135,
  q20: 14_419,
  q21: 87_427,
  q22: 92_000,
  q23: 147_405,
}

const queries = ALL_QUERIES.filter((query) => existsSync(queryUrl(query)))

test('there is a job for every query', () => {
  expect(ALL_QUERIES.filter((query) => !queries.includes(query))).toEqual([])
})

/** The last two span several windows, and sessions that end; the very last is out of step with the blocks. */
describe.each([
  { count: 100_000, groupSize: 1, parallelisms: [1, 2], rows: Object.entries(ROWS) },
  { count: 100_000, groupSize: 1_000, parallelisms: [1, 2], rows: [] },
  { count: 30_000, rate: 400, groupSize: 1, parallelisms: [], rows: [] },
  { count: 30_000, rate: 400, groupSize: 777, parallelisms: [2], rows: [] },
])('$count events, rate $rate, in groups of $groupSize', ({ parallelisms, rows, ...options }) => {
  const events = packEvents({ flavour: 'BC', ...options })
  const oracle = Oracle.open(events)
  afterAll(async () => (await oracle)[Symbol.asyncDispose]())

  test.each(rows)('the oracle has as many rows as the reference: %s', async (query, count) => {
    expect(await (await oracle).answer(query as ComparedQuery)).toHaveLength(count)
  })

  test.each(COMPARED_QUERIES)('the hand-written loop gives what the oracle gives: %s', async (query) => {
    const given: Row[] = []
    runLoop(query, new OpenedEvents(events), (row) => given.push(row as unknown as Row))
    expect(differences(await (await oracle).answer(query), canonicalRows(query, given))).toBeUndefined()
  })

  describe.each(parallelisms)('at parallelism %i', (parallelism) => {
    test.for(queries)('%s', async (query, { signal }) => {
      expect(await checkQuery(query, await oracle, { events, parallelism, signal })).toBeUndefined()
    })
  })
})
