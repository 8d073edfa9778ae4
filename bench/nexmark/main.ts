/** `node bench/dist/nexmark/main.js`: measures and checks the queries of Nexmark. */
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { jsonOfProcess } from '../harness/json-of-process.js'
import { describeCommit, describeMachine } from '../harness/machine.js'
import { median } from '../harness/statistics.js'
import { queryUrl } from './conformance/run-query.js'
import { ORACLE_EVENTS_MAX } from './harness/check-query.js'
import { ensureEvents } from './harness/event-file.js'
import type { CheckResult, QueryMeasurement, QueryTask } from './harness/query-measurement.js'
import { formatQueries, type QueryResult } from './harness/query-table.js'
import { judgeQuery } from './harness/query-targets.js'
import { ALL_QUERIES, isCompared } from './queries/result-columns.js'

const USAGE = `npm run nexmark -- [options]      or, once built: node bench/dist/nexmark/main.js [options]

  --queries <q0,q5>     default: all there are
  --events <n>          events of all kinds, at least 10,000 (default 1,000,000)
  --parallelism <n>     worker threads, and subtasks of every operator (default 2)
  --group <n>           events that are shuffled among each other; 1: in order (default 1)
  --processes <n>       processes per query; medians are printed (default 1)
  --no-check            leave out the check of the results
  --no-loop             leave out the hand-written loops
  --json                print JSON
  --help                this
`
const ENTRY = new URL('./harness/query-process.js', import.meta.url)
const TIME_LIMIT_MS = 180_000
const EVENTS_MIN = 10_000

class UsageError extends Error {}

interface Options {
  readonly queries: readonly string[]
  readonly events: number
  readonly parallelism: number
  readonly groupSize: number
  readonly processes: number
  readonly check: boolean
  readonly loop: boolean
  readonly json: boolean
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      queries: { type: 'string' },
      events: { type: 'string', default: '1000000' },
      parallelism: { type: 'string', default: '2' },
      group: { type: 'string', default: '1' },
      processes: { type: 'string', default: '1' },
      check: { type: 'boolean', default: true },
      loop: { type: 'boolean', default: true },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  return {
    queries: readQueries(values.queries),
    events: readCount('events', values.events, EVENTS_MIN),
    parallelism: readCount('parallelism', values.parallelism, 1),
    groupSize: readCount('group', values.group, 1),
    processes: readCount('processes', values.processes, 1),
    check: values.check,
    loop: values.loop,
    json: values.json,
  }
}

function readQueries(text: string | undefined): readonly string[] {
  const there = ALL_QUERIES.filter((query) => existsSync(queryUrl(query)))
  if (text === undefined) return there
  const asked = text.split(',').map((query) => query.trim())
  const unknown = asked.filter((query) => !there.includes(query))
  if (unknown.length > 0) throw new UsageError(`there is no query ${unknown.join(', ')}: there are ${there.join(', ')}`)
  return asked
}

function readCount(name: string, text: string, min: number): number {
  const value = Number(text.replaceAll(/[_,]/g, ''))
  if (!Number.isInteger(value) || value < min) throw new UsageError(`--${name} is ${text}, and takes a whole number of at least ${min}`)
  return value
}

async function measureQuery(query: string, options: Options): Promise<QueryResult> {
  const { events, groupSize, parallelism, processes } = options
  const ask = (what: QueryTask['what']): Promise<unknown> => {
    process.stderr.write(`${query} ${what}\n`)
    return jsonOfProcess(ENTRY, [JSON.stringify({ what, query, events, groupSize, parallelism } satisfies QueryTask)], TIME_LIMIT_MS)
  }
  const jobs: QueryMeasurement[] = []
  const loops: QueryMeasurement[] = []
  for (let round = 0; round < processes; round++) {
    jobs.push((await ask('job')) as QueryMeasurement)
    if (options.loop && isCompared(query)) loops.push((await ask('loop')) as QueryMeasurement)
  }
  const job = middle(jobs)
  const loop = loops.length === 0 ? undefined : middle(loops)
  const share = loop === undefined ? undefined : job.eventsPerSecond / loop.eventsPerSecond
  const check = options.check ? ((await ask('check')) as CheckResult) : undefined
  return { query, job, loop, share, check, met: judgeQuery(query, job.eventsPerSecond, share) }
}

function middle(measurements: readonly QueryMeasurement[]): QueryMeasurement {
  const of = (value: (measurement: QueryMeasurement) => number): number => median(measurements.map(value))
  return {
    ...(measurements[0] as QueryMeasurement),
    eventsPerSecond: of((measurement) => measurement.eventsPerSecond),
    coldEventsPerSecond: of((measurement) => measurement.coldEventsPerSecond),
    cpuSecondsPerMillionEvents: of((measurement) => measurement.cpuSecondsPerMillionEvents),
    peakBytes: of((measurement) => measurement.peakBytes),
  }
}

async function main(): Promise<number> {
  const options = readOptions()
  if (options === undefined) {
    process.stdout.write(USAGE)
    return 0
  }
  const { events, groupSize, queries, parallelism, check } = options
  const machine = describeMachine()
  ensureEvents({ flavour: 'BC', count: events, groupSize })
  if (check && queries.some((query) => !isCompared(query))) {
    ensureEvents({ flavour: 'BC', count: Math.min(events, ORACLE_EVENTS_MAX), groupSize })
  }
  const results: QueryResult[] = []
  const failures: string[] = []
  for (const query of queries) {
    try {
      results.push(await measureQuery(query, options))
    } catch (error) {
      failures.push(`${query} failed: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const run = { date: new Date().toISOString(), commit: describeCommit(), machine, events, groupSize, parallelism }
  process.stdout.write(options.json ? `${JSON.stringify({ ...run, results, failures }, undefined, 1)}\n` : formatQueries(run, results))
  for (const failure of failures) process.stderr.write(`${failure}\n`)
  return failures.length > 0 || results.some((result) => result.check?.difference !== undefined) ? 1 : 0
}

try {
  process.exitCode = await main()
} catch (error) {
  const wrong = error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')
  if (!wrong) throw error
  process.stderr.write(`${(error as Error).message}\n\n${USAGE}`)
  process.exitCode = 2
}
