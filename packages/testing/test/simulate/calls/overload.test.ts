/** Retries must not make an overload worse: a service that can do so much and no more is overloaded for a while, in virtual time. */
import { type CallOptions, defineJob, fromArray, type Job, type Stream } from '@sluice/operators'
import { describe, expect, it } from 'vitest'
import { at, simulate } from '../../../src/index.js'

const WORKERS = 10
const WORK_MS = 20
/** Calls per second that it can do. */
const CAPACITY = (WORKERS * 1000) / WORK_MS
const TIMEOUT_MS = 200

/**
 * A service with so many workers and a queue that is not bounded. It does what waits in it also for callers who have gone away: what overloads it is work that nobody wants any more.
 */
class Service {
  calls = 0
  /** Answers that came in time, by second. */
  readonly good: number[] = []
  readonly #queue: (() => void)[] = []
  #busy = 0
  #beganMs: number | undefined

  /** A caller hangs up when its time is up. */
  readonly call = (id: number, { signal }: { readonly signal: AbortSignal }): Promise<number> =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
      void this.#work(id).then(resolve)
    })

  async #work(id: number): Promise<number> {
    this.calls++
    this.#beganMs ??= Date.now()
    const cameMs = Date.now()
    if (this.#busy === WORKERS) await new Promise<void>((resolve) => this.#queue.push(resolve))
    else this.#busy++
    await new Promise((resolve) => setTimeout(resolve, WORK_MS))
    const next = this.#queue.shift()
    if (next === undefined) this.#busy--
    else next()
    if (Date.now() - cameMs <= TIMEOUT_MS) {
      const second = Math.floor((Date.now() - this.#beganMs) / 1000)
      this.good[second] = (this.good[second] ?? 0) + 1
    }
    return id
  }
}

/** Records at 70 % of what the service can do, but for a burst of as much as it does in two seconds, which comes at once. */
function arrivals() {
  const inputs = []
  let id = 0
  const perStep = (CAPACITY * 0.7) / 20
  for (let step = 0; step < 12 * 20; step++) {
    for (let count = 0; count < perStep; count++) inputs.push(at(step * 50, id++))
    if (step === 40) for (let count = 0; count < 2 * CAPACITY; count++) inputs.push(at(step * 50, id++))
  }
  return { inputs, records: id }
}

async function overloaded(options: CallOptions) {
  const service = new Service()
  const job: Job<unknown, { readonly called: Stream<number> }> = defineJob({ name: 'overloaded' }, (builder) => ({
    called: builder
      .source('numbers', fromArray<number>([]))
      .mapAsync('call', service.call, { concurrency: 2000, ordered: false, timeout: TIMEOUT_MS, onError: 'drop', ...options }),
  }))
  const { inputs, records } = arrivals()
  const { outputs } = await simulate(job, { seed: 1, inputs: { numbers: inputs }, parallelism: 1, workers: 1 })
  return { delivered: outputs.called.length / records, callsPerRecord: service.calls / records, good: service.good }
}

describe('an overloaded service', { timeout: 300_000 }, () => {
  it('recovers where retries have a budget and a breaker, and not where they are made as they come', async () => {
    const retry = { attempts: 10, delay: '50ms', delayMax: '200ms' } as const
    const naive = await overloaded({ retry: { ...retry, budget: false } })
    const guarded = await overloaded({
      retry: { ...retry, attempts: 30, budget: { share: 0.1, perSecond: 10 } },
      circuitBreaker: { failureShare: 0.5, minCalls: 20, window: '1s', openFor: '500ms' },
    })
    // What is answered in time, in the seconds well behind the burst; records come at 70 % of the capacity, or what is left of them.
    const late = ({ good }: { readonly good: readonly number[] }): number =>
      good.slice(8, 12).reduce((sum, answers) => sum + answers, 0) / 4 / CAPACITY
    expect(late(guarded)).toBeGreaterThan(0.4)
    expect(late(naive)).toBe(0)
    expect(guarded.delivered).toBe(1)
    expect(naive.delivered).toBeLessThan(0.3)
    // The budget: a tenth of the calls, ten in each second, and what was saved.
    expect(guarded.callsPerRecord).toBeLessThan(1.6)
    expect(naive.callsPerRecord).toBeGreaterThan(5)
  })
})
