/** Jobs that need windows, keyed state and timers type-check against planned signatures that only add to what exists. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { compile } from '../support/compile.js'

const signatures = join(fileURLToPath(new URL('.', import.meta.url)), 'fixtures/later/signatures.ts')

const flightDelays = `import { count, defineJob, fromParquet, max, mean, toJsonLines, tumbling } from 'sluice'
import { z } from 'zod'

const Flight = z.object({
  date: z.date(),
  delay: z.int(),
  distance: z.int(),
  origin: z.string(),
  destination: z.string(),
})

/** Delays per airport and day, from three million real flights. */
export default defineJob(
  { name: 'flight-delays', params: z.object({ input: z.string(), output: z.string().default('delays.jsonl') }) },
  (job, params) => {
    const delays = job
      .source('flights', fromParquet(params.input, { schema: Flight, orderedSplits: true }))
      .withTimestamps((flight) => flight.date, { outOfOrderness: '1h' })
      .filter((flight) => flight.distance > 0)
      .keyBy((flight) => flight.origin)
      .window(tumbling('1d'))
      .aggregate('daily', { flights: count(), meanDelay: mean((f) => f.delay), worst: max((f) => f.delay) })
    delays.sink('out', toJsonLines(params.output))
    delays.late.sink('late', toJsonLines('late.jsonl'))
    return { delays }
  },
)
`

const orderSla = `import { defineJob, generate, mapState, toJsonLines, valueState } from 'sluice'

interface OrderEvent { orderId: number; kind: 'placed' | 'paid' | 'shipped'; at: number }

const HOUR = 3_600_000

/** Keyed state and timers: each order that was not shipped within an hour of event time is reported once (2,000 of 10,000). */
export default defineJob({ name: 'order-sla', checkpoint: { interval: '2s', directory: 'checkpoints' } }, (job) => {
  const overdue = job
    .source<OrderEvent>('orders', generate((index) => {
      const orderId = Math.floor(index / 3)
      const step = index % 3
      return { orderId, kind: (['placed', 'paid', 'shipped'] as const)[step]!, at: orderId * 60_000 + step * (orderId % 5 === 0 ? 3_000_000 : 600_000) }
    }, { count: 30_000 }), { parallelism: 1 })
    .withTimestamps((event) => event.at, { outOfOrderness: '2h' })
    .keyBy((event) => event.orderId)
    .process('sla', {
      state: { placedAt: valueState<number>(), seen: mapState<string, number>() },
      onRecord(event, context) {
        context.state.seen.set(event.kind, event.at)
        if (event.kind === 'placed') {
          context.state.placedAt.set(event.at)
          context.timers.eventTime.set(event.at + HOUR)
        }
        const placedAt = context.state.placedAt.get()
        if (event.kind === 'shipped' && placedAt !== undefined && event.at <= placedAt + HOUR) {
          context.timers.eventTime.cancel(placedAt + HOUR)
          context.state.placedAt.clear()
          context.state.seen.clear()
        }
      },
      *onTimer(timer, context) {
        yield { orderId: context.key, overdueSince: timer.time, lastSeen: Math.max(...context.state.seen.values()) }
        context.state.placedAt.clear()
        context.state.seen.clear()
      },
    })
  overdue.sink('overdue', toJsonLines('overdue.jsonl'))
  return { overdue }
})
`

const head = `import { count, countWindow, discard, forEach, type Stream, tumbling } from 'sluice'
declare const untimed: Stream<{ id: number; name: string }, 'no timestamps'>
`

test('planned signatures fit what exists, and what exists goes on to work', { timeout: 120_000 }, () => {
  const diagnostics = compile(
    {
      'flight-delays': flightDelays,
      'order-sla': orderSla,
      'typed-results': `${flightDelays.replace('defineJob,', 'defineJob, forEach,').replace('return { delays }', "delays.sink('checked', forEach((day) => { const key: string = day.key; const start: number = day.window.start; return [key, start, day.flights.toFixed()] })); return { delays }")}`,
      'now-as-before': `${head}
untimed.keyBy((record) => record.id).process('p', (record, context) => [{ key: context.key, name: record.name }]).sink('a', discard())
untimed.keyBy((record) => record.id).process('q', { onRecord: (record, context) => [context.key + record.id] }).map((n) => n.toFixed()).sink('b', discard())
untimed.keyBy((record) => record.id).window(countWindow(10)).aggregate('w', { n: count() }).sink('c', discard())`,
      'event-time-without-timestamps': `${head}untimed.keyBy((record) => record.id).window(tumbling('1d'))`,
      'window-named-window': `${head}untimed.keyBy((record) => record.id).window(countWindow(10)).aggregate('w', { window: count() })`,
    },
    join(dirname(signatures), 'sluice.ts'),
    [signatures],
  )
  const { 'event-time-without-timestamps': untimed, 'window-named-window': named, ...fine } = diagnostics
  expect(Object.entries(fine).filter(([, messages]) => messages.length > 0)).toEqual([])
  expect(untimed?.[0]).toMatch(
    /^3: Argument of type 'WindowAssigner<"lossy">' is not assignable to parameter of type 'WindowAssigner<"no timestamps">'/,
  )
  expect(diagnostics[signatures]).toEqual([])
  expect(named?.[0]).toContain("An aggregate must not be named 'window'")
})
