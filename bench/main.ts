/** `node bench/dist/main.js`: takes the figures, prints one table, writes one JSON file. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { allFigures } from './figures/all-figures.js'
import { describeCommit, describeMachine } from './harness/machine.js'
import { resultsAsMarkdown } from './harness/markdown.js'
import type { FigureResult, Results } from './harness/results.js'
import { takeFigure } from './harness/take-figures.js'
import { judgeTargets } from './harness/targets.js'

const USAGE = `node bench/dist/main.js [options]

  --only <text>      only figures whose id contains the text: edge, edge/text49, chain, ... (several: repeat)
  --processes <n>    processes per contender (default 5)
  --quick            a smoke run: one short process each, a part of the figures
  --write            put the table into bench/README.md (default for a full run: only bench/results/latest.json)
  --list             ids of all figures
`
const PROCESSES = 5
const START = '<!-- results -->'
const END = '<!-- end of results -->'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    processes: { type: 'string', default: String(PROCESSES) },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const folder = new URL('../', import.meta.url)

async function main(): Promise<number> {
  const { only, quick } = options
  if (options.help) return say(USAGE)
  if (options.list) return say(allFigures.map(({ id, title }) => `${id.padEnd(24)} ${title}\n`).join(''))
  const processes = quick ? 1 : Number(options.processes)
  if (!Number.isInteger(processes) || processes < 1) return say(`--processes takes a whole number of at least 1\n\n${USAGE}`, 2)
  const figures = allFigures.filter(
    ({ id, quick: isQuick }) => (!quick || isQuick) && (only.length === 0 || only.some((text) => id.includes(text))),
  )
  if (figures.length === 0) return say(`no figure is called ${only.join(' or ')}; --list names them\n`, 2)
  const machine = describeMachine()
  const taken: FigureResult[] = []
  for (const figure of figures) {
    taken.push(await takeFigure(figure, { processes, quick, progress: (line) => process.stderr.write(`${line}\n`) }))
  }
  const results: Results = {
    date: new Date().toISOString(),
    commit: describeCommit(),
    quick,
    processes,
    machine,
    figures: taken,
    targets: judgeTargets(taken),
  }
  const table = resultsAsMarkdown(results)
  const complete = only.length === 0 && !quick
  mkdirSync(new URL('results/', folder), { recursive: true })
  writeFileSync(new URL(`results/${complete ? 'latest' : 'partial'}.json`, folder), `${JSON.stringify(results, undefined, 1)}\n`)
  if (options.write) writeTable(table)
  process.stdout.write(`${table}\n`)
  return taken.some(({ contenders }) => contenders.some(({ failures }) => failures.length > 0)) ? 1 : 0
}

function writeTable(table: string): void {
  const readme = new URL('README.md', folder)
  const text = readFileSync(readme, 'utf8')
  const start = text.indexOf(START)
  const end = text.indexOf(END)
  if (start < 0 || end < start) throw new Error(`bench/README.md has no ${START} and ${END}`)
  writeFileSync(readme, `${text.slice(0, start + START.length)}\n\n${table}\n\n${text.slice(end)}`)
}

function say(text: string, status = 0): number {
  process.stdout.write(text)
  return status
}

process.exitCode = await main()
