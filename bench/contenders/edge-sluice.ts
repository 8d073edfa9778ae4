/** One edge of a job: source and sink on two workers. */
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { createBoard } from '../harness/meter.js'
import { rateOf } from '../harness/rate.js'
import { runMetered } from '../harness/run-job.js'
import { throughputSpan } from '../harness/spans.js'
import type { KindName } from '../records/kinds.js'

export async function measureEdge(kind: KindName, options: MeasureOptions): Promise<Measurement> {
  const board = createBoard(1)
  const params = { board, span: throughputSpan(options), kind }
  const job = new URL('../jobs/edge.job.js', import.meta.url)
  const { readings } = await runMetered({ job, params, workers: 2, parallelism: 1, board, slots: 1, rings: 1 })
  return rateOf(readings)
}
