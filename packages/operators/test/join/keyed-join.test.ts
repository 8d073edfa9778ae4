import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JoinOptions, OuterJoin, OuterJoinOptions, Update } from '../../src/index.js'
import { planJoin } from '../../src/join/plan-joins.js'
import { type Arrival, arrivals, drive, keyOf, type Pair, pairOf, sameKey, shown, tableOf } from './drive.js'

const plan = (options: JoinOptions | OuterJoinOptions<OuterJoin> = {}, timed = true) =>
  planJoin('joined', { leftKeyOf: keyOf, rightKeyOf: keyOf, timed }, pairOf, options)

const sides = (list: readonly Arrival[]) => ({
  left: list.filter(({ side }) => side === 'left'),
  right: list.filter(({ side }) => side === 'right'),
})

/** What a batch join gives. */
function batchJoin(
  list: readonly Arrival[],
  type: 'inner' | OuterJoin,
  meet: (left: Arrival, right: Arrival) => boolean = sameKey,
): Pair[] {
  const { left, right } = sides(list)
  const pairs = left.flatMap((each) => right.filter((other) => meet(each, other)).map((other) => pairOf(each, other)))
  if (type === 'left' || type === 'full')
    pairs.push(...left.filter((each) => !right.some((other) => meet(each, other))).map((each) => pairOf(each, undefined)))
  if (type === 'right' || type === 'full')
    pairs.push(...right.filter((each) => !left.some((other) => meet(other, each))).map((each) => pairOf(undefined, each)))
  return pairs
}

describe('inner', () => {
  test('gives every pair once, in any order of arrival, with the time of the later record', () => {
    fc.assert(
      fc.property(arrivals(), (list) => {
        const { context, push } = drive(plan())
        list.forEach(push)
        const pairs = context.emitted.map(({ value }) => value as Pair)
        expect(shown(pairs)).toEqual(shown(batchJoin(list, 'inner')))
        for (const { value, timestamp } of context.emitted) {
          const { left, right } = value as Pair
          expect(timestamp).toBe(Math.max(left?.time ?? 0, right?.time ?? 0))
        }
      }),
    )
  })

  test('the order of arrival does not matter', () => {
    fc.assert(
      fc.property(
        arrivals().chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray([...list], { minLength: list.length }))),
        ([list, shuffled]) => {
          const [one, other] = [list, shuffled].map((order) => {
            const { context, push } = drive(plan())
            order.forEach(push)
            return shown(context.take() as Pair[])
          })
          expect(other).toEqual(one)
        },
      ),
    )
  })

  test('without timestamps nothing has a time', () => {
    const { context, operator } = drive(plan({}, false))
    for (let id = 0; id < 5; id++) operator.process({ key: 1, id }, Number.NaN, id % 2)
    expect(context.emitted).toHaveLength(6)
    expect(context.emitted.every(({ timestamp }) => Number.isNaN(timestamp))).toBe(true)
  })

  test.each([63, 64, 65, 1_000])('a record with %i partners gets all of them, each pair with its own time', (partners) => {
    const { context, push } = drive(plan({ ttl: '1h' }))
    for (let id = 0; id < partners; id++) push({ side: 'left', key: 'hot', time: id, id })
    push({ side: 'right', key: 'hot', time: 10, id: partners })
    expect(context.emitted.map(({ value }) => (value as Pair).left?.id)).toEqual(Array.from({ length: partners }, (_, id) => id))
    expect(context.emitted.map(({ timestamp }) => timestamp)).toEqual(Array.from({ length: partners }, (_, id) => Math.max(id, 10)))
  })

  test('records that are arrays are records', () => {
    const { context, operator } = drive(
      planJoin('joined', { leftKeyOf: () => 1, rightKeyOf: () => 1, timed: false }, (left: never, right: never) => [left, right], {}),
    )
    operator.process([1, 2], Number.NaN, 0)
    operator.process([3], Number.NaN, 1)
    operator.process([[4]], Number.NaN, 0)
    expect(context.take()).toEqual([
      [[1, 2], [3]],
      [[[4]], [3]],
    ])
  })

  test('is forgotten by its time to live, each side by its own, and never joined after it', () => {
    const ttls = fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined })
    fc.assert(
      fc.property(
        arrivals(),
        fc.array(fc.nat(10), { minLength: 60, maxLength: 60 }),
        ttls,
        ttls,
        fc.boolean(),
        (list, steps, left, right, timed) => {
          const { context, push } = drive(plan({ ttl: { left, right } }, timed))
          const cameAt: number[] = []
          for (const [index, arrival] of list.entries()) {
            context.advance(steps[index] ?? 0)
            cameAt.push(context.timeMs)
            push(arrival)
          }
          const meet = (one: Arrival, other: Arrival): boolean => {
            if (!sameKey(one, other)) return false
            const [first, second] = one.id < other.id ? [one, other] : [other, one]
            const ttl = (first.side === 'left' ? left : right) ?? Number.POSITIVE_INFINITY
            return (cameAt[first.id] ?? 0) + ttl > (cameAt[second.id] ?? 0)
          }
          expect(shown(context.take() as Pair[])).toEqual(shown(batchJoin(list, 'inner', meet)))
        },
      ),
    )
  })

  test('what has expired is given up as records come, with the rows of keys that are not seen again', () => {
    const { context, push } = drive(plan({ ttl: '1s' }))
    for (let id = 0; id < 1_000; id++) push({ side: id % 2 === 0 ? 'left' : 'right', key: id, time: id, id })
    for (let id = 0; id < 1_000; id++) push({ side: 'left', key: 'hot', time: id, id })
    const before = context.state.get('rows')?.size ?? 0
    context.advance(1_000)
    for (let id = 0; id < 600; id++) push({ side: 'right', key: id % 3, time: id, id })
    expect(before).toBe(1_001)
    expect(context.state.get('rows')?.size).toBe(3)
  })

  test('a clock that is set back stands still', () => {
    const { context, push } = drive(plan({ ttl: '1s' }))
    push({ side: 'left', key: 1, time: 0, id: 0 })
    context.timeMs -= 500
    push({ side: 'left', key: 2, time: 0, id: 1 })
    context.timeMs += 1_499
    push({ side: 'right', key: 2, time: 0, id: 2 })
    context.timeMs += 1
    push({ side: 'right', key: 2, time: 0, id: 3 })
    expect(shown(context.take() as Pair[])).toEqual(['1-2'])
  })
})

