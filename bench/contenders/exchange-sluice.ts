/** The keyed exchange as a job: 2 sources, 2 counts, 4 channels, of which two cross threads; and one more to the sink. */
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { createBoard } from '../harness/meter.js'
import { rateOf } from '../harness/rate.js'
import { runMetered } from '../harness/run-job.js'
import { throughputSpan } from '../harness/spans.js'

const SUBTASKS = 2
const RINGS = 3

export async function measureExchange(options: MeasureOptions): Promise<Measurement> {
  const board = createBoard(SUBTASKS)
  const counted = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT)
  const { readings, result } = await runMetered({
    job: new URL('../jobs/exchange.job.js', import.meta.url),
    params: { board, taken: new SharedArrayBuffer(4), counted, span: throughputSpan(options) },
    workers: SUBTASKS,
    parallelism: SUBTASKS,
    board,
    slots: SUBTASKS,
    rings: RINGS,
    end: 'drain',
  })
  const [total] = new Float64Array(counted)
  if (total !== result.recordsIn) throw new Error(`counted ${total} of ${result.recordsIn} records`)
  return rateOf(readings)
}
