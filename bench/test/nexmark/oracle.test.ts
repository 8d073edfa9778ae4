import { afterAll, describe, expect, test } from 'vitest'
import { packEvents } from '../../nexmark/events/pack-events.js'
import { canonicalRows, differences } from '../../nexmark/oracle/canonical-rows.js'
import { Oracle } from '../../nexmark/oracle/oracle.js'
import { COMPARED_QUERIES, type ComparedQuery } from '../../nexmark/queries/result-columns.js'

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

describe('row counts of the reference at 100,000 events', () => {
  const oracle = Oracle.open(packEvents({ flavour: 'BC', count: 100_000 }))
  afterAll(async () => (await oracle)[Symbol.asyncDispose]())

  test.each(COMPARED_QUERIES)('%s', async (query) => {
    expect(await (await oracle).answer(query)).toHaveLength(ROWS[query])
  })
})

describe('differences', () => {
  const rows = [
    { category: 10, meanPrice: 1 / 3 },
    { category: 11, meanPrice: 2 },
  ]

  test('order and the last digits of a mean do not count', () => {
    const other = [rows[1] as object, { category: 10, meanPrice: 0.1 + 0.2 + 1 / 30 }] as typeof rows
    expect(differences(canonicalRows('q4', rows), canonicalRows('q4', other))).toBeUndefined()
  })

  test.each([
    ['a missing row', rows.slice(1), /1 are missing, 0 should not[\s\S]*missing: 10 \| 0.333/],
    ['a row too many', [...rows, rows[0] as (typeof rows)[0]], /0 are missing, 1 should not[\s\S]*surplus: 10 \| 0.333/],
    ['another mean', [{ category: 10, meanPrice: 0.3334 }, ...rows.slice(1)], /1 are missing, 1 should not/],
    ['another key', [{ category: 12, meanPrice: 1 / 3 }, ...rows.slice(1)], /surplus: 12/],
  ])('%s is told', (_, other, message) => {
    expect(differences(canonicalRows('q4', rows), canonicalRows('q4', other))).toMatch(message)
  })

  test('a value that is neither a text nor an integer is refused', () => {
    expect(() => canonicalRows('q2', [{ auction: 1.5, price: 1 }])).toThrow(/q2 gives 1.5 as auction/)
    expect(() => canonicalRows('q2', [{ auction: 1 }])).toThrow(/undefined as price/)
  })
})
