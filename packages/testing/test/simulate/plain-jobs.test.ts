/** Jobs without checkpoints: results, determinism, and what a simulation says when it cannot go on. */
import { count, defineJob, defineSource, discard, fromArray, sum, tumbling } from '@sluice/operators'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { at, simulate, SimulationFailure } from '../../src/index.js'

const Order = z.object({ id: z.int(), customer: z.string(), amount: z.number() })

const totals = defineJob({ name: 'totals' }, (job) => {
  const totals = job
    .source('orders', { ...fromArray<z.infer<typeof Order>>([]), schema: Order })
    .keyBy((order) => order.customer)
    .aggregate('total', { orders: count(), amount: sum((order) => order.amount) }, { emit: 'end' })
  totals.sink('out', discard())
  return { totals }
})

const orders = Array.from({ length: 300 }, (_, id) => ({ id, customer: `c${id % 7}`, amount: id }))

function sorted(records: readonly { key: string }[]): readonly { key: string }[] {
  return [...records].sort((left, right) => (left.key < right.key ? -1 : 1))
}

test('every seed gives the same result, by other ways', async () => {
  const expected = Array.from({ length: 7 }, (_, customer) => {
    const own = orders.filter(({ id }) => id % 7 === customer)
    return { key: `c${customer}`, orders: own.length, amount: own.reduce((total, { amount }) => total + amount, 0) }
  })
  const traces = new Set<string>()
  for (let seed = 1; seed <= 20; seed++) {
    const { outputs, sinks, trace } = await simulate(totals, { seed, inputs: { orders } })
    expect(sorted(outputs.totals)).toEqual(expected)
    expect(sinks['out']).toHaveLength(7)
    traces.add(trace)
  }
  expect(traces.size).toBe(20)
})

test('the same seed is the same run', async () => {
  const first = await simulate(totals, { seed: 5, inputs: { orders } })
  const second = await simulate(totals, { seed: 5, inputs: { orders } })
  expect(second.trace).toBe(first.trace)
  expect(second.choices).toBe(first.choices)
})

test('a record that does not fit the schema of its source is refused, and so is an input without a source', async () => {
  const wrong = [orders[0], { id: 1, customer: 7, amount: 1 }]
  await expect(simulate(totals, { inputs: { orders: wrong } })).rejects.toThrow(/record 1 of the input "orders".*customer/)
  await expect(simulate(totals, { inputs: { order: orders } })).rejects.toThrow('no source "order"')
})

test('Date, timers and random numbers of the job are virtual, and the real ones come back', async () => {
  const real = [Date, setTimeout, Math.random, performance.now]
  const job = defineJob({ name: 'times' }, (builder) => {
    const seen = builder.source('numbers', fromArray<number>([])).mapAsync(
      'wait',
      async (number) => {
        const before = Date.now()
        await new Promise((resolve) => setTimeout(resolve, 86_400_000))
        return { number, year: new Date().getFullYear(), waited: Date.now() - before, random: Math.random() }
      },
      { timeout: '2d' },
    )
    return { seen }
  })
  const first = await simulate(job, { seed: 3, inputs: { numbers: [1, 2, 3] } })
  expect(first.outputs.seen.map(({ year }) => year)).toEqual([2026, 2026, 2026])
  for (const { waited } of first.outputs.seen) expect(waited).toBeGreaterThanOrEqual(86_399_999)
  expect((await simulate(job, { seed: 3, inputs: { numbers: [1, 2, 3] } })).outputs).toEqual(first.outputs)
  expect([Date, setTimeout, Math.random, performance.now]).toEqual(real)
})

test('inputs arrive at their times, and time goes on behind them', async () => {
  const job = defineJob({ name: 'days' }, (builder) => {
    const perDay = builder
      .source('events', fromArray<{ id: number }>([]))
      .keyBy(() => 'all')
      .window(tumbling('1d', { time: 'processing' }))
      .aggregate('daily', { events: count() })
    return { perDay }
  })
  const { outputs, durationMs } = await simulate(job, {
    seed: 2,
    inputs: { events: [{ id: 1 }, { id: 2 }, at('1d', { id: 3 })] },
    advance: '3d',
  })
  expect(outputs.perDay.map(({ events }) => events)).toEqual([2, 1])
  expect(durationMs).toBeGreaterThan(4 * 86_400_000)
})

test('a read that is never answered is a deadlock that names who waits', async () => {
  const job = defineJob({ name: 'stuck' }, (builder) => {
    builder.source('numbers', defineSource<number>({ open: () => ({ next: () => new Promise(() => {}) }) })).sink('out', discard())
  })
  await expect(simulate(job, { seed: 9 })).rejects.toThrow(/deadlock[^]*park[^]*numbers[^]*seed 9/)
})

test('what the job throws is thrown with its seed', async () => {
  const job = defineJob({ name: 'throws' }, (builder) => {
    builder
      .source('numbers', fromArray([1, 2, 3]))
      .map((value) => {
        if (value === 2) throw new RangeError('two')
        return value
      })
      .sink('out', discard())
  })
  const failed = simulate(job, { seed: 4 })
  await expect(failed).rejects.toThrow(/two.*seed 4/)
  await expect(failed).rejects.not.toBeInstanceOf(SimulationFailure)
})
