import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TopNOptions, Update } from '../../src/index.js'
import { planTopN } from '../../src/join/plan-joins.js'
import { type Arrival, arrivals, drive, keyOf, tableOf } from './drive.js'

type List = readonly Arrival[]
const byTime = (left: Arrival, right: Arrival): number => left.time - right.time
const plan = (n: number, options: TopNOptions = {}) => planTopN('top', keyOf, n, byTime, options)

/** The table at the end: sorting keeps the earlier of equals in front. */
function naive(list: List, n: number): ReadonlyMap<string, List> {
  const table = new Map<string, Arrival[]>()
  for (const arrival of list) {
    const key = JSON.stringify(arrival.key)
    table.set(key, [...(table.get(key) ?? []), arrival])
  }
  return new Map([...table].map(([key, records]) => [key, records.toSorted(byTime).slice(0, n)]))
}

const sorted = (table: ReadonlyMap<string, List>) => [...table].toSorted(([one], [other]) => (one < other ? -1 : 1))

test('the first n of every key at every moment, of equals the earlier', () => {
  fc.assert(
    fc.property(arrivals({ times: 10 }), fc.integer({ min: 1, max: 5 }), (list, n) => {
      const { context, push } = drive(plan(n))
      const all: Update<List>[] = []
      const copies: string[] = []
      for (const [index, arrival] of list.entries()) {
        push(arrival)
        const updates = context.emitted.splice(0)
        for (const { value, timestamp } of updates) {
          all.push(value as Update<List>)
          copies.push(JSON.stringify(value))
          expect(timestamp).toBe(arrival.time)
        }
        expect(sorted(tableOf(all))).toEqual(sorted(naive(list.slice(0, index + 1), n)))
      }
      // What is out is never changed.
      expect(all.map((update) => JSON.stringify(update))).toEqual(copies)
    }),
  )
})

test('a record that is not among the first gives nothing', () => {
  const { context, push } = drive(plan(2))
  for (const [id, time] of [1, 2, 3, 2, 1].entries()) push({ side: 'left', key: 1, time, id })
  expect((context.take() as Update<List>[]).map(({ value }) => value.map(({ id }) => id))).toEqual([[0], [0, 1], [0, 4]])
})

describe('emission', () => {
  test("'end': every list once, as late as what changed it last", async () => {
    const { context, push } = drive(plan(2, { emit: 'end' }))
    for (const [id, [key, time]] of (
      [
        ['a', 5],
        ['b', 1],
        ['a', 3],
        ['a', 9],
      ] as const
    ).entries())
      push({ side: 'left', key, time, id })
    expect(context.emitted).toEqual([])
    await context.end()
    expect(
      context.emitted.map(({ value, timestamp }) => [
        (value as Update<List>).key,
        (value as Update<List>).value.map(({ id }) => id),
        timestamp,
      ]),
    ).toEqual([
      ['a', [2, 0], 5],
      ['b', [1], 1],
    ])
  })

  test('a duration: what changed, that long after the first change, and at the end', async () => {
    const { context, push } = drive(plan(1, { emit: '1s' }))
    const ids = () => (context.take() as Update<List>[]).map(({ value }) => value[0]?.id)
    push({ side: 'left', key: 'a', time: 5, id: 0 })
    push({ side: 'left', key: 'b', time: 5, id: 1 })
    context.advance(999)
    push({ side: 'left', key: 'b', time: 4, id: 2 })
    expect(ids()).toEqual([])
    context.advance(1)
    expect(ids()).toEqual([0, 2])
    push({ side: 'left', key: 'b', time: 6, id: 3 })
    context.advance(10_000)
    expect(ids()).toEqual([])
    push({ side: 'left', key: 'b', time: 1, id: 4 })
    await context.end()
    expect(ids()).toEqual([4])
  })
})

test.each(['end', '1s'] as const)('what waited (%s) goes out ahead of the watermark', async (emit) => {
  const { context, push } = drive(plan(2, { emit }))
  push({ side: 'left', key: 'a', time: 5, id: 0 })
  push({ side: 'left', key: 'b', time: 90, id: 1 })
  context.advanceWatermark(80)
  if (emit === '1s') {
    context.advanceWatermark(100)
    context.advance(1_000)
    expect(context.emitted.splice(0).map(({ timestamp }) => timestamp)).toEqual([101, 101])
    push({ side: 'left', key: 'a', time: 101, id: 2 })
    context.advanceWatermark(200)
  }
  await context.end()
  expect(context.emitted.map(({ timestamp }) => timestamp)).toEqual(emit === 'end' ? [81, 90] : [201])
})

test('a list begins anew when its key had no record for its time to live', () => {
  fc.assert(
    fc.property(arrivals(), fc.array(fc.nat(10), { minLength: 60, maxLength: 60 }), fc.integer({ min: 1, max: 30 }), (list, steps, ttl) => {
      const { context, push } = drive(plan(3, { ttl }))
      const runs = new Map<string, { last: number; records: Arrival[] }>()
      for (const [index, arrival] of list.entries()) {
        context.advance(steps[index] ?? 0)
        const key = JSON.stringify(arrival.key)
        const run = runs.get(key)
        const known = run !== undefined && context.timeMs < run.last + ttl ? run.records : []
        runs.set(key, { last: context.timeMs, records: [...known, arrival] })
        push(arrival)
        const out = context.take() as Update<List>[]
        const expected = naive(runs.get(key)?.records ?? [], 3).get(key)
        if (out.length > 0) expect(out.map(({ value }) => value)).toEqual([expected])
        else expect(expected).not.toContain(arrival)
      }
    }),
  )
})

test('a key is forgotten when it had no record for its time to live', () => {
  const { context, push } = drive(plan(3, { ttl: 100 }))
  for (let id = 0; id < 10_000; id++) {
    push({ side: 'left', key: id, time: 0, id })
    context.advance(1)
  }
  expect(context.state.get('lists')?.size).toBeLessThan(300)
})

test('what cannot be is refused', () => {
  expect(() => plan(0)).toThrow(/n of topN top is 0/)
  expect(() => plan(1.5)).toThrow(/n of topN top is 1.5/)
  expect(() => plan(1, { emit: 'sometimes' as never })).toThrow(/emit of topN top is "sometimes"/)
  expect(() => plan(1, { ttl: 0 })).toThrow(/ttl of topN top is 0/)
})

test('the plan warns of lists that nothing bounds', () => {
  expect(plan(3).warning).toBe('topN top keeps a list of every key for ever: set ttl')
  expect(plan(3, { ttl: '1d' }).warning).toBeUndefined()
})
