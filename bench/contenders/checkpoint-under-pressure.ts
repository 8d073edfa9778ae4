/** A checkpoint behind a sink that does not return, with all windows full; and that what is restored from it is exact. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunHandle, run } from 'sluice'
import type { MeasureOptions, Measurement } from '../harness/figure.js'

/** Much more than the windows of three hops hold. */
const RECORDS = 3_000_000
/** Enough for the windows to have followed the pace of the sink. */
const STALL_AFTER = 100_000
const QUICK_STALL_AFTER = 5_000
/** The source has made nothing for so long: it is held back. */
const STILL_MS = 500
const POLL_MS = 20
const PARALLELISM = 2
const JOB = new URL('../jobs/checkpointed-stall.job.js', import.meta.url)

export type PressureMode = 'unaligned' | 'aligned-timeout'

export async function measureUnderPressure(mode: PressureMode, { quick }: MeasureOptions): Promise<Measurement> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const made = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT)
  const taken = new SharedArrayBuffer(RECORDS)
  const common = { workers: 2, parallelism: PARALLELISM, report: '1h', restart: { strategy: 'none' } } as const
  const checkpoint = {
    interval: '1s',
    directory,
    ...(mode === 'unaligned' ? { mode: 'unaligned' as const } : { mode: 'aligned' as const, alignedTimeout: '500ms' as const }),
  } as const
  try {
    const stallAfter = quick ? QUICK_STALL_AFTER : STALL_AFTER
    const stalled = run(JOB, {
      ...common,
      checkpoint,
      params: { count: RECORDS, made, taken, stallAfter },
      settings: { stopTimeoutMs: 1 },
    })
    const completed = await completedWhenStill(stalled, new Float64Array(made))
    // The sink never returns: what is in flight is given up at the time limit, and the last periodic checkpoint is what is restored.
    await stalled.stop()
    await stalled.finished.catch(() => {})
    const before = new Uint8Array(taken).reduce((sum, times) => sum + times, 0)
    await run(JOB, { ...common, checkpoint, restore: 'latest', params: { count: RECORDS, made, taken, stallAfter: 0 } }).finished
    const times = new Uint8Array(taken)
    const lost = times.reduce((sum, each) => sum + (each === 0 ? 1 : 0), 0)
    const twice = times.reduce((sum, each) => sum + (each > 1 ? 1 : 0), 0)
    if (lost > 0 || twice > 0)
      throw new Error(`of ${RECORDS} records ${lost} were lost and ${twice} came twice; ${before} were taken before`)
    return { value: completed.durationMs, details: { bytes: completed.channelBytes, 'taken before': before } }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

interface Completed {
  readonly durationMs: number
  readonly channelBytes: number
}

/** The first checkpoint that began when nothing moved any more. */
async function completedWhenStill(handle: RunHandle<unknown>, made: Float64Array): Promise<Completed> {
  let still = false
  let begun: number | undefined
  const completed = new Promise<Completed>((resolve) => {
    handle.events.on('checkpoint', (event) => {
      if (event.type === 'checkpoint.triggered' && still) begun ??= event.id
      if (event.type === 'checkpoint.completed' && event.id === begun) resolve(event)
    })
  })
  const early = handle.finished.then((): never => {
    throw new Error('the job ended before it was measured')
  })
  early.catch(() => {})
  for (let last = -1, sinceMs = performance.now(); last <= 0 || performance.now() - sinceMs < STILL_MS; ) {
    await Promise.race([new Promise((resolve) => setTimeout(resolve, POLL_MS)), early])
    const now = made[0] as number
    if (now === last) continue
    last = now
    sinceMs = performance.now()
  }
  if ((made[0] as number) >= RECORDS) throw new Error('the source made all of its records: the windows are not full')
  still = true
  return Promise.race([completed, early])
}
