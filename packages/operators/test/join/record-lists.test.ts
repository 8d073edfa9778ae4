import { KeyTable } from '@sluice/engine'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecordLists } from '../../src/join/record-lists.js'

interface Entry {
  readonly record: unknown
  readonly numbers: number[]
}

/** What a list holds, read in every way there is. */
function read(lists: RecordLists, table: KeyTable, slot: number): Entry[] {
  const from = lists.startOf(table, slot)
  const end = lists.endOf(table, slot)
  const entries: Entry[] = []
  for (let index = from; index < end; index++) {
    const numbers = Array.from({ length: lists.fields }, (_, field) => lists.numberAt(table, slot, index, field))
    entries.push({ record: lists.recordAt(table, slot, index), numbers })
  }
  expect(lists.slice(table, slot, from, end)).toEqual(entries.map(({ record }) => record))
  const first = entries[0]
  if (first !== undefined) {
    const held = Array.from({ length: lists.fields }, (_, field) => table.columns[lists.firstNumbers + field]?.values[slot])
    expect(held).toEqual(first.numbers)
  }
  return entries
}

const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('append' as const), count: fc.constantFrom(1, 1, 2, 40), key: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('drop' as const), count: fc.constantFrom(1, 2, 35, 1_000), key: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('set' as const), count: fc.nat(100), key: fc.nat(2) }) },
)

test.each([0, 1, 2, 3])('lists with %i numbers per record hold what a plain array holds', (fields) => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), fc.nat(3), (operations, firstColumn) => {
      const lists = new RecordLists(firstColumn, fields, true)
      const table = new KeyTable([...Array.from({ length: firstColumn }, () => 'number' as const), ...lists.kinds])
      const model = new Map<number, Entry[]>()
      let next = 0
      for (const { kind, count, key } of operations) {
        const slot = table.slotOf(key)
        if (table.created) lists.reset(table, slot)
        const held = model.get(key) ?? []
        model.set(key, held)
        if (kind === 'append') {
          for (let times = 0; times < count; times++) {
            const [first, second, third] = [++next, ++next, ++next] as const
            lists.append(table, slot, [first], first, second, third)
            held.push({ record: [first], numbers: [first, second, third].slice(0, fields) })
          }
        } else if (kind === 'drop') {
          lists.dropBefore(table, slot, lists.startOf(table, slot) + Math.min(count, held.length))
          held.splice(0, count)
        } else if (held.length > 0 && fields > 0) {
          const at = count % held.length
          lists.setNumber(table, slot, lists.startOf(table, slot) + at, count % fields, -count)
          const entry = held[at]
          if (entry !== undefined) entry.numbers[count % fields] = -count
        }
        for (const [each, entries] of model) expect(read(lists, table, table.find(each))).toEqual(entries)
      }
    }),
  )
})

test('inserted records are in order, of equals the earlier in front', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(10), fc.boolean()), { maxLength: 80 }), (insertions) => {
      const lists = new RecordLists(0, 1, true)
      const table = new KeyTable(lists.kinds)
      const slot = table.slotOf('key')
      lists.reset(table, slot)
      let model: Entry[] = []
      for (const [record, [number, drops]] of insertions.entries()) {
        lists.insert(table, slot, record, number)
        model.push({ record, numbers: [number] })
        model = model.toSorted((one, other) => (one.numbers[0] ?? 0) - (other.numbers[0] ?? 0))
        if (drops) {
          lists.dropBefore(table, slot, lists.startOf(table, slot) + 1)
          model.shift()
        }
        expect(read(lists, table, slot)).toEqual(model)
      }
    }),
  )
})

test('room at the front is given back', () => {
  const lists = new RecordLists(0, 1, true)
  const table = new KeyTable(lists.kinds)
  const slot = table.slotOf(1)
  lists.reset(table, slot)
  for (let id = 0; id < 10_000; id++) {
    lists.append(table, slot, id, id, 0, 0)
    if (id >= 100) lists.dropBefore(table, slot, lists.startOf(table, slot) + 1)
  }
  expect(lists.arrayAt(table, slot).length).toBeLessThanOrEqual(201)
})
