/** Aggregates per key at a given number of keys: time per record once every key has its row, and memory per key. */
import { run } from 'sluice'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { awaitSlots, createBoard, Meter, type Reading, readSlot, type Span } from '../harness/meter.js'
import { timeOf } from '../harness/rate.js'
import { mapOfObjects, type StateLoop, typedColumns } from '../limits/state-loop.js'

const loops = { typedColumns, mapOfObjects } satisfies Record<string, StateLoop>
export type StateLoopName = keyof typeof loops

/** Every key must have its row before it is measured: up to two microseconds each. */
function spanOf(keys: number, { quick }: MeasureOptions): Span {
  return quick ? { warmMs: 100, measureMs: 150 } : { warmMs: 800 + keys / 500, measureMs: 1_500 }
}

export async function measureState(keys: number, options: MeasureOptions): Promise<Measurement> {
  const board = createBoard(1)
  const params = { board, taken: new SharedArrayBuffer(4), span: spanOf(keys, options), keys }
  const handle = run(new URL('../jobs/state.job.js', import.meta.url), { params, workers: 1, parallelism: 1, report: '1h' })
  const early = handle.finished.then((): never => {
    throw new Error('the job ended before it was measured')
  })
  const readings = await Promise.race([awaitSlots(board, 1), early])
  early.catch(() => {})
  const stateBytes = handle.metrics()?.subtasks.reduce((sum, subtask) => sum + subtask.stateBytes, 0) ?? Number.NaN
  await handle.stop()
  const { recordsIn } = await handle.finished
  if (recordsIn - (readings[0] as Reading).records < keys) throw new Error(`${keys} keys did not all have their row when it was measured`)
  return { ...timeOf(readings), details: { 'bytes per key': stateBytes / keys } }
}

export function measureStateLoop(loop: StateLoopName, keys: number, options: MeasureOptions): Measurement {
  const board = createBoard(1)
  const bytes = loops[loop](keys, new Meter(board, 0, spanOf(keys, options)))
  const measurement = timeOf([readSlot(board, 0) as Reading])
  return bytes === undefined ? measurement : { ...measurement, details: { 'bytes per key': bytes / keys } }
}
