/** CPU time of the whole process, in % of one core, while a job on two workers has nothing to do, or while two bare threads sleep. */
import { run } from 'sluice'
import { Worker } from 'node:worker_threads'
import type { MeasureOptions, Measurement } from '../harness/figure.js'

/** V8 collects the garbage of the start once, some eight seconds after a process has gone quiet: that is no idling. */
const SETTLE_MS = 15_000
const MEASURE_MS = 10_000
const QUICK_MS = 400

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function cpuShare({ quick }: MeasureOptions): Promise<Measurement> {
  await sleep(quick ? QUICK_MS : SETTLE_MS)
  const before = process.cpuUsage()
  const startMs = performance.now()
  await sleep(quick ? QUICK_MS : MEASURE_MS)
  const { user, system } = process.cpuUsage(before)
  return { value: ((user + system) / 1000 / (performance.now() - startMs)) * 100 }
}

export async function measureIdle(source: 'rate' | 'iterable', options: MeasureOptions): Promise<Measurement> {
  const handle = run(new URL('../jobs/idle.job.js', import.meta.url), { params: { source }, workers: 2, parallelism: 1 })
  await Promise.race([new Promise<void>((resolve) => handle.events.once('started', () => resolve())), handle.finished])
  const measured = await cpuShare(options)
  await handle.stop()
  await handle.finished
  return measured
}

export async function measureIdleThreads(options: MeasureOptions): Promise<Measurement> {
  const workers = [0, 1].map(() => new Worker('setInterval(() => {}, 1e6)', { eval: true }))
  const measured = await cpuShare(options)
  await Promise.all(workers.map((worker) => worker.terminate()))
  return measured
}
