/** Some hundred seeds of the chaos test: nothing is lost, doubled or out of order, whatever crashes and whenever; and every step of the protocol was come to. */
import { protocolSteps } from '@sluice/engine'
import { expect, test } from 'vitest'
import { REGRESSIONS } from './regressions.js'
import { runSeed } from './run-seed.js'
import { describeTally, Tally } from './tally.js'

const nightly = process.env['SLUICE_TEST_MODE'] === 'nightly'
const SEEDS = nightly ? 3_000 : 300
/** A slow machine runs fewer, but no fewer than these. */
const SEEDS_MIN = 100
const LIMIT_MS = nightly ? 900_000 : 60_000

test('numbered records count once, whatever crashes', { timeout: 4 * LIMIT_MS }, async () => {
  const tally = new Tally()
  const realNow = performance.now.bind(performance)
  const startMs = realNow()
  for (let seed = 1; seed <= SEEDS && (tally.seeds < SEEDS_MIN || realNow() - startMs < LIMIT_MS); seed++) tally.add(await runSeed(seed))
  process.stdout.write(`\n${describeTally(tally, (realNow() - startMs) / 1000)}\n`)
  expect(protocolSteps.filter((step) => !tally.steps.has(step))).toEqual([])
  expect(tally.crashes).toBeGreaterThan(tally.seeds / 2)
  expect(tally.skipped).toBeGreaterThan(0)
})

test.each(REGRESSIONS)('seed $seed: $found', { timeout: 60_000 }, async ({ seed, change }) => {
  await expect(runSeed(seed, change)).resolves.toMatchObject({ seed })
})

test.each([2, 3, 7, 12])('seed %i is the same run to the byte when it is run again', async (seed) => {
  const { steps: _first, ...first } = await runSeed(seed)
  const { steps: _second, ...second } = await runSeed(seed)
  expect(second).toEqual(first)
})
