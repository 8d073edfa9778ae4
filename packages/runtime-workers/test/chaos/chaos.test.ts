/** Real processes that are killed; `npm run soak` goes on with other seeds. Two run beside each other, for this machine does other things too. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { runScenario } from './run-scenario.js'
import { drawScenario } from './scenario.js'
import { ChaosTally, describeChaos } from './tally.js'

const SEEDS = Array.from({ length: process.env['SLUICE_TEST_MODE'] === 'nightly' ? 60 : 10 }, (_, at) => at + 1)
/** A busy machine takes its time; an idle one needs a tenth of it. */
const LIMIT_MS = 600_000

const shared = mkdtempSync(join(tmpdir(), 'sluice-chaos-shared-'))
afterAll(() => rmSync(shared, { recursive: true, force: true }))

test('what killed, stopped and failing processes leave is what an undisturbed one leaves', { timeout: LIMIT_MS }, async () => {
  const tally = new ChaosTally()
  const startMs = performance.now()
  const waiting = [...SEEDS]
  const next = async (): Promise<void> => {
    for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift())
      tally.add(await runScenario(drawScenario(seed, { brief: true }), { shared }))
  }
  await Promise.all([next(), next()])
  process.stdout.write(`${describeChaos(tally, (performance.now() - startMs) / 1000)}\n`)
  expect(tally.seeds).toBe(SEEDS.length)
  expect(tally.kills).toBeGreaterThan(0)
  expect(tally.restores).toBeGreaterThan(0)
})
