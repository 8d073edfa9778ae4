/** Runs a job through the public API until its meters have ended. */
import { type RunResult, run } from 'sluice'
import { awaitSlots, type Reading } from './meter.js'

export interface RunMeteredOptions {
  readonly job: URL
  readonly params: Readonly<Record<string, unknown>>
  readonly workers: number
  readonly parallelism: number
  readonly board: SharedArrayBuffer
  readonly slots: number
  /** How many rings the plan must have: proof that records cross threads, or that they do not. */
  readonly rings: number
  /** How the job ends once the meters have; `drain` lets what is open fire. Default `stop`. */
  readonly end?: 'stop' | 'drain' | undefined
}

export interface MeteredRun {
  readonly readings: readonly Reading[]
  readonly result: RunResult<unknown>
}

export async function runMetered(options: RunMeteredOptions): Promise<MeteredRun> {
  const { job, params, workers, parallelism, board, slots, rings, end = 'stop' } = options
  const handle = run(job, { params, workers, parallelism, report: '1h' })
  const early = handle.finished.then((): never => {
    throw new Error('the job ended before it was measured')
  })
  const readings = await Promise.race([awaitSlots(board, slots), early])
  early.catch(() => {})
  await handle[end]()
  const result = await handle.finished
  const planned = result.plan.channels.filter((channel) => channel.kind === 'ring').length
  if (planned !== rings) throw new Error(`the plan of ${result.plan.job} has ${planned} rings, and this figure needs ${rings}`)
  return { readings, result }
}
