/** `node bench/dist/main.js`: takes the figures, prints one table, writes one JSON file. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { drawCharts } from './charts/draw-charts.js'
import { allFigures } from './figures/all-figures.js'
import { describeCommit, describeMachine } from './harness/machine.js'
import { resultsAsMarkdown } from './harness/markdown.js'
import type { FigureResult, Results } from './harness/results.js'
import { takeFigure } from './harness/take-figures.js'
import { judgeTargets } from './harness/targets.js'

const USAGE = `node bench/dist/main.js [options]

  --only <text>      only figures whose id contains the text: edge, edge/text49, chain, ... (several: repeat);
                     flow-control, borders: those that are taken by themselves alone, with their charts
  --processes <n>    processes per contender (default 5)
  --quick            a smoke run: one short process each, a part of the figures
  --write            put the table into bench/README.md (default for a full run: only bench/results/latest.json)
  --list             ids of all figures
`
const PROCESSES = 5
/** What a run puts its table between, by section. */
const MARKS = {
  main: ['<!-- results -->', '<!-- end of results -->'],
  'flow-control': ['<!-- flow control results -->', '<!-- end of flow control results -->'],
  borders: ['<!-- borders results -->', '<!-- end of borders results -->'],
} as const

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
    ({ id, section, quick: isQuick }) =>
      (!quick || isQuick) && (only.length === 0 ? section === undefined : only.some((text) => id.includes(text))),
  )
  const [asked] = only
  const section = only.length === 1 && (asked === 'flow-control' || asked === 'borders') ? asked : 'main'
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
  const complete = (only.length === 0 || section !== 'main') && !quick
  mkdirSync(new URL('results/', folder), { recursive: true })
  const file = complete ? (section === 'main' ? 'latest' : section) : 'partial'
  writeFileSync(new URL(`results/${file}.json`, folder), asJson(results))
  if (options.write) writeTable(table, section)
  // The pictures of a complete run belong beside the table, others are only to be looked at.
  const pictures = new URL(complete && section !== 'main' ? `figures/${section}/` : 'results/partial/', folder)
  for (const drawn of ['flow-control', 'borders'] as const) {
    for (const [name, svg] of await drawCharts(drawn, taken)) {
      mkdirSync(pictures, { recursive: true })
      writeFileSync(new URL(`${name}.svg`, pictures), svg)
      process.stderr.write(`drew ${new URL(`${name}.svg`, pictures).pathname}\n`)
    }
  }
  process.stdout.write(`${table}\n`)
  return taken.some(({ contenders }) => contenders.some(({ failures }) => failures.length > 0)) ? 1 : 0
}

/** A series on one line. */
function asJson(results: Results): string {
  const text = JSON.stringify(
    results,
    (key, value: unknown) => (key === 'series' && value !== undefined ? JSON.stringify(value) : value),
    1,
  )
  return `${text.replace(/"series": ("(?:[^"\\\\]|\\\\.)*")/g, (_, series: string) => `"series": ${JSON.parse(series) as string}`)}\n`
}

function writeTable(table: string, section: keyof typeof MARKS): void {
  const [before, behind] = MARKS[section]
  const readme = new URL('README.md', folder)
  const text = readFileSync(readme, 'utf8')
  const start = text.indexOf(before)
  const end = text.indexOf(behind)
  if (start < 0 || end < start) throw new Error(`bench/README.md has no ${before} and ${behind}`)
  writeFileSync(readme, `${text.slice(0, start + before.length)}\n\n${table}\n\n${text.slice(end)}`)
}

function say(text: string, status = 0): number {
  process.stdout.write(text)
  return status
}

process.exitCode = await main()
