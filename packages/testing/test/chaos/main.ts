/**
 * Runs seeds of the chaos test one behind the other: `--minutes 10` for so long, `--seed 7` that one, `--from 1 --count 100` those. Prints what was run and hit; exit
 * status 1 where a seed failed, with its replay. Made into one file and started by `scripts/soak.mjs`.
 */
import { parseArgs } from 'node:util'
import { describeTally, Tally } from './tally.js'
import { runSeed, type Change } from './run-seed.js'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string' },
    from: { type: 'string' },
    count: { type: 'string' },
    'keep-going': { type: 'boolean' },
    change: { type: 'string' },
  },
})
const startMs = performance.now()
const elapsedMs = performance.now.bind(performance)
const limitMs = values.minutes === undefined ? Number.POSITIVE_INFINITY : Number(values.minutes) * 60_000
const first = Number(values.seed ?? values.from ?? (values.minutes === undefined ? 1 : Math.floor(Math.random() * 2 ** 31)))
const count = values.seed !== undefined ? 1 : Number(values.count ?? (values.minutes === undefined ? 300 : Number.POSITIVE_INFINITY))
/** Parts of the scenario that are set by hand: what makes a failure smaller. */
const change = JSON.parse(values.change ?? '{}') as Change
const tally = new Tally()
let failed = 0
for (let seed = first; seed < first + count && elapsedMs() - startMs < limitMs; seed++) {
  try {
    tally.add(await runSeed(seed, change))
  } catch (error) {
    failed++
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    if (values['keep-going'] !== true) break
  }
}
process.stdout.write(`${describeTally(tally, (elapsedMs() - startMs) / 1000)}\n`)
process.exit(failed > 0 ? 1 : 0)