describe.each(['left', 'right', 'full'] as const)('%s outer', (type) => {
  const updates = (list: readonly Arrival[]): Update<Pair>[] => {
    const { context, push } = drive(plan({ type }))
    list.forEach(push)
    return context.take() as Update<Pair>[]
  }

  test('the table that its updates come to is the batch join, at every moment', () => {
    fc.assert(
      fc.property(arrivals({ maxLength: 30 }), (list) => {
        const { context, push } = drive(plan({ type }))
        const all: Update<Pair>[] = []
        for (const [index, arrival] of list.entries()) {
          push(arrival)
          all.push(...(context.take() as Update<Pair>[]))
          expect(shown(tableOf(all).values())).toEqual(shown(batchJoin(list.slice(0, index + 1), type)))
        }
      }),
    )
  })

  test('a row bears the key and the numbers of its records, 0 where there is none', () => {
    fc.assert(
      fc.property(arrivals(), (list) => {
        for (const { key, value } of updates(list)) {
          const [of, left, right] = key as [unknown, number, number]
          expect(JSON.stringify(of)).toBe(JSON.stringify(value.left?.key ?? value.right?.key ?? null))
          expect([left === 0, right === 0]).toEqual([value.left === undefined, value.right === undefined])
        }
      }),
    )
  })

  test('many partners that were alone', () => {
    const list = Array.from({ length: 300 }, (_, id): Arrival => ({ side: type === 'right' ? 'right' : 'left', key: 1, time: 0, id }))
    list.push({ side: type === 'right' ? 'left' : 'right', key: 1, time: 1, id: 300 })
    const all = updates(list)
    expect(all.filter(({ op }) => op === 'delete')).toHaveLength(300)
    expect(shown(tableOf(all).values())).toEqual(shown(batchJoin(list, type)))
  })

  test('what expires is forgotten and changes nothing', () => {
    fc.assert(
      fc.property(
        arrivals(),
        fc.array(fc.nat(10), { minLength: 60, maxLength: 60 }),
        fc.integer({ min: 1, max: 30 }),
        fc.boolean(),
        (list, steps, ttl, timed) => {
          const { context, push } = drive(plan({ type, ttl }, timed))
          const cameAt: number[] = []
          for (const [index, arrival] of list.entries()) {
            context.advance(steps[index] ?? 0)
            cameAt.push(context.timeMs)
            push(arrival)
          }
          const meet = (one: Arrival, other: Arrival): boolean =>
            sameKey(one, other) && Math.abs((cameAt[one.id] ?? 0) - (cameAt[other.id] ?? 0)) < ttl
          expect(shown(tableOf(context.take() as Update<Pair>[]).values())).toEqual(shown(batchJoin(list, type, meet)))
        },
      ),
    )
  })
})

describe('options', () => {
  test('a join that nothing bounds warns', () => {
    expect(plan().warning).toBe('join joined keeps every record for ever: set ttl or use intervalJoin')
    expect(plan({ ttl: '1d' }).warning).toBeUndefined()
    expect(plan({ ttl: { left: '1d', right: '2d' } }).warning).toBeUndefined()
    expect(plan({ ttl: { right: '1d' } }).warning).toBe('join joined keeps every record of its left side for ever: set ttl.left')
    expect(plan({ ttl: { left: '1d' } }).warning).toBe('join joined keeps every record of its right side for ever: set ttl.right')
  })

  test('what cannot be is refused', () => {
    expect(() => plan({ type: 'outer' as never })).toThrow(/type of join joined is 'outer'/)
    expect(() => plan({ ttl: 0 })).toThrow('ttl of join joined is 0, and takes more than nothing')
    expect(() => plan({ ttl: { left: '10 parsecs' as never } })).toThrow(/ttl.left of join joined is "10 parsecs"/)
  })
})
