/** Latency from the time a record was due to its arrival on another thread, in us. */
import { run } from 'sluice'
import { Worker } from 'node:worker_threads'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { WAKE_CONTROL_BYTES, WAKE_SLOTS, type WakeLoopData } from '../limits/wake-loop.js'
import { createLatencyBoard, latencies, type LatencyBoard } from '../records/latency.js'

/** Share of the records that warm up. */
const WARM_SHARE = 0.25

function boardOf(ratePerSecond: number, { quick }: MeasureOptions): LatencyBoard {
  return createLatencyBoard(ratePerSecond * (quick ? 0.5 : 5))
}

function measurementOf(board: LatencyBoard, ratePerSecond: number): Measurement {
  const { p50, p99, p999, handOverP50, handOverP99 } = latencies(board, ratePerSecond, Math.floor(board.count * WARM_SHARE))
  return { value: p99, details: { p50, p99, 'p99.9': p999, 'made to arrived p50': handOverP50, 'made to arrived p99': handOverP99 } }
}

export async function measureLatency(ratePerSecond: number, options: MeasureOptions): Promise<Measurement> {
  const board = boardOf(ratePerSecond, options)
  const params = { ...board, rate: ratePerSecond }
  const { plan } = await run(new URL('../jobs/latency.job.js', import.meta.url), { params, workers: 2, parallelism: 1 }).finished
  if (plan.channels.length !== 1 || plan.channels[0]?.kind !== 'ring') throw new Error('the records do not cross threads')
  return measurementOf(board, ratePerSecond)
}

export async function measureWakeLoop(sleep: WakeLoopData['sleep'], ratePerSecond: number, options: MeasureOptions): Promise<Measurement> {
  const board = boardOf(ratePerSecond, options)
  const control = new SharedArrayBuffer(WAKE_CONTROL_BYTES)
  const slots = new SharedArrayBuffer(WAKE_SLOTS * Float64Array.BYTES_PER_ELEMENT)
  const start = (role: WakeLoopData['role']): Promise<void> => {
    const workerData: WakeLoopData = { role, sleep, board, ratePerSecond, control, slots }
    const worker = new Worker(new URL('../limits/wake-thread.js', import.meta.url), { workerData })
    return new Promise((resolve, reject) => worker.once('error', reject).once('exit', () => resolve()))
  }
  await Promise.all([start('consumer'), start('producer')])
  return measurementOf(board, ratePerSecond)
}
