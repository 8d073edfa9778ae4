/** Twice as many records as the consumer can take, for a minute: what comes through, how old it is, what is lost and why, and whether memory stays flat. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MetricsSnapshot } from '@sluice/engine'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { sleep } from '../harness/sleep.js'
import { metricsOf, startJob } from '../harness/start-job.js'
import type { overloadPolicies } from '../jobs/overload.job.js'
import { roundsPerMicrosecond } from '../records/busy-work.js'
import { createHistogram, percentile } from '../records/latency-histogram.js'

const JOB = new URL('../jobs/overload.job.js', import.meta.url)
const WORK_US = 20
const OVERLOAD = 2
const SECONDS = 60
const QUICK_SECONDS = 10
/** Start and warm-up, not counted. */
const WARM_SECONDS = 3
/** What the consumer can take, measured before. */
const CAPACITY = { warmMs: 2_000, measureMs: 1_500 }
const QUICK_CAPACITY = { warmMs: 1_000, measureMs: 500 }
const MEMORY_EVERY_MS = 250
const MIB = 2 ** 20

export type OverloadPolicy = (typeof overloadPolicies)[number]

export async function measureOverload(policy: OverloadPolicy, options: MeasureOptions): Promise<Measurement> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-overload-'))
  try {
    return await measureIn(directory, policy, options)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function measureIn(directory: string, policy: OverloadPolicy, { quick }: MeasureOptions): Promise<Measurement> {
  const seconds = WARM_SECONDS + (quick ? QUICK_SECONDS : SECONDS)
  const histogram = createHistogram(seconds)
  const rounds = Math.round(WORK_US * roundsPerMicrosecond())
  const capacity = await capacityOf(
    { rate: 0, rounds, policy: 'none', histogram: createHistogram(1), directory },
    quick ? QUICK_CAPACITY : CAPACITY,
  )
  const params = { policy, rate: OVERLOAD * capacity, rounds, histogram, directory }
  const lost = new Map<string, number>()
  const handle = await startJob(JOB, {
    params,
    settings: { stopTimeoutMs: 1 },
    listen: ({ events }) =>
      events.on('lost', ({ dropped }) => {
        for (const { reason, count } of dropped) lost.set(reason, (lost.get(reason) ?? 0) + count)
      }),
  })
  await sleep(WARM_SECONDS * 1000)
  const before = metricsOf(handle)
  const memory: number[] = []
  const timer = setInterval(() => memory.push(process.memoryUsage.rss() / MIB), MEMORY_EVERY_MS)
  await sleep((seconds - WARM_SECONDS) * 1000)
  clearInterval(timer)
  const after = metricsOf(handle)
  // What is still held is given up.
  await handle.stop()
  await handle.finished.catch(() => {})
  const taken = takenOf(after) - takenOf(before)
  const made = (after.subtasks[0]?.recordsIn ?? 0) - (before.subtasks[0]?.recordsIn ?? 0)
  const elapsedMs = after.atMs - before.atMs
  const words = new Int32Array(histogram)
  const losses = [...lost].map(([reason, count]) => [`lost, ${reason}`, count] as const)
  return {
    value: taken / elapsedMs,
    details: {
      'p50 ms': percentile(words, WARM_SECONDS, seconds, 0.5),
      'p99 ms': percentile(words, WARM_SECONDS, seconds, 0.99),
      'capacity, k/s': capacity / 1e3,
      'made, k/s': made / elapsedMs,
      ...Object.fromEntries(losses),
      'memory, MiB': Math.max(...memory),
      // Of the last quarter, to the second: 1 is flat.
      'memory, end to beginning': mean(memory.slice(-memory.length >> 2)) / mean(memory.slice(memory.length >> 2, memory.length >> 1)),
    },
    series: {
      seconds: Array.from({ length: seconds }, (_, second) => second),
      p50: Array.from({ length: seconds }, (_, second) => round(percentile(words, second, second + 1, 0.5))),
      p99: Array.from({ length: seconds }, (_, second) => round(percentile(words, second, second + 1, 0.99))),
      memory: Array.from({ length: seconds }, (_, second) =>
        round(memory[Math.max(0, (second - WARM_SECONDS) * (1000 / MEMORY_EVERY_MS))] ?? Number.NaN),
      ),
    },
  }
}

async function capacityOf(params: Readonly<Record<string, unknown>>, { warmMs, measureMs }: typeof CAPACITY): Promise<number> {
  const handle = await startJob(JOB, { params, settings: { stopTimeoutMs: 1 } })
  await sleep(warmMs)
  const before = metricsOf(handle)
  await sleep(measureMs)
  const after = metricsOf(handle)
  await handle.stop()
  await handle.finished.catch(() => {})
  return ((takenOf(after) - takenOf(before)) * 1000) / (after.atMs - before.atMs)
}

function takenOf({ subtasks }: MetricsSnapshot): number {
  return subtasks.at(-1)?.recordsIn ?? 0
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
