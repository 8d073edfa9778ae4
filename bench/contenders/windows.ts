/** Sliding windows of ten minutes: time per record, with everything that fires. */
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { createBoard } from '../harness/meter.js'
import { timeOf } from '../harness/rate.js'
import { runMetered } from '../harness/run-job.js'

/** Ten minutes of event time must have passed before it is measured. */
const WINDOW_RECORDS = 6_000_000

export async function measureSliding(slideMs: number, keys: number, { quick }: MeasureOptions): Promise<Measurement> {
  const board = createBoard(1)
  const span = quick ? { warmMs: 100, measureMs: 150 } : { warmMs: 4_000, measureMs: 3_000 }
  const { readings, result } = await runMetered({
    job: new URL('../jobs/windows.job.js', import.meta.url),
    params: { board, taken: new SharedArrayBuffer(4), span, keys, slideMs },
    workers: 1,
    parallelism: 1,
    board,
    slots: 1,
    rings: 0,
  })
  const measured = readings[0]?.records ?? 0
  if (!quick && result.recordsIn - measured < WINDOW_RECORDS) throw new Error('no window was full when it was measured')
  return { ...timeOf(readings), details: { 'results per record': result.recordsOut / result.recordsIn } }
}
