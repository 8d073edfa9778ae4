/** One query as a job on workers, its results counted where they arise. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunResult, run } from 'sluice'
import { outOfOrdernessOf, queryUrl } from '../conformance/run-query.js'
import { cpuUs, createProgress, readProgress } from '../events/progress.js'
import type { QueryParams } from '../queries/query.js'
import { createResultBoard, readResults, type ResultReading } from '../queries/result-board.js'
import type { QueryMeasurement } from './query-measurement.js'

export interface JobRun {
  readonly results: ResultReading
  readonly measurement: QueryMeasurement
}

export interface RunJobOptions {
  readonly query: string
  readonly events: SharedArrayBuffer
  readonly count: number
  readonly parallelism: number
  readonly sink: (board: SharedArrayBuffer) => QueryParams['sink']
}

export async function runJob({ query, events, count, parallelism, sink }: RunJobOptions): Promise<JobRun> {
  const folder = await mkdtemp(join(tmpdir(), 'nexmark-'))
  try {
    const progress = createProgress(parallelism)
    const board = createResultBoard()
    const params = { events, splits: parallelism, outOfOrdernessMs: outOfOrdernessOf(events), sink: sink(board), progress, folder }
    const handle = run(queryUrl(query), { params, workers: parallelism, parallelism, report: '1h' })
    const result = await handle.finished
    const endCpuUs = cpuUs()
    const results = readResults(board)
    const { beganMs, halfMs, halfCpuUs } = readProgress(progress)
    const endMs = results.endMs || performance.timeOrigin + performance.now()
    return {
      results,
      measurement: {
        eventsPerSecond: (count / 2 / (endMs - halfMs)) * 1000,
        coldEventsPerSecond: (count / (endMs - beganMs)) * 1000,
        cpuSecondsPerMillionEvents: (endCpuUs - halfCpuUs) / (count / 2),
        peakBytes: process.resourceUsage().maxRSS * 1024,
        eventsBytes: events.byteLength,
        results: results.rows,
        plan: planLines(result),
      },
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Tasks with their subtasks, and edges with how many of their channels cross threads. */
function planLines({ plan }: RunResult<unknown>): readonly string[] {
  const tasks = plan.tasks.map(({ name, parallelism }) => `[${name}] x ${parallelism}`)
  const edges = plan.edges.map((edge) => {
    const rings = edge.channels.filter((id) => plan.channels[id]?.kind === 'ring').length
    return `${edge.name}: ${edge.partitioning}, ${rings} of ${edge.channels.length} channels cross threads`
  })
  return [...tasks, ...edges]
}
