/** Entry of the process that measures or checks one query and prints the answer as JSON on the last line. Argument: the task as JSON. */
import { isCompared } from '../queries/result-columns.js'
import { checkResult } from './check-query.js'
import { type EventFileOptions, loadEvents } from './event-file.js'
import { runJob } from './measure-job.js'
import { measureLoop } from './measure-loop.js'
import type { CheckResult, QueryMeasurement, QueryTask } from './query-measurement.js'

const task = JSON.parse(process.argv[2] ?? '') as QueryTask

async function answer({ what, query, events: count, groupSize, parallelism }: QueryTask): Promise<QueryMeasurement | CheckResult> {
  const options: EventFileOptions = { flavour: 'BC', count, groupSize }
  switch (what) {
    case 'check':
      return checkResult(query, options, parallelism)
    case 'loop':
      if (!isCompared(query)) throw new Error(`${query} has no loop`)
      return measureLoop(query, loadEvents(options), count)
    case 'job': {
      const events = loadEvents(options)
      const { measurement } = await runJob({ query, events, count, parallelism, sink: (board) => ({ kind: 'count', board }) })
      return measurement
    }
  }
}

process.stdout.write(`${JSON.stringify(await answer(task))}\n`)
process.exit(0)
