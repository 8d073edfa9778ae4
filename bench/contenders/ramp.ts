/**
 * Ramp to overload. The load that is offered to a consumer of a fixed speed grows in steps; a producer is held back where it lacked credit for more than 1 % of
 * a step. lambda_max is what the consumer takes when more is offered than it can, lambda_bp the load at which the line through the steps crosses 1 %.
 */
import type { MetricsSnapshot } from '@sluice/engine'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { JobSampler } from '../harness/job-sampler.js'
import { sleep } from '../harness/sleep.js'
import { metricsOf, startJob } from '../harness/start-job.js'
import { roundsPerMicrosecond } from '../records/busy-work.js'

const JOB = new URL('../jobs/ramp.job.js', import.meta.url)
/** Of the first estimate of the throughput: the last steps are beyond it. */
const LOADS = [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 1, 1.025, 1.05, 1.1, 1.2]
const STEP_MS = 1_500
const QUICK_STEP_MS = 500
const ESTIMATE = { warmMs: 2_000, measureMs: 2_000 }
const QUICK_ESTIMATE = { warmMs: 1_000, measureMs: 700 }
/** The first part of a step belongs to the one before. */
const SETTLE_SHARE = 0.2
const BLOCKED_SHARE = 0.01

interface Step {
  readonly offered: number
  readonly delivered: number
  /** Share of the time in which the producer lacked credit. */
  readonly blocked: number
}

export async function measureRamp(workUs: number, { quick }: MeasureOptions): Promise<Measurement> {
  const rounds = Math.round(workUs * roundsPerMicrosecond())
  const estimate = await throughput(rounds, quick ? QUICK_ESTIMATE : ESTIMATE)
  const steps = await ramp(rounds, estimate, quick ? QUICK_STEP_MS : STEP_MS)
  const lambdaMax = Math.max(...steps.filter(({ delivered, offered }) => delivered < offered).map(({ delivered }) => delivered))
  const lambdaBp = loadAt(steps, BLOCKED_SHARE)
  if (!(lambdaMax > 0)) throw new Error('no step offered more than the consumer took')
  return {
    value: lambdaBp / lambdaMax,
    details: { 'lambda_max, k/s': lambdaMax / 1e3, 'lambda_bp, k/s': lambdaBp / 1e3 },
    series: {
      offered: steps.map(({ offered }) => Math.round(offered)),
      delivered: steps.map(({ delivered }) => Math.round(delivered)),
      blockedMsPerSecond: steps.map(({ blocked }) => Math.round(blocked * 10_000) / 10),
    },
  }
}

/** Where the share of time first comes to `share`, between the step below it and the one above. */
function loadAt(steps: readonly Step[], share: number): number {
  const above = steps.findIndex(({ blocked }) => blocked > share)
  const high = steps[above]
  const low = steps[above - 1]
  if (high === undefined) throw new Error('no step held the producer back')
  if (low === undefined) return high.offered
  return low.offered + ((high.offered - low.offered) * (share - low.blocked)) / (high.blocked - low.blocked)
}

async function throughput(rounds: number, { warmMs, measureMs }: { warmMs: number; measureMs: number }): Promise<number> {
  const handle = await startJob(JOB, { params: { rate: 0, shares: [1], recordsPerStep: 1, rounds } })
  await sleep(warmMs)
  const before = metricsOf(handle)
  await sleep(measureMs)
  const after = metricsOf(handle)
  await handle.stop()
  await handle.finished
  return ((takenOf(after) - takenOf(before)) * 1000) / (after.atMs - before.atMs)
}

async function ramp(rounds: number, estimate: number, stepMs: number): Promise<readonly Step[]> {
  const top = LOADS.at(-1) as number
  const rate = estimate * top
  const recordsPerStep = Math.round((rate * stepMs) / 1000)
  const handle = await startJob(JOB, { params: { rate, shares: LOADS.map((load) => load / top), recordsPerStep, rounds } })
  const samples: MetricsSnapshot[][] = LOADS.map(() => [])
  const sampler = new JobSampler(handle, {
    boundBytes: () => Number.POSITIVE_INFINITY,
    onSample: (metrics) => {
      const place = (metrics.subtasks[0]?.recordsIn ?? 0) / recordsPerStep
      if (place % 1 >= SETTLE_SHARE) samples[Math.floor(place)]?.push(metrics)
    },
  })
  // What is held back comes later: each step has its records, however long they take.
  while ((metricsOf(handle).subtasks[0]?.recordsIn ?? 0) < recordsPerStep * LOADS.length) await sleep(stepMs / 5)
  sampler.end()
  await handle.stop()
  await handle.finished
  return LOADS.map((load, step) => {
    const first = samples[step]?.[0]
    const last = samples[step]?.at(-1)
    if (first === undefined || last === undefined || first === last) throw new Error(`nothing was measured at ${load} of the throughput`)
    const elapsedMs = last.atMs - first.atMs
    return {
      offered: load * estimate,
      delivered: ((takenOf(last) - takenOf(first)) * 1000) / elapsedMs,
      blocked: ((last.channels[0]?.blockedMs ?? 0) - (first.channels[0]?.blockedMs ?? 0)) / elapsedMs,
    }
  })
}

function takenOf({ subtasks }: MetricsSnapshot): number {
  return subtasks.at(-1)?.recordsIn ?? 0
}
