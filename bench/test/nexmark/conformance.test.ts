/** Every query, as a job on workers, against the oracle: full results, at two parallelisms, in order and out of it. */
import { existsSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { checkQuery, queryUrl } from '../../nexmark/conformance/run-query.js'
import { packEvents } from '../../nexmark/events/pack-events.js'
import { Oracle } from '../../nexmark/oracle/oracle.js'
import { ALL_QUERIES } from '../../nexmark/queries/result-columns.js'

const EVENTS = 100_000

test('there is a job for every query', () => {
  expect(ALL_QUERIES.filter((query) => !existsSync(queryUrl(query)))).toEqual([])
})

describe.each([1, 1_000])('events in groups of %i', (groupSize) => {
  const events = packEvents({ flavour: 'BC', count: EVENTS, groupSize })
  const oracle = Oracle.open(events)
  afterAll(async () => (await oracle)[Symbol.asyncDispose]())

  describe.each([1, 2])('at parallelism %i', (parallelism) => {
    test.each(ALL_QUERIES.filter((query) => existsSync(queryUrl(query))))('%s', async (query) => {
      const difference = await checkQuery(query, await oracle, { events, groupSize, parallelism })
      expect(difference).toBeUndefined()
    })
  })
})
