/** Sources that acknowledge what complete checkpoints cover lose nothing, whatever crashes and whenever. */
import { expect, test } from 'vitest'
import { runSeed } from './run-queue.js'

const SEEDS = process.env['SLUICE_TEST_MODE'] === 'nightly' ? 2_000 : 100

test('what was not covered is given again, and nothing is lost', { timeout: 900_000 }, async () => {
  const total = { crashes: 0, checkpoints: 0, failedCheckpoints: 0, forgotten: 0, givenAgain: 0, countedAgain: 0 }
  for (let seed = 1; seed <= SEEDS; seed++) {
    const report = await runSeed(seed)
    for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += report[name]
  }
  process.stdout.write(`\n${SEEDS} seeds: ${JSON.stringify(total)}\n`)
  expect(total.crashes).toBeGreaterThan(SEEDS / 2)
  expect(total.failedCheckpoints).toBeGreaterThan(0)
  // Both ways of a crash: before anything was counted, and behind a checkpoint that was complete and of which the queue had not heard.
  expect(total.givenAgain).toBeGreaterThan(total.countedAgain)
  expect(total.countedAgain).toBeGreaterThan(0)
})
