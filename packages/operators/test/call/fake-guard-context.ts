/** The world of a guard of calls, for tests without an engine: real timers, and everything that was told kept. */
import type { BreakerChange, CallMetrics, GuardContext, GuardedContext } from '@sluice/engine'

export class FakeGuardContext implements GuardContext {
  readonly job = 'test'
  readonly operator: string
  readonly subtask = { index: 0, parallelism: 1 }
  readonly threads: GuardContext['threads']
  readonly told: string[] = []
  readonly counted: Record<string, number> = {}
  readonly warnings: string[] = []
  readonly changes: BreakerChange[] = []
  /** Records that were given up, by their error. */
  readonly givenUp: (readonly [record: unknown, error: unknown])[] = []
  readonly abort = new AbortController()
  readonly #shares: Map<string, unknown>

  constructor(operator = 'out', threads: GuardContext['threads'] = { index: 0, count: 1 }, shares = new Map<string, unknown>()) {
    this.operator = operator
    this.threads = threads
    this.#shares = shares
  }

  readonly log = {
    debug: () => {},
    info: () => {},
    warn: (message: string) => void this.warnings.push(message),
    error: () => {},
  }

  readonly metrics = {
    count: (name: string, by = 1) => {
      this.counted[name] = (this.counted[name] ?? 0) + by
    },
    gauge: () => {},
  }

  readonly calls: CallMetrics = {
    begin: (attempt) => void this.told.push(`begin ${attempt}`),
    end: (failed) => void this.told.push(failed ? 'failed' : 'ended'),
    backoff: (change, because = 'delay') => void this.told.push(`backoff ${change} ${because}`),
    held: (change) => void this.told.push(`held ${change}`),
    queued: (change) => void this.told.push(`queued ${change}`),
    refused: () => void this.told.push('refused'),
    breaker: (state) => void this.told.push(`breaker ${state}`),
    limit: (calls) => void this.told.push(`limit ${calls}`),
  }

  get signal(): AbortSignal {
    return this.abort.signal
  }

  now(): number {
    return Date.now()
  }

  monotonicMs(): number {
    return performance.now()
  }

  use(name: string): unknown {
    throw new Error(`no resource ${name}`)
  }

  share<T>(key: string, make: () => T): T {
    if (!this.#shares.has(key)) this.#shares.set(key, make())
    return this.#shares.get(key) as T
  }

  sayBreaker(change: BreakerChange): void {
    this.changes.push(change)
  }

  /** The context of a record. */
  record(number: number, run?: GuardedContext['run']): GuardedContext {
    const { job, operator, subtask, log, metrics, signal } = this
    return {
      job,
      operator,
      subtask,
      log,
      metrics,
      signal,
      attempt: 1,
      recordId: `${operator}/0/${number}`,
      run,
      now: () => Date.now(),
      use: (name: string) => this.use(name),
      countError: () => {},
      deadLetter: (record, error) => void this.givenUp.push([record, error]),
    }
  }
}
