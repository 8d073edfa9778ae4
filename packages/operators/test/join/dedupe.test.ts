import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type DedupeOptions, fromArray } from '../../src/index.js'
import { planDedupe } from '../../src/join/plan-joins.js'
import { FakeOperatorContext } from '../support/fake-operator-context.js'
import { declare, nodeOf } from '../support/graphs.js'
import { type Arrival, arrivals, drive, keyOf } from './drive.js'

const plan = (options: DedupeOptions = {}) => planDedupe('once', keyOf, true, options)

test('the first record of every key, for ever', () => {
  fc.assert(
    fc.property(arrivals(), (list) => {
      const context = new FakeOperatorContext()
      const { push } = drive(plan(), context)
      list.forEach(push)
      const first = new Map(list.toReversed().map((arrival) => [JSON.stringify(arrival.key), arrival]))
      const expected = [...first.values()].toSorted((one, other) => one.id - other.id)
      expect(context.emitted.map(({ value }) => value)).toEqual(expected)
      expect(context.emitted.map(({ timestamp }) => timestamp)).toEqual(expected.map(({ time }) => time))
      expect(context.dropped.get('duplicate') ?? 0).toBe(list.length - expected.length)
    }),
  )
})

test.each(['processing', 'event'] as const)('a key is remembered for its time to live in %s time', (time) => {
  fc.assert(
    fc.property(arrivals(), fc.array(fc.nat(5), { minLength: 60, maxLength: 60 }), fc.integer({ min: 1, max: 30 }), (list, steps, ttl) => {
      const { context, push } = drive(plan({ ttl, time }))
      const since = new Map<string, number>()
      const expected: Arrival[] = []
      for (const [index, given] of list.entries()) {
        context.advance(steps[index] ?? 0)
        // In event time nothing here is behind the watermark.
        const arrival = time === 'processing' ? given : { ...given, time: context.timeMs + given.time }
        const now = time === 'processing' ? context.timeMs : arrival.time
        const key = JSON.stringify(arrival.key)
        const known = since.get(key)
        if (known === undefined || now >= known + ttl) {
          since.set(key, now)
          expected.push(arrival)
        }
        push(arrival)
        context.advanceWatermark(context.timeMs - 1)
      }
      expect(context.take()).toEqual(expected)
    }),
  )
})

test('in event time a late record is judged by the watermark, not by when the expired key was given up', () => {
  const passes = (keys: number): boolean => {
    const { context, push } = drive(plan({ ttl: 100, time: 'event' }))
    // With many keys the first has not been looked at again when the late record comes.
    for (let key = 0; key < keys; key++) push({ side: 'left', key, time: 0, id: key })
    context.advanceWatermark(1_000)
    push({ side: 'left', key: 'other', time: 1_001, id: -2 })
    context.take()
    push({ side: 'left', key: 0, time: 50, id: -1 })
    return context.take().length > 0
  }
  expect([1, 2, 100, 1_000].map(passes)).toEqual([true, true, true, true])
})

test('event time needs timestamps when the job is declared', () => {
  const declareWith = (ttl: DedupeOptions['ttl']) =>
    declare((job) => {
      job
        .source('numbers', fromArray([1]))
        .keyBy((n) => n)
        .dedupe('once', { ttl, time: 'event' })
    })
  expect(() => declareWith('1d')).toThrow(/dedupe once works in event time, and its records have no timestamps/)
})

test('keys that have expired are given up', () => {
  const { context, push } = drive(plan({ ttl: 100 }))
  for (let id = 0; id < 10_000; id++) {
    push({ side: 'left', key: id, time: 0, id })
    context.advance(1)
  }
  expect(context.state.get('keys')?.size).toBeLessThan(300)
})

test('the plan warns of keys that are kept for ever', () => {
  const graph = declare((job) => {
    const numbers = job
      .source('numbers', fromArray([1]))
      .withTimestamps((n) => n)
      .keyBy((n) => n)
    numbers.dedupe('unbounded')
    numbers.dedupe('bounded', { ttl: '1d', time: 'event' })
  })
  expect(nodeOf(graph, 'unbounded').warning).toBe('dedupe unbounded remembers every key for ever: set ttl')
  expect(nodeOf(graph, 'bounded').warning).toBeUndefined()
  expect(nodeOf(graph, 'bounded').options).toEqual({ type: 'dedupe', ttlMs: 86_400_000, time: 'event' })
})

test('what cannot be is refused', () => {
  expect(() => plan({ ttl: '0s' })).toThrow('ttl of dedupe once is 0s, and takes more than nothing')
  expect(() => plan({ time: 'wall' as never })).toThrow(/time of dedupe once is 'wall'/)
  const { push } = drive(plan({ ttl: '1s', time: 'event' }))
  expect(() => push({ side: 'left', key: 1, time: Number.NaN, id: 0 })).toThrow(/dedupe once works in event time/)
})
