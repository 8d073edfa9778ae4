import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TimeWindow } from '../../src/window/window-types.js'
import { countWindow, session, sliding, tumbling } from '../../src/window/assigners.js'
import { planWindowJoin } from '../../src/join/plan-joins.js'
import type { WindowJoinOptions } from '../../src/index.js'
import { type Arrival, arrivals, drive, type Driven, keyOf, sameKey } from './drive.js'

type Options = WindowJoinOptions<never>

interface Joined {
  readonly left: Arrival
  readonly right: Arrival
  readonly window: TimeWindow
}

const join = (left: Arrival, right: Arrival, window: TimeWindow): Joined => ({ left, right, window })
const plan = (options: Options, timed = true) => planWindowJoin('met', { leftKeyOf: keyOf, rightKeyOf: keyOf, timed }, join, options)

const shown = (joined: Iterable<Joined>): readonly string[] =>
  [...joined].map(({ left, right, window }) => `${left.id}-${right.id} [${window.start}, ${window.end})`).toSorted()

/** All windows of a size that begin at multiples of the slide and have an instant. */
function windowsOf(time: number, size: number, slide: number, offset: number): TimeWindow[] {
  const windows: TimeWindow[] = []
  for (let start = Math.floor((time - offset) / slide) * slide + offset; start > time - size; start -= slide)
    windows.push({ start, end: start + size })
  return windows
}

function naive(
  list: readonly Arrival[],
  size: number,
  slide: number,
  offset: number,
  takes: (arrival: Arrival, window: TimeWindow) => boolean,
): Joined[] {
  const right = list.filter(({ side }) => side === 'right')
  return list
    .filter(({ side }) => side === 'left')
    .flatMap((each) =>
      windowsOf(each.time, size, slide, offset)
        .filter((window) => takes(each, window))
        .flatMap((window) =>
          right
            .filter((other) => sameKey(each, other) && other.time >= window.start && other.time < window.end && takes(other, window))
            .map((other) => join(each, other, window)),
        ),
    )
}

const steps = fc.array(fc.integer({ min: -20, max: 40 }), { minLength: 60, maxLength: 60 })

/** Pushes all, with watermarks between; gives the watermark at which each came. */
async function run({ context, push }: Driven, list: readonly Arrival[], moves: readonly number[]): Promise<readonly number[]> {
  let watermark = -1
  const cameAt: number[] = []
  for (const [index, arrival] of list.entries()) {
    cameAt.push(watermark)
    push(arrival)
    const move = moves[index] ?? 0
    if (move <= 0) continue
    watermark += move
    context.advanceWatermark(watermark)
  }
  await context.end()
  return cameAt
}

describe.each([
  [
    'tumbling',
    () => fc.tuple(fc.integer({ min: 1, max: 50 }), fc.nat(60)).map(([size, offset]) => ({ size, slide: size, offset: offset % size })),
  ],
  [
    'sliding',
    () =>
      fc.tuple(fc.integer({ min: 1, max: 50 }), fc.nat(60), fc.nat(60)).map(([size, slide, offset]) => {
        const each = 1 + (slide % size)
        return { size, slide: each, offset: offset % each }
      }),
  ],
])('%s windows', (kind, shapes) => {
  test('every pair of every window once, when the window ends; late records to their own port', async () => {
    await fc.assert(
      fc.asyncProperty(
        arrivals({ times: 200 }),
        shapes(),
        fc.constantFrom(0, 0, 10, 100),
        steps,
        async (list, { size, slide, offset }, lateness, moves) => {
          const window = kind === 'tumbling' ? tumbling(size, { offset }) : sliding(size, slide, { offset })
          const driven = drive(plan({ window, allowedLateness: lateness }))
          const cameAt = await run(driven, list, moves)
          const { context } = driven
          const takes = (arrival: Arrival, { end }: TimeWindow): boolean => end - 1 + lateness > (cameAt[arrival.id] ?? 0)
          const late = list.filter((arrival) => !windowsOf(arrival.time, size, slide, offset).some((each) => takes(arrival, each)))
          const out = context.emitted.filter(({ port }) => port === 0)
          expect(shown(out.map(({ value }) => value as Joined))).toEqual(shown(naive(list, size, slide, offset, takes)))
          for (const { value, timestamp } of out) expect(timestamp).toBe((value as Joined).window.end - 1)
          expect(context.emitted.filter(({ port }) => port === 1).map(({ value }) => value)).toEqual(late)
          expect(context.late).toBe(late.length)
          expect(context.state.get('panes')?.size).toBe(0)
        },
      ),
    )
  })
})

test('sessions: a run of records of both sides less than a gap from each other', async () => {
  await fc.assert(
    fc.asyncProperty(arrivals({ times: 300 }), fc.integer({ min: 1, max: 40 }), fc.nat(60), async (list, gap, disorder) => {
      const driven = drive(plan({ window: session(gap) }))
      const { context, push } = driven
      const ordered = list.toSorted(
        (one, other) => one.time + ((one.id * 7) % (disorder + 1)) - other.time - ((other.id * 7) % (disorder + 1)),
      )
      for (const arrival of ordered) {
        push(arrival)
        context.advanceWatermark(Math.max(context.watermark, arrival.time - disorder - 1))
      }
      await context.end()
      const expected: Joined[] = []
      for (const first of list) {
        const times = list.filter((other) => sameKey(first, other)).toSorted((one, other) => one.time - other.time || one.id - other.id)
        let start = 0
        for (let index = 1; index <= times.length; index++) {
          const last = times[index - 1] as Arrival
          const next = times[index]
          if (next !== undefined && next.time - last.time < gap) continue
          const members = times.slice(start, index)
          const window = { start: members[0]?.time ?? 0, end: last.time + gap }
          start = index
          // Each session once: where its first record is at hand.
          if (members[0] !== first) continue
          for (const left of members.filter(({ side }) => side === 'left'))
            for (const right of members.filter(({ side }) => side === 'right')) expected.push(join(left, right, window))
        }
      }
      expect(shown(context.emitted.map(({ value }) => value as Joined))).toEqual(shown(expected))
      expect(context.late).toBe(0)
      expect(context.state.get('sessions')?.size).toBe(0)
    }),
  )
})

