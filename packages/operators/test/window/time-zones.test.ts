/** Days of a time zone, of 23, 23.5, 24, 24.5 and 25 hours, and one that was left out. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { count, fromArray, tumbling, type TimeWindow } from '../../src/index.js'
import { ZonedGrid } from '../../src/window/time-grid.js'
import { FakeOperatorContext } from '../support/fake-operator-context.js'
import { declare, operatorOf } from '../support/graphs.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR

function dayOf(timeZone: string, instant: string, offsetMs = 0, days = 1): readonly [start: string, hours: number] {
  const grid = new ZonedGrid(timeZone, days * DAY, offsetMs)
  const start = grid.startOf(Date.parse(instant))
  return [new Date(start).toISOString(), (grid.endOf(start) - start) / HOUR]
}

test.each([
  ['Europe/Berlin', '2025-03-30T12:00:00Z', '2025-03-29T23:00:00.000Z', 23],
  ['Europe/Berlin', '2025-03-31T12:00:00Z', '2025-03-30T22:00:00.000Z', 24],
  ['Europe/Berlin', '2025-10-26T00:30:00Z', '2025-10-25T22:00:00.000Z', 25],
  ['Europe/Berlin', '2025-10-26T22:59:59Z', '2025-10-25T22:00:00.000Z', 25],
  ['America/New_York', '2025-03-09T12:00:00Z', '2025-03-09T05:00:00.000Z', 23],
  ['America/New_York', '2025-11-02T12:00:00Z', '2025-11-02T04:00:00.000Z', 25],
  ['Australia/Lord_Howe', '2025-04-06T12:00:00Z', '2025-04-05T13:00:00.000Z', 24.5],
  ['Australia/Lord_Howe', '2025-10-04T15:00:00Z', '2025-10-04T13:30:00.000Z', 23.5],
  // Clocks go from midnight to one: the day begins at one.
  ['America/Sao_Paulo', '2018-11-04T12:00:00Z', '2018-11-04T03:00:00.000Z', 23],
  // Clocks go from midnight back to eleven: the hour belongs to the day before.
  ['America/Sao_Paulo', '2018-02-17T12:00:00Z', '2018-02-17T02:00:00.000Z', 25],
  // Clocks go from one back to midnight, which comes twice.
  ['America/Havana', '2025-11-02T12:00:00Z', '2025-11-02T04:00:00.000Z', 25],
  // 30 December 2011 was left out.
  ['Pacific/Apia', '2011-12-30T09:00:00Z', '2011-12-29T10:00:00.000Z', 24],
  ['Pacific/Apia', '2011-12-30T10:00:00Z', '2011-12-30T10:00:00.000Z', 24],
  ['Asia/Kolkata', '2025-06-01T00:00:00Z', '2025-05-31T18:30:00.000Z', 24],
  ['UTC', '1969-12-31T23:59:59Z', '1969-12-31T00:00:00.000Z', 24],
])('%s: the day of %s begins at %s and has %d hours', (timeZone, instant, start, hours) => {
  expect(dayOf(timeZone, instant)).toEqual([start, hours])
})

test('an offset is time of the clock: a day from six to six, a week from Monday', () => {
  expect(dayOf('Europe/Berlin', '2025-03-30T03:00:00Z', 6 * HOUR)).toEqual(['2025-03-29T05:00:00.000Z', 23])
  expect(dayOf('Europe/Berlin', '2025-03-28T03:00:00Z', 4 * DAY, 7)).toEqual(['2025-03-23T23:00:00.000Z', 7 * 24 - 1])
})

const zones = fc.constantFrom(
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'America/Havana',
  'Asia/Kathmandu',
  'Africa/Casablanca',
  'Asia/Beirut',
  'UTC',
)

test('every instant lies in its day, days follow each other, and each begins at midnight or where midnight is left out', () => {
  fc.assert(
    fc.property(zones, fc.integer({ min: Date.UTC(1985, 0), max: Date.UTC(2037, 0) }), (timeZone, instant) => {
      const grid = new ZonedGrid(timeZone, DAY, 0)
      const start = grid.startOf(instant)
      const end = grid.endOf(start)
      expect(start <= instant && instant < end).toBe(true)
      expect(grid.startOf(start)).toBe(start)
      expect(grid.startOf(end - 1)).toBe(start)
      expect(grid.startOf(end)).toBe(end)
      const clock = new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'medium' })
      expect(['00:00:00', '01:00:00', '00:30:00']).toContain(clock.format(start))
      const day = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' })
      expect(day.format(start)).not.toBe(day.format(end))
    }),
    { numRuns: 300 },
  )
})

test('records around a change of clocks are counted by the days of the zone, in whatever order they come', async () => {
  const context = new FakeOperatorContext()
  const graph = declare((job) => {
    job
      .source('instants', fromArray<string>([]))
      .withTimestamps((instant) => Date.parse(instant))
      .keyBy(() => 'all')
      .window(tumbling('1d', { timeZone: 'Europe/Berlin' }))
      .aggregate('daily', { n: count() })
  })
  const operator = operatorOf(graph, 'daily', context)
  for (const instant of [
    '2025-10-26T22:30:00Z',
    '2025-10-25T22:30:00Z',
    '2025-10-26T23:00:00Z',
    '2025-10-25T21:59:00Z',
    '2025-10-26T00:30:00Z',
  ]) {
    operator.process(instant, Date.parse(instant), 0)
  }
  await context.end()
  expect(
    context.take().map((result) => {
      const { window, n } = result as { window: TimeWindow; n: number }
      return [new Date(window.start).toISOString(), (window.end - window.start) / HOUR, n]
    }),
  ).toEqual([
    ['2025-10-24T22:00:00.000Z', 24, 1],
    ['2025-10-25T22:00:00.000Z', 25, 3],
    ['2025-10-26T23:00:00.000Z', 24, 1],
  ])
})
