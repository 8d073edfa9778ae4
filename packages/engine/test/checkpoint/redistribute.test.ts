import fc from 'fast-check'
import { expect, test } from 'vitest'
import { groupsOf, shareOf, unionOf, watermarkOf } from '../../src/checkpoint/redistribute.js'
import { subtaskOf } from '../../src/key/index.js'

const sizes = fc.record({ groups: fc.integer({ min: 1, max: 300 }), parallelism: fc.integer({ min: 1, max: 320 }) })

test('a key group belongs to the subtask that gets its records', () => {
  fc.assert(
    fc.property(sizes, ({ groups, parallelism }) => {
      const owners = Array.from({ length: groups }, () => -1)
      for (let index = 0; index < parallelism; index++) {
        const { from, to } = groupsOf(index, parallelism, groups)
        for (let group = from; group < to; group++) {
          expect(owners[group]).toBe(-1)
          owners[group] = index
        }
      }
      expect(owners).toEqual(owners.map((_, group) => subtaskOf(group, parallelism, groups)))
    }),
  )
})

const parallelisms = fc.record({ before: fc.integer({ min: 1, max: 40 }), after: fc.integer({ min: 1, max: 40 }) })

test('every section goes to exactly one subtask, and to its own at the same parallelism', () => {
  fc.assert(
    fc.property(parallelisms, ({ before, after }) => {
      const sections = Array.from({ length: before }, (_, index) => ({ index, parallelism: before, value: index })).reverse()
      const shares = Array.from({ length: after }, (_, index) => shareOf(sections, index, after).map(({ value }) => value))
      expect(shares.flat().sort((a, b) => a - b)).toEqual(sections.map(({ value }) => value).reverse())
      if (before === after) expect(shares).toEqual(shares.map((_, index) => [index]))
      for (const share of shares) expect(share).toEqual([...share].sort((a, b) => a - b))
      expect(unionOf(sections).map(({ value }) => value)).toEqual([...sections.keys()])
    }),
  )
})

test('event time goes on where it stood, or at the least of all', () => {
  const watermarks = [30, 10, 20].map((value, index) => ({ index, parallelism: 3, value }))
  expect([0, 1, 2].map((index) => watermarkOf(watermarks, index, 3))).toEqual([30, 10, 20])
  expect([0, 1].map((index) => watermarkOf(watermarks, index, 2))).toEqual([10, 10])
  expect(watermarkOf([], 0, 2)).toBe(Number.NEGATIVE_INFINITY)
})
