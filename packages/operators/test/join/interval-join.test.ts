import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { IntervalJoinOptions } from '../../src/index.js'
import { planIntervalJoin } from '../../src/join/plan-joins.js'
import { type Arrival, arrivals, drive, keyOf, type Pair, pairOf, sameKey, shown } from './drive.js'

const plan = (options: IntervalJoinOptions, timed = true) =>
  planIntervalJoin('near', { leftKeyOf: keyOf, rightKeyOf: keyOf, timed }, pairOf, options)

function naive(list: readonly Arrival[], before: number, after: number): Pair[] {
  const right = list.filter(({ side }) => side === 'right')
  return list
    .filter(({ side }) => side === 'left')
    .flatMap((each) =>
      right
        .filter((other) => sameKey(each, other) && other.time >= each.time - before && other.time <= each.time + after)
        .map((other) => pairOf(each, other)),
    )
}

const distance = fc.nat(400)

test('every pair within the interval once, with the time of the later record; late records go to their own port', () => {
  fc.assert(
    fc.property(
      arrivals({ times: 2_000 }),
      distance,
      distance,
      fc.array(fc.integer({ min: -50, max: 150 }), { minLength: 60, maxLength: 60 }),
      (list, before, after, steps) => {
        const { context, push } = drive(plan({ before, after }))
        let watermark = 0
        const taken: Arrival[] = []
        const late: Arrival[] = []
        for (const [index, arrival] of list.entries()) {
          const behind = arrival.time <= watermark && watermark > 0
          ;(behind ? late : taken).push(arrival)
          push(arrival)
          const step = steps[index] ?? 0
          if (step <= 0) continue
          watermark += step
          context.advanceWatermark(watermark)
        }
        const out = context.emitted.filter(({ port }) => port === 0)
        expect(shown(out.map(({ value }) => value as Pair))).toEqual(shown(naive(taken, before, after)))
        for (const { value, timestamp } of out) {
          const { left, right } = value as Pair
          expect(timestamp).toBe(Math.max(left?.time ?? 0, right?.time ?? 0))
        }
        expect(context.emitted.filter(({ port }) => port === 1).map(({ value }) => value)).toEqual(late)
        expect(context.late).toBe(late.length)
      },
    ),
  )
})

test('without late records the watermarks and the order of arrival do not matter', () => {
  fc.assert(
    fc.property(arrivals({ times: 2_000 }), distance, distance, fc.nat(500), (list, before, after, disorder) => {
      const { context, push } = drive(plan({ before, after }))
      // Each record at most `disorder` behind those in front of it.
      const ordered = list.toSorted(
        (one, other) => one.time + ((one.id * 7) % (disorder + 1)) - other.time - ((other.id * 7) % (disorder + 1)),
      )
      for (const arrival of ordered) {
        push(arrival)
        context.advanceWatermark(Math.max(context.watermark, arrival.time - disorder - 1))
      }
      expect(context.late).toBe(0)
      expect(shown(context.take() as Pair[])).toEqual(shown(naive(list, before, after)))
    }),
  )
})

test.each([
  [0, 0],
  [100, 0],
  [0, 100],
  [37, 90],
  [1, 300],
])('both ends of the interval belong to it: %i before, %i after', (before, after) => {
  for (let time = 400; time < 800; time++) {
    const { context, push } = drive(plan({ before, after }))
    for (const [id, at] of [time - before - 1, time - before, time + after, time + after + 1].entries())
      push({ side: 'right', key: 1, time: at, id })
    push({ side: 'left', key: 1, time, id: -1 })
    expect(shown(context.emitted.map(({ value }) => value as Pair))).toEqual(['-1-1', '-1-2'])
  }
})

test('state goes as the watermark passes', async () => {
  const { context, push } = drive(plan({ before: 0, after: '10s' }))
  const size = (): number => [...context.state.values()].reduce((sum, part) => sum + part.size, 0)
  for (let id = 0; id < 10_000; id++) {
    push({ side: id % 2 === 0 ? 'left' : 'right', key: id, time: id * 10, id })
    if (id % 100 === 99) context.advanceWatermark(id * 10)
    // Left records are kept for 10 s, half of 1,000; a span more at most.
    expect(size()).toBeLessThanOrEqual(1_600)
  }
  await context.end()
  expect(size()).toBe(0)
})

test('records between milliseconds wait for partners that lie exactly as far', () => {
  const { context, push } = drive(plan({ before: 0, after: 100 }))
  push({ side: 'left', key: 1, time: 99.5, id: 0 })
  context.advanceWatermark(199.2)
  push({ side: 'right', key: 1, time: 199.5, id: 1 })
  expect(shown(context.take() as Pair[])).toEqual(['0-1'])
})

test('a record costs the same however far the other stream is ahead', () => {
  const { context, push } = drive(plan({ before: 0, after: 0 }))
  for (let id = 0; id < 10_000; id++) push({ side: 'left', key: id, time: id * 1_000, id })
  // Going through all that lies ahead would be 10 thousand million steps.
  const right: Arrival = { side: 'right', key: 10_000, time: 0, id: -1 }
  for (let count = 0; count < 1_000_000; count++) push(right)
  push({ ...right, key: 0 })
  expect(shown(context.take() as Pair[])).toEqual(['0--1'])
})

test.each([64, 65, 500])('a record with %i partners', (partners) => {
  const { context, push } = drive(plan({ before: 10_000, after: 0 }))
  for (let id = 0; id < 2 * partners; id++) push({ side: 'right', key: 1, time: id, id })
  push({ side: 'left', key: 1, time: partners - 1, id: -1 })
  expect(context.emitted.map(({ value }) => (value as Pair).right?.id)).toEqual(Array.from({ length: partners }, (_, id) => id))
  expect(context.emitted.every(({ timestamp }) => timestamp === partners - 1)).toBe(true)
})

test('what cannot be is refused', () => {
  expect(() => plan({ after: '1h' }, false)).toThrow(/near works in event time, and one of its streams has no timestamps/)
  expect(() => plan({ after: -1 })).toThrow(/after of intervalJoin near is -1/)
  const { push } = drive(plan({ after: '1h' }))
  expect(() => push({ side: 'left', key: 1, time: Number.NaN, id: 0 })).toThrow(/without a timestamp/)
})
