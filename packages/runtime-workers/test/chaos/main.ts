/** Seeds of the chaos with real processes one behind the other: `--seed 7` that one, `--from 1 --count 20` those, `--minutes 10` for so long. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runScenario } from './run-scenario.js'
import { drawScenario } from './scenario.js'
import { describeChaos, ChaosTally } from './tally.js'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string' },
    count: { type: 'string' },
    minutes: { type: 'string' },
    'keep-going': { type: 'boolean' },
    verbose: { type: 'boolean' },
    brief: { type: 'boolean' },
  },
})
const startMs = performance.now()
const limitMs = values.minutes === undefined ? Number.POSITIVE_INFINITY : Number(values.minutes) * 60_000
const first = Number(values.seed ?? values.from ?? Math.floor(Math.random() * 2 ** 31))
const count = values.seed !== undefined ? 1 : Number(values.count ?? Number.POSITIVE_INFINITY)
const shared = mkdtempSync(join(tmpdir(), 'sluice-chaos-shared-'))
const tally = new ChaosTally()
const say = (text: string): void => void process.stdout.write(`${text}\n`)
let failed = 0
for (let seed = first; seed < first + count && performance.now() - startMs < limitMs; seed++) {
  try {
    const report = await runScenario(drawScenario(seed, { brief: values.brief }), {
      shared,
      log: values.verbose === true ? say : undefined,
    })
    tally.add(report)
    if (values.verbose === true) say(`seed ${seed}: exact after ${report.processes} processes, ${report.kills} killed`)
  } catch (error) {
    failed++
    say(error instanceof Error ? error.message : String(error))
    if (values['keep-going'] !== true) break
  }
}
rmSync(shared, { recursive: true, force: true })
say(describeChaos(tally, (performance.now() - startMs) / 1000))
process.exit(failed > 0 ? 1 : 0)
