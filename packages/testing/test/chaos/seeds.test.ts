/** Some hundred seeds of the chaos test: nothing is lost, doubled or out of order, whatever crashes and whenever; and every step of the protocol was come to. */
import { protocolSteps } from '@sluice/engine'
import { expect, test } from 'vitest'
import { REGRESSIONS } from './regressions.js'
import { runSeed } from './run-seed.js'
import { describeTally, Tally } from './tally.js'

const nightly = process.env['SLUICE_TEST_MODE'] === 'nightly'
/** Always the same ones, so that all steps of the protocol are hit in all runs or in none. */
const SEEDS = nightly ? 3_000 : 240
const MODES = ['aligned', 'unaligned', 'at-least-once'] as const

test('numbered records count once, whatever crashes', { timeout: nightly ? 3_600_000 : 900_000 }, async () => {
  const tally = new Tally()
  const realNow = performance.now.bind(performance)
  const startMs = realNow()
  for (let seed = 1; seed <= SEEDS; seed++) tally.add(await runSeed(seed))
  process.stdout.write(`\n${describeTally(tally, (realNow() - startMs) / 1000)}\n`)
  expect(protocolSteps.filter((step) => !tally.steps.has(step))).toEqual([])
  expect(tally.crashes).toBeGreaterThan(tally.seeds / 2)
})

test('a checkpoint of which a bit has changed gives way to the one before', { timeout: 300_000 }, async () => {
  const tally = new Tally()
  const change = { mode: 'aligned', flips: true, retain: 3, crashes: 5, intervalMs: 15, rescale: false, slowMs: 1, failures: 0 } as const
  for (let seed = 1; seed <= 15; seed++) tally.add(await runSeed(seed, { ...change, outages: false, timeoutMs: 20_000 }))
  expect(tally.flips).toBeGreaterThan(0)
  expect(tally.skipped).toBeGreaterThanOrEqual(tally.flips)
})

test('a stop that does not wait for what is in flight loses and doubles nothing', { timeout: nightly ? 3_600_000 : 300_000 }, async () => {
  const tally = new Tally()
  // The database is slow, so that much is in flight.
  const change = { stops: 1, cut: true, flips: false, intervalMs: 100, slowDatabaseMs: 30 } as const
  for (let seed = 1; seed <= (nightly ? 600 : 40); seed++)
    tally.add(await runSeed(seed, { ...change, crashes: seed % 2, mode: MODES[seed % 3] ?? 'aligned' }))
  expect(tally.cutShort).toBeGreaterThan(tally.seeds / 10)
})

test.each(REGRESSIONS)('seed $seed: $found', { timeout: 300_000 }, async ({ seed, change }) => {
  await expect(runSeed(seed, change)).resolves.toMatchObject({ seed })
})

test.each([2, 3, 7, 12])('seed %i is the same run to the byte when it is run again', { timeout: 300_000 }, async (seed) => {
  const first = await runSeed(seed)
  expect(await runSeed(seed)).toEqual(first)
})
