/** What was measured, as a table for terminals and Markdown. Pure. */
import type { Machine } from '../../harness/machine.js'
import { formatNumber } from '../../harness/markdown.js'
import type { CheckResult, QueryMeasurement } from './query-measurement.js'

export interface QueryRun {
  readonly date: string
  readonly commit: string
  readonly machine: Machine
  readonly events: number
  readonly groupSize: number
  readonly parallelism: number
}

export interface QueryResult {
  readonly query: string
  readonly job: QueryMeasurement
  readonly loop?: QueryMeasurement | undefined
  /** Events per second of the job to those of the loop. */
  readonly share?: number | undefined
  readonly check?: CheckResult | undefined
  readonly met?: 'aim' | 'floor' | 'no' | undefined
}

const HEADINGS = [
  'query',
  'M events/s',
  'cold',
  'CPU s per M events',
  'peak MiB (events)',
  'results',
  'loop M events/s',
  'share of loop',
  'in CPU time',
  'target met',
  'check',
]

export function formatQueries(run: QueryRun, results: readonly QueryResult[]): string {
  const { machine, events, groupSize, parallelism, commit, date } = run
  const intro =
    `${events.toLocaleString('en')} events${groupSize === 1 ? '' : ` shuffled in groups of ${groupSize}`}, parallelism ${parallelism}; ` +
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; commit ${commit}, ${date.slice(0, 10)}; ` +
    `load before the run ${machine.loadBefore.toFixed(1)}`
  const lines = [HEADINGS, HEADINGS.map(() => '---'), ...results.map(cells)]
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => (line[column] as string).length)))
  const table = lines.map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column] as number)).join(' | ')} |`)
  const plans = results.map(({ query, job }) => [`${query}:`, ...(job.plan ?? []).map((line) => `  ${line}`)].join('\n'))
  const differences = results.flatMap(({ query, check }) =>
    check?.difference === undefined ? [] : [`${query} is wrong: ${check.difference}`],
  )
  return [intro, '', ...table, '', ...plans, '', ...differences].join('\n')
}

function cells({ query, job, loop, share, check, met }: QueryResult): readonly string[] {
  return [
    query,
    millions(job.eventsPerSecond),
    millions(job.coldEventsPerSecond),
    job.cpuSecondsPerMillionEvents.toFixed(3),
    `${mebibytes(job.peakBytes)} (${mebibytes(job.eventsBytes)})`,
    job.results.toLocaleString('en'),
    loop === undefined ? '' : millions(loop.eventsPerSecond),
    share === undefined ? '' : share.toFixed(3),
    loop === undefined ? '' : (loop.cpuSecondsPerMillionEvents / job.cpuSecondsPerMillionEvents).toFixed(3),
    met ?? '',
    check === undefined ? '' : `${check.difference === undefined ? 'equal' : '**WRONG**'} (${check.against})`,
  ]
}

const millions = (perSecond: number): string => formatNumber(perSecond / 1e6)
const mebibytes = (bytes: number): string => String(Math.round(bytes / 2 ** 20))
