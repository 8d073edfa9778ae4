/** A running job with checkpoints and without: records per second, the longest pause, and what a checkpoint holds. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run, type RunResult } from 'sluice'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { awaitSlots, createBoard, type Span } from '../harness/meter.js'
import { rateOf } from '../harness/rate.js'
import { createPauseBoard, type Pauses, readPauses } from '../records/pause-meter.js'

const KEYS = 1_000_000
const QUICK_KEYS = 10_000
const PARALLELISM = 2
/** Of a key and of the three number columns of its row: a count, a sum, and what compensates the sum. */
const RAW_BYTES = 4 * Float64Array.BYTES_PER_ELEMENT

/** Every key has its row, and the first checkpoint is behind, before it is measured. */
function spanOf(keys: number, { quick }: MeasureOptions): Span {
  return quick ? { warmMs: 200, warmRecords: keys, measureMs: 400 } : { warmMs: 3_000, warmRecords: keys, measureMs: 5_000 }
}

interface Checkpointed {
  readonly throughput: Measurement
  readonly pauses: Pauses
  readonly checkpoints: RunResult<unknown>['checkpoints']
  readonly keys: number
}

async function runCheckpointed(withCheckpoints: boolean, options: MeasureOptions): Promise<Checkpointed> {
  const { quick } = options
  const keys = quick ? QUICK_KEYS : KEYS
  const span = spanOf(keys, options)
  const board = createBoard(PARALLELISM)
  const pauses = createPauseBoard(PARALLELISM)
  const directory = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  try {
    const handle = run(new URL('../jobs/checkpointed-state.job.js', import.meta.url), {
      params: { board, taken: new SharedArrayBuffer(4), span, keys, pauses, pausesTaken: new SharedArrayBuffer(4) },
      workers: 2,
      parallelism: PARALLELISM,
      report: '1h',
      restart: { strategy: 'none' },
      checkpoint: withCheckpoints ? { interval: quick ? '100ms' : '1s', directory } : false,
    })
    const early = handle.finished.then((): never => {
      throw new Error('the job ended before it was measured')
    })
    const readings = await Promise.race([awaitSlots(board, PARALLELISM), early])
    const found = readPauses(pauses)
    early.catch(() => {})
    await handle.stop()
    const { checkpoints } = await handle.finished
    return { throughput: rateOf(readings), pauses: found, checkpoints, keys }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

export async function measureThroughput(withCheckpoints: boolean, options: MeasureOptions): Promise<Measurement> {
  const { throughput, checkpoints } = await runCheckpointed(withCheckpoints, options)
  if (checkpoints === undefined) return throughput
  const { completed, failed, durationMaxMs, last } = checkpoints
  return {
    ...throughput,
    details: { completed, failed, 'longest ms': durationMaxMs, 'last ms in background': last?.asyncMs ?? Number.NaN },
  }
}

export async function measurePause(withCheckpoints: boolean, options: MeasureOptions): Promise<Measurement> {
  const { pauses, checkpoints } = await runCheckpointed(withCheckpoints, options)
  const details = { 'with the wait for a core': pauses.elapsedMs, 'busy in it': pauses.busyMs }
  return { value: pauses.readyMs, details: checkpoints === undefined ? details : { ...details, 'reported sync': checkpoints.syncMaxMs } }
}

export async function measureSize(options: MeasureOptions): Promise<Measurement> {
  const { checkpoints, keys } = await runCheckpointed(true, options)
  const bytes = checkpoints?.last?.bytes ?? Number.NaN
  return { value: bytes / (keys * RAW_BYTES), details: { 'bytes per key': bytes / keys } }
}
