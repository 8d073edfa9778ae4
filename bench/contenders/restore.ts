/** A job with a million keys of state, stopped and started again: from the call of `run` to the first result. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from 'sluice'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { awaitSlots, createBoard } from '../harness/meter.js'
import { sharedClock } from '../harness/shared-clock.js'
import { createPauseBoard } from '../records/pause-meter.js'

const KEYS = 1_000_000
const QUICK_KEYS = 10_000
const PARALLELISM = 2
const JOB = new URL('../jobs/checkpointed-state.job.js', import.meta.url)
/** No periodic one: the last checkpoint is the one that the job stops with. */
const INTERVAL = '1h'

export async function measureRestore({ quick }: MeasureOptions): Promise<Measurement> {
  const nowMs = sharedClock()
  const keys = quick ? QUICK_KEYS : KEYS
  const directory = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const start = (board: SharedArrayBuffer, first: SharedArrayBuffer, restore: 'latest' | undefined) =>
    run(JOB, {
      params: {
        board,
        taken: new SharedArrayBuffer(4),
        span: { warmMs: 0, warmRecords: keys, measureMs: 0 },
        keys,
        pauses: createPauseBoard(PARALLELISM),
        pausesTaken: new SharedArrayBuffer(4),
        first,
      },
      workers: 2,
      parallelism: PARALLELISM,
      report: '1h',
      restart: { strategy: 'none' },
      checkpoint: { interval: INTERVAL, directory },
      restore,
    })
  try {
    const board = createBoard(PARALLELISM)
    const filled = start(board, new SharedArrayBuffer(8), undefined)
    await Promise.race([awaitSlots(board, PARALLELISM), filled.finished])
    await filled.stop()
    await filled.finished
    const first = new SharedArrayBuffer(8)
    const atMs = new Float64Array(first)
    const calledMs = nowMs()
    const restored = start(createBoard(PARALLELISM), first, 'latest')
    let startedMs = Number.NaN
    restored.events.once('started', () => (startedMs = nowMs()))
    while (atMs[0] === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    const firstMs = atMs[0] as number
    const stateBytes = restored.metrics()?.subtasks.reduce((sum, subtask) => sum + subtask.stateBytes, 0) ?? Number.NaN
    await restored.stop()
    await restored.finished
    return {
      value: firstMs - calledMs,
      details: { 'from when all threads are ready': firstMs - startedMs, 'state in MB': stateBytes / 1e6 },
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