test('a record behind the watermark is taken into a session that goes on, and is late where there is none', () => {
  const { context, push } = drive(plan({ window: session(10) }))
  push({ side: 'left', key: 1, time: 100, id: 0 })
  context.advanceWatermark(104)
  push({ side: 'right', key: 1, time: 92, id: 1 })
  push({ side: 'right', key: 2, time: 92, id: 2 })
  expect(context.emitted.map(({ value, port }) => [(value as Arrival).id, port])).toEqual([[2, 1]])
  context.advanceWatermark(109)
  expect(shown(context.emitted.slice(1).map(({ value }) => value as Joined))).toEqual(['0-1 [92, 110)'])
  expect(context.late).toBe(1)
})

test('records within the allowed lateness meet at once, and the window does not fire for them again', async () => {
  const { context, push } = drive(plan({ window: tumbling(100), allowedLateness: '1s' }))
  push({ side: 'left', key: 1, time: 450, id: 0 })
  context.advanceWatermark(500)
  push({ side: 'left', key: 1, time: 50, id: 1 })
  push({ side: 'right', key: 1, time: 60, id: 2 })
  push({ side: 'right', key: 1, time: 499, id: 3 })
  expect(shown(context.take() as Joined[])).toEqual(['0-3 [400, 500)', '1-2 [0, 100)'])
  context.advanceWatermark(1_098)
  push({ side: 'left', key: 1, time: 99, id: 4 })
  expect(shown(context.take() as Joined[])).toEqual(['4-2 [0, 100)'])
  context.advanceWatermark(1_099)
  push({ side: 'left', key: 1, time: 99, id: 5 })
  expect(context.late).toBe(1)
  context.take()
  await context.end()
  expect(context.emitted).toEqual([])
})

test('a window that had passed before its first records came does not fire', async () => {
  const { context, push } = drive(plan({ window: tumbling(100), allowedLateness: '1s' }))
  context.advanceWatermark(500)
  push({ side: 'left', key: 1, time: 50, id: 0 })
  push({ side: 'right', key: 1, time: 60, id: 1 })
  context.advanceWatermark(600)
  await context.end()
  expect(shown(context.take() as Joined[])).toEqual(['0-1 [0, 100)'])
})

test('a session fires as soon as the watermark has passed it, also where a later one was known before', () => {
  const { context, push } = drive(plan({ window: session(10) }))
  for (const [id, time] of [100, 100, 50, 55].entries()) push({ side: id % 2 === 0 ? 'left' : 'right', key: 1, time, id })
  context.advanceWatermark(63)
  expect(context.emitted).toEqual([])
  context.advanceWatermark(64)
  expect(shown(context.take() as Joined[])).toEqual(['2-3 [50, 65)'])
  context.advanceWatermark(109)
  expect(shown(context.take() as Joined[])).toEqual(['0-1 [100, 110)'])
})

test('very many pairs of one key', async () => {
  const { context, push } = drive(plan({ window: tumbling('1s') }))
  for (let id = 0; id < 400; id++) push({ side: id % 2 === 0 ? 'left' : 'right', key: 'hot', time: id, id })
  await context.end()
  expect(new Set(shown(context.take() as Joined[])).size).toBe(40_000)
})

test('by the clock', () => {
  const { context, push } = drive(plan({ window: tumbling(100, { time: 'processing' }) }, false))
  push({ side: 'left', key: 1, time: Number.NaN, id: 0 })
  context.advance(50)
  push({ side: 'right', key: 1, time: Number.NaN, id: 1 })
  context.advance(49)
  expect(context.emitted).toEqual([])
  context.advance(1)
  expect(shown(context.take() as Joined[])).toEqual(['0-1 [1000, 1100)'])
})

test('days of a time zone', async () => {
  const { context, push } = drive(plan({ window: tumbling('1d', { timeZone: 'Europe/Berlin' }) }))
  const at = (text: string, side: Arrival['side'], id: number): void => push({ side, key: 1, time: Date.parse(text), id })
  at('2024-03-30T23:30:00Z', 'left', 0)
  at('2024-03-31T21:59:59Z', 'right', 1)
  at('2024-03-31T22:00:00Z', 'right', 2)
  await context.end()
  expect((context.take() as Joined[]).map(({ right, window }) => [right.id, (window.end - window.start) / 3_600_000])).toEqual([[1, 23]])
})

test('what cannot be is refused', () => {
  expect(() => plan({ window: tumbling('1h') }, false)).toThrow(/met has windows of event time, and its stream has no timestamps/)
  expect(() => plan({ window: countWindow(3) })).toThrow(/met has windows without bounds in time/)
  expect(() => plan({ window: session('1h'), allowedLateness: '1m' })).toThrow(/sessions, which take no allowedLateness in a join/)
})
