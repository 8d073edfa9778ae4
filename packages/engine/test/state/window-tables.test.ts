/** Tables per namespace that are emptied and used again, small ones after large ones, against a Map of Maps. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalKey } from '../../src/key/index.js'
import type { NumberColumn, ValueColumn } from '../../src/state/column.js'
import { WindowTables } from '../../src/state/window-tables.js'

/** Number, text that begins like an encoded one, double, tuple, object, bigint: of each as many as there are numbers. */
const keyOf = (kind: number, index: number): unknown =>
  [index, `\0${index}`, -index - 0.25, [index, null], { a: index, b: [`\0${index}`] }, BigInt(index), index * 2 ** 33][kind % 7]

const step = fc.record({
  action: fc.constantFrom('fill', 'fill', 'remove', 'walk', 'drop'),
  namespace: fc.integer({ min: -2, max: 12 }),
  kinds: fc.nat(6),
  from: fc.nat(40),
  count: fc.oneof({ weight: 5, arbitrary: fc.nat(20) }, { weight: 1, arbitrary: fc.integer({ min: 200, max: 600 }) }),
})

test('every row is found under its key, and no other', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const tables = new WindowTables(['number', 'value'])
      const model = new Map<number, Map<unknown, { readonly key: unknown; value: number }>>()
      let clock = 0
      for (const { action, namespace, kinds, from, count } of steps) {
        if (action === 'drop') {
          tables.drop(namespace)
          model.delete(namespace)
          continue
        }
        if (action === 'fill' && !model.has(namespace)) model.set(namespace, new Map())
        const rows = model.get(namespace)
        const table = action === 'fill' ? tables.open(namespace) : tables.get(namespace)
        expect(table === undefined).toBe(rows === undefined)
        if (table === undefined || rows === undefined) continue
        const [numbers, values] = table.columns as [NumberColumn, ValueColumn]
        if (action === 'walk') {
          // Rows go and come while a cursor walks over the slots: those that stay all the time are met once.
          const met = new Map<unknown, number>()
          const stay = new Set(rows.keys())
          for (let slot = 0; slot < table.end; slot++) {
            if (!table.has(slot)) continue
            const key = table.keyAt(slot)
            const canonical = canonicalKey(key)
            met.set(canonical, (met.get(canonical) ?? 0) + 1)
            clock++
            if (clock % 3 === 0) {
              table.remove(slot)
              rows.delete(canonical)
            } else if (clock % 14 === 0) {
              const fresh = `fresh ${clock}`
              const at = table.slotOf(fresh)
              numbers.values[at] = clock
              values.values[at] = `${clock}`
              rows.set(canonicalKey(fresh), { key: fresh, value: clock })
            }
          }
          for (const key of stay) expect(met.get(key)).toBe(1)
          continue
        }
        for (let index = from; index < from + count; index++) {
          const key = keyOf(kinds + index, index)
          const canonical = canonicalKey(key)
          if (action === 'fill') {
            const slot = table.slotOf(key)
            expect(table.created).toBe(!rows.has(canonical))
            numbers.values[slot] = ++clock
            values.values[slot] = `${clock}`
            rows.set(canonical, { key: rows.get(canonical)?.key ?? key, value: clock })
          } else {
            const slot = table.find(key)
            expect(slot >= 0).toBe(rows.has(canonical))
            if (slot >= 0) table.remove(slot)
            rows.delete(canonical)
          }
        }
      }
      expect(new Set(tables.namespaces())).toEqual(new Set(model.keys()))
      for (const [namespace, rows] of model) {
        const table = tables.get(namespace)
        expect(table?.size).toBe(rows.size)
        for (const { key, value } of rows.values()) {
          const slot = table?.find(key) ?? -1
          expect(canonicalKey(table?.keyAt(slot))).toBe(canonicalKey(key))
          expect(table?.columns[0]?.values[slot]).toBe(value)
          expect(table?.columns[1]?.values[slot]).toBe(`${value}`)
        }
        let live = 0
        for (let slot = 0; slot < (table?.end ?? 0); slot++) if (table?.has(slot) === true) live++
        expect(live).toBe(rows.size)
      }
    }),
    { numRuns: 50 },
  )
})
