// totals.test.ts
import { at, simulate } from '@sluice/testing'
import { expect, test } from 'vitest'
import totals from './totals.js'

const HOUR = 3_600_000
const orders = Array.from({ length: 500 }, (_, id) => ({ id, customer: `c${id % 5}`, amount: 1, at: id * 60_000 }))

test.each([1, 2, 3, 4, 5])('every hour is there once, whatever crashes: seed %s', async (seed) => {
  const { outputs, crashes } = await simulate(totals, { seed, inputs: { orders }, crashes: 3 })
  expect(crashes).toBeGreaterThan(0)
  expect(outputs.hourly.reduce((all, row) => all + row.orders, 0)).toBe(500)
  expect(new Set(outputs.hourly.map((row) => `${row.key} ${row.window.start}`)).size).toBe(outputs.hourly.length)
})

test('an hour ends when the watermark has passed it, a day later too', async () => {
  const first = { id: 1, customer: 'ann', amount: 5, at: 0 }
  const nextDay = { id: 2, customer: 'ann', amount: 7, at: 24 * HOUR }
  const { outputs, durationMs } = await simulate(totals, { inputs: { orders: [first, at('1d', nextDay)] } })
  expect(outputs.hourly.map((row) => row.amount)).toEqual([5, 7])
  expect(durationMs).toBeGreaterThanOrEqual(24 * HOUR)
})

test('a worker fails when it freezes its state; then the process dies when a manifest is durable and nobody knows it', async () => {
  const { outputs, crashes } = await simulate(totals, {
    inputs: { orders },
    crashes: [{ of: 'worker', step: 'snapshot' }, { step: 'manifest-rename' }],
  })
  expect(crashes).toBe(2)
  expect(outputs.hourly.reduce((all, row) => all + row.orders, 0)).toBe(500)
})
