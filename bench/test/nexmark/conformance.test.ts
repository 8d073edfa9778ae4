/**
 * Every query, as a job on workers, against the oracle: full results, in order and out of it, at two parallelisms. At the standard rate all
 * events lie within one window of 10 s; at a low one there are many, and sessions end.
 */
import { existsSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { checkQuery, queryUrl } from '../../nexmark/conformance/run-query.js'
import { packEvents } from '../../nexmark/events/pack-events.js'
import { Oracle } from '../../nexmark/oracle/oracle.js'
import { ALL_QUERIES } from '../../nexmark/queries/result-columns.js'

/** A query takes one or two seconds; one that hangs is stopped. */
const TIME_LIMIT_MS = 30_000

const queries = ALL_QUERIES.filter((query) => existsSync(queryUrl(query)))

test('there is a job for every query', () => {
  expect(ALL_QUERIES.filter((query) => !queries.includes(query))).toEqual([])
})

describe.each([
  { count: 100_000, groupSize: 1, parallelisms: [1, 2] },
  { count: 100_000, groupSize: 1_000, parallelisms: [1, 2] },
  { count: 20_000, rate: 400, groupSize: 777, parallelisms: [2] },
])('%o', ({ parallelisms, ...options }) => {
  const events = packEvents({ flavour: 'BC', ...options })
  const oracle = Oracle.open(events)
  afterAll(async () => (await oracle)[Symbol.asyncDispose]())

  describe.each(parallelisms)('at parallelism %i', (parallelism) => {
    test.for(queries)('%s', { timeout: TIME_LIMIT_MS }, async (query, { signal }) => {
      expect(await checkQuery(query, await oracle, { events, parallelism, signal })).toBeUndefined()
    })
  })
})
