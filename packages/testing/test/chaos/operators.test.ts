/** Every operator leaves what it leaves undisturbed, whatever crashes and at whichever parallelism it goes on. */
import { afterAll, expect, test } from 'vitest'
import { operatorNames } from './operators-job.js'
import { runSeed } from './run-seed.js'
import { describeTally, Tally } from './tally.js'

const nightly = process.env['SLUICE_TEST_MODE'] === 'nightly'
const SEEDS = nightly ? 100 : 6
const tally = new Tally()
const elapsedMs = performance.now.bind(performance)
const startMs = elapsedMs()

afterAll(() => void process.stdout.write(`\n${describeTally(tally, (elapsedMs() - startMs) / 1000)}\n`))

test.each(operatorNames.map((name, index) => ({ name, index })))(
  '$name',
  { timeout: nightly ? 3_600_000 : 600_000 },
  async ({ name, index }) => {
    for (let at = 0; at < SEEDS; at++) {
      const seed = 1_000 * (index + 1) + at
      const mode = (['aligned', 'unaligned', 'switch'] as const)[at % 3] ?? 'aligned'
      const faults = { mode, crashes: 3, intervalMs: 25, alignedTimeoutMs: mode === 'switch' ? 5 : undefined, flips: false }
      const report = await runSeed(seed, { operators: [name], ...faults })
      expect(report).toMatchObject({ seed })
      tally.add(report)
    }
  },
)
