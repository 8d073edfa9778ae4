import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emptySet, insert, sizeOf, unite, type ValueSet } from '../../src/aggregate/value-set.js'

const setOf = (values: readonly unknown[]): ValueSet => values.reduce<ValueSet>((set, value) => insert(set, value), emptySet())

const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -80, max: 80 }) },
  { weight: 3, arbitrary: fc.integer({ min: -80, max: 80 }).map((number) => number / 4) },
  fc.constantFrom(-0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MAX_VALUE, 2 ** 31, 2 ** 32 + 1),
  fc.constantFrom('a', '1', true, null, 1n),
)
const list = fc.array(value, { maxLength: 400, size: 'max' })

test('counts what a Set counts, also united, and uniting leaves the right side as it is', () => {
  fc.assert(
    fc.property(list, list, (left, right) => {
      expect(sizeOf(setOf(left))).toBe(new Set(left).size)
      const added = setOf(right)
      const before = structuredClone(added)
      const united = unite(setOf(left), added)
      expect(sizeOf(united)).toBe(new Set([...left, ...right]).size)
      expect(sizeOf(unite(united, setOf(left)))).toBe(sizeOf(united))
      insert(united, 'something else')
      expect(added).toEqual(before)
    }),
  )
})

test('a copy goes on like the original', () => {
  for (const count of [0, 3, 8, 9, 500]) {
    const set = setOf(Array.from({ length: count }, (_, index) => index))
    const copy = structuredClone(set)
    for (const added of [0, 501, 'a']) for (const held of [set, copy]) insert(held, added)
    expect(copy).toEqual(set)
  }
})

test('values are compared as keys are', () => {
  expect(sizeOf(setOf([0, -0, '0', [1, 'a'], [1, 'a'], new Date(5), new Date(5), { b: 1, a: 2 }, { a: 2, b: 1 }]))).toBe(5)
  for (const bad of [Number.NaN, undefined]) {
    expect(() => setOf([bad])).toThrow(expect.objectContaining({ code: 'SLUICE_KEY_INVALID' }))
  }
})
