import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TemporalJoinOptions } from '../../src/index.js'
import { planTemporalJoin } from '../../src/join/plan-joins.js'
import { type Arrival, arrivals, drive, keyOf, type Pair, pairOf, sameKey, shown } from './drive.js'

const plan = (options: TemporalJoinOptions = {}, timed = true) =>
  planTemporalJoin('priced', { leftKeyOf: keyOf, rightKeyOf: keyOf, timed }, pairOf, options)

/** The latest version that is not younger; of several of one time the one that came last. */
function valid(record: Arrival, versions: readonly Arrival[]): Arrival | undefined {
  return versions
    .filter((version) => sameKey(record, version) && version.time <= record.time)
    .toSorted((one, other) => one.time - other.time)
    .at(-1)
}

function naive(list: readonly Arrival[], type: 'inner' | 'left'): Pair[] {
  const versions = list.filter(({ side }) => side === 'right')
  return list
    .filter(({ side }) => side === 'left')
    .map((record) => pairOf(record, valid(record, versions)))
    .filter(({ right }) => type === 'left' || right !== undefined)
}

test.each(['inner', 'left'] as const)('%s: each record with the version of its time, in the order of time per key', async (type) => {
  await fc.assert(
    fc.asyncProperty(arrivals({ times: 40 }), fc.nat(60), async (list, disorder) => {
      const { context, push } = drive(plan({ type }))
      const ordered = list.toSorted(
        (one, other) => one.time + ((one.id * 7) % (disorder + 1)) - other.time - ((other.id * 7) % (disorder + 1)),
      )
      for (const arrival of ordered) {
        push(arrival)
        context.advanceWatermark(Math.max(context.watermark, arrival.time - disorder - 1))
        for (const { timestamp } of context.emitted) expect(timestamp).toBeLessThanOrEqual(context.watermark)
      }
      await context.end()
      const out = context.emitted.map(({ value }) => value as Pair)
      expect(shown(out)).toEqual(shown(naive(ordered, type)))
      expect(context.late).toBe(0)
      for (const { value, timestamp } of context.emitted) expect(timestamp).toBe((value as Pair).left?.time)
      for (const { left: record } of out) {
        const times = out
          .filter(({ left }) => left !== undefined && record !== undefined && sameKey(left, record))
          .map(({ left }) => left?.time ?? 0)
        expect(times).toEqual(times.toSorted((one, other) => one - other))
      }
    }),
  )
})

test('with late records: a version counts where nothing newer is behind the watermark, a record never', async () => {
  await fc.assert(
    fc.asyncProperty(
      arrivals({ times: 40 }),
      fc.array(fc.integer({ min: -20, max: 40 }), { minLength: 60, maxLength: 60 }),
      async (list, moves) => {
        const { context, push } = drive(plan({ type: 'left' }))
        let watermark = -1
        const taken: Arrival[] = []
        const late: Arrival[] = []
        const expected: Pair[] = []
        const settle = (from: number): void => {
          for (const record of taken) {
            if (record.side === 'right' || record.time <= from || record.time > watermark) continue
            expected.push(
              pairOf(
                record,
                valid(
                  record,
                  taken.filter(({ side }) => side === 'right'),
                ),
              ),
            )
          }
        }
        for (const [index, arrival] of list.entries()) {
          const newer = (version: Arrival): boolean =>
            version.side === 'right' && sameKey(version, arrival) && version.time > arrival.time && version.time <= watermark
          const isLate = arrival.time <= watermark && (arrival.side === 'left' || taken.some(newer))
          ;(isLate ? late : taken).push(arrival)
          push(arrival)
          const move = moves[index] ?? 0
          if (move <= 0) continue
          const from = watermark
          watermark += move
          context.advanceWatermark(watermark)
          settle(from)
        }
        const from = watermark
        watermark = Number.POSITIVE_INFINITY
        await context.end()
        settle(from)
        expect(shown(context.emitted.filter(({ port }) => port === 0).map(({ value }) => value as Pair))).toEqual(shown(expected))
        expect(context.emitted.filter(({ port }) => port === 1).map(({ value }) => value)).toEqual(late)
        expect(context.late).toBe(late.length)
      },
    ),
  )
})

test('versions that nobody can ask for any more are given up, and rows of records without versions', () => {
  const { context, push } = drive(plan())
  for (let id = 0; id < 5_000; id++) {
    push({ side: 'right', key: 1, time: 10 * id, id })
    push({ side: 'left', key: `nobody ${id}`, time: 10 * id, id })
    context.advanceWatermark(10 * id - 50)
    expect(context.state.get('rows')?.size).toBeLessThan(10)
  }
  context.emitted.length = 0
  push({ side: 'left', key: 1, time: 60_000, id: -1 })
  context.advanceWatermark(70_000)
  expect(context.take()).toEqual([{ left: expect.objectContaining({ id: -1 }), right: expect.objectContaining({ id: 4_999 }) }])
})

test.each([64, 65, 700])('%i records of one key at once', async (count) => {
  const { context, push } = drive(plan())
  push({ side: 'right', key: 1, time: 0, id: -1 })
  for (let id = 0; id < count; id++) push({ side: 'left', key: 1, time: count - id, id })
  await context.end()
  expect(context.emitted.map(({ timestamp }) => timestamp)).toEqual(Array.from({ length: count }, (_, index) => index + 1))
})

test('what cannot be is refused', () => {
  expect(() => plan({}, false)).toThrow(/temporalJoin priced works in event time/)
  expect(() => plan({ type: 'right' as never })).toThrow(/type of temporalJoin priced is 'right'/)
  const { push } = drive(plan())
  expect(() => push({ side: 'left', key: 1, time: Number.NaN, id: 0 })).toThrow(/without a timestamp/)
})

test('the plan says that versions are kept', () => {
  expect(plan().warning).toBe('temporalJoin priced keeps the latest version of every key for ever')
})
