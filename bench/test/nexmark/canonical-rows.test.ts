import { describe, expect, test } from 'vitest'
import { canonicalRows, differences } from '../../nexmark/oracle/canonical-rows.js'

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
