/** A whole job whose calls have an adaptive limit, in virtual time: what it calls loses half of its capacity for a while. */
import { type IntervalReport, type MetricsSnapshot, planJob, reportInterval, resolveSettings } from '@sluice/engine'
import { defineJob, forEach, fromArray, type Job } from '@sluice/operators'
import { describe, expect, it } from 'vitest'
import { Simulation } from '../../../src/job/simulation.js'
import { Scheduler } from '../../../src/schedule/scheduler.js'

const WORKERS = 12
const WORK_MS = 50
const HALVED_MS = 4_500
const RESTORED_MS = 9_000
/** Each from when the limit has followed the change in front of it. */
const PHASES = [
  [2_500, HALVED_MS],
  [7_000, RESTORED_MS],
  [11_500, 13_500],
] as const
/** Of a call, the time in the queue of the service included: half as many again as it has workers may be under way. */
const TARGET_MS = 90

/** A service with so many workers, half of them for a while, and a queue. What comes while they are all at work waits. */
class Service {
  underWay = 0
  readonly calls: { readonly atMs: number; readonly underWay: number; tookMs: number; endedMs: number }[] = []
  readonly #queue: (() => void)[] = []
  #busy = 0
  /** By the monotonic clock, as reports have it. */
  beganMs = Number.NaN

  /** Since the first call. */
  get nowMs(): number {
    if (Number.isNaN(this.beganMs)) this.beganMs = performance.now()
    return performance.now() - this.beganMs
  }

  workersAt(atMs: number): number {
    return atMs >= HALVED_MS && atMs < RESTORED_MS ? WORKERS / 2 : WORKERS
  }

  readonly call = async (id: number): Promise<number> => {
    const atMs = this.nowMs
    const call = { atMs, underWay: ++this.underWay, tookMs: 0, endedMs: 0 }
    this.calls.push(call)
    if (this.#busy >= this.workersAt(atMs)) await new Promise<void>((resolve) => this.#queue.push(resolve))
    else this.#busy++
    await new Promise((resolve) => setTimeout(resolve, WORK_MS))
    this.#busy--
    while (this.#queue.length > 0 && this.#busy < this.workersAt(this.nowMs)) {
      this.#busy++
      this.#queue.shift()?.()
    }
    this.underWay--
    call.endedMs = this.nowMs
    call.tookMs = call.endedMs - atMs
    return id
  }

  /** Means of what began in an interval, and what ended in it for each that could have. */
  between(fromMs: number, untilMs: number) {
    const began = this.calls.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs)
    const ended = this.calls.filter(({ endedMs }) => endedMs >= fromMs && endedMs < untilMs)
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
    return {
      underWay: mean(began.map(({ underWay }) => underWay)),
      tookMs: mean(began.map(({ tookMs }) => tookMs)),
      ofCapacity: (ended.length * WORK_MS) / (this.workersAt(fromMs) * (untilMs - fromMs)),
    }
  }
}

async function adapting(seed: number) {
  const service = new Service()
  const numbers = Array.from({ length: 2_700 }, (_, id) => id)
  const records: number[] = []
  const job: Job<unknown, unknown> = defineJob({ name: 'adapting' }, (builder) => {
    builder
      .source('numbers', fromArray(numbers))
      .mapAsync('call', service.call, {
        concurrency: 100,
        ordered: false,
        adaptive: { algorithm: 'aimd', target: { latency: TARGET_MS } },
      })
      .sink(
        'out',
        forEach((id) => void records.push(id)),
      )
  })
  const declare = () => job.declare({}, { collect: false })
  const settings = { workers: 2, parallelism: 1, ringBytes: 4096 }
  const reports: IntervalReport[] = []
  const graph = declare()
  const plan = planJob(graph, resolveSettings(graph.settings, { cores: 2, ...settings }))
  let before: MetricsSnapshot | undefined
  const simulation: Simulation = new Simulation({
    scheduler: new Scheduler({ seed }),
    declare,
    settings: () => settings,
    // A report per second, as of a run.
    pace: () => {
      const { attempt, scheduler } = simulation
      if (attempt === undefined || (before !== undefined && scheduler.nowMs < before.atMs + 1_000)) return undefined
      const now = attempt.snapshot()
      if (before !== undefined) reports.push(reportInterval(graph, plan, before, now))
      before = now
      return undefined
    },
  })
  await simulation.run()
  return { service, reports, records, numbers }
}

describe('an adaptive limit of calls', { timeout: 120_000 }, () => {
  it('follows what it calls down to half of its capacity and back, loses nothing, and is told as what holds the source back', async () => {
    for (let seed = 1; seed <= 2; seed++) {
      const { service, reports, records, numbers } = await adapting(seed)
      expect(records.toSorted((left, right) => left - right)).toEqual(numbers)
      expect(service.calls).toHaveLength(numbers.length)
      // Two seconds and more behind each change: a limit of 100 would keep 100 under way, for 400 ms each, and twice that in the middle.
      for (const [fromMs, untilMs] of PHASES) {
        const workers = service.workersAt(fromMs)
        const { underWay, tookMs, ofCapacity } = service.between(fromMs, untilMs)
        expect(ofCapacity).toBeGreaterThan(0.9)
        expect(underWay).toBeGreaterThan(workers)
        expect(underWay).toBeLessThan(2 * workers)
        expect(tookMs).toBeLessThan(TARGET_MS)
        const told = reports.filter(
          ({ atMs, intervalMs }) => atMs - intervalMs >= fromMs + service.beganMs && atMs <= untilMs + service.beganMs,
        )
        expect(told.length).toBeGreaterThan(0)
        for (const { bottleneck } of told) {
          expect(bottleneck).toMatchObject({ kind: 'bulkhead', operator: 'call' })
          // The limit as it is: after a decrease it is just what the service can do at once.
          expect(bottleneck?.calls?.limit).toBeGreaterThan(0.8 * workers)
          expect(bottleneck?.calls?.limit).toBeLessThan(2.5 * workers)
          expect(bottleneck?.message).toMatch(
            /records wait for a place among its calls: \d+ of its own are under way, holds source numbers back/,
          )
        }
      }
    }
  })
})
