import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalKey } from '../../src/key/index.js'
import type { NumberColumn, ValueColumn } from '../../src/state/column.js'
import { KeyTable } from '../../src/state/key-table.js'

const keys = fc.oneof(
  fc.integer({ min: -20, max: 20 }),
  fc.double({ noNaN: true }),
  fc.constantFrom(-0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53, -(2 ** 31)),
  fc.string({ maxLength: 3 }),
  fc.boolean(),
  fc.bigInt({ min: -3n, max: 3n }),
  fc.constant(null),
  fc.tuple(fc.integer({ min: 0, max: 3 }), fc.string({ maxLength: 1 })),
)

test('a table does what a Map of canonical keys does, through inserts, removals and growth', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('set', 'set', 'set', 'remove', 'clear-rarely'), keys, fc.integer()), { maxLength: 400 }),
      (steps) => {
        const table = new KeyTable(['number', 'value'])
        const model = new Map<unknown, { key: unknown; number: number }>()
        for (const [index, [action, key, number]] of steps.entries()) {
          const canonical = canonicalKey(key)
          const known = model.get(canonical)
          if (action === 'set') {
            const slot = table.slotOf(key)
            expect(table.created).toBe(known === undefined)
            ;(table.columns[0] as NumberColumn).values[slot] = number
            ;(table.columns[1] as ValueColumn).values[slot] = `${number}`
            model.set(canonical, { key: known?.key ?? key, number })
          } else if (action === 'remove') {
            const slot = table.find(key)
            expect(slot >= 0).toBe(known !== undefined)
            if (slot >= 0) table.remove(slot)
            model.delete(canonical)
          } else if (index % 50 === 49) {
            table.clear()
            model.clear()
          }
          expect(table.size).toBe(model.size)
        }
        for (const { key, number } of model.values()) {
          const slot = table.find(key)
          expect(table.has(slot)).toBe(true)
          expect(canonicalKey(table.keyAt(slot))).toBe(canonicalKey(key))
          expect(table.columns[0]?.values[slot]).toBe(number)
          expect(table.columns[1]?.values[slot]).toBe(`${number}`)
        }
        let live = 0
        for (let slot = table.next(0); slot >= 0; slot = table.next(slot + 1)) if (table.has(slot)) live++
        expect(live).toBe(model.size)
      },
    ),
  )
})

test('many keys are all found again', () => {
  const table = new KeyTable(['number'])
  for (let key = 0; key < 50_000; key++) {
    const slot = table.slotOf(key * 7)
    ;(table.columns[0] as NumberColumn).values[slot] = key
  }
  for (let key = 0; key < 50_000; key++) expect(table.columns[0]?.values[table.find(key * 7)]).toBe(key)
  expect(table.find(1)).toBe(-1)
})

test('what cannot be a key is refused', () => {
  const table = new KeyTable([])
  expect(() => table.slotOf(Number.NaN)).toThrow(expect.objectContaining({ code: 'SLUICE_KEY_INVALID' }))
  expect(() => table.find(undefined)).toThrow(expect.objectContaining({ code: 'SLUICE_KEY_INVALID' }))
})
