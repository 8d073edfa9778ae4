/** Circuit breakers and shared dependencies in virtual time: what is called while something is down, and how calls come back. */
import {
  defineJob,
  fromArray,
  type CallOptions,
  type CircuitBreakerOptions,
  type DependencyOptions,
  type Job,
  type Stream,
} from '@sluice/operators'
import { describe, expect, it } from 'vitest'
import { at, simulate } from '../../../src/index.js'

const numbers = (count: number): number[] => Array.from({ length: count }, (_, id) => id)

/** Something that is down from one time on to another, counted from the first call, and remembers who called it when. */
class Service {
  readonly calls: { readonly atMs: number; readonly failed: boolean }[] = []
  underWay = 0
  underWayMost = 0
  #beganMs: number | undefined

  constructor(
    readonly downFromMs: number,
    readonly downUntilMs: number,
    readonly tookMs = 100,
  ) {}

  readonly call = async <T>(value: T): Promise<T> => {
    this.#beganMs ??= Date.now()
    const atMs = Date.now() - this.#beganMs
    const failed = atMs >= this.downFromMs && atMs < this.downUntilMs
    this.calls.push({ atMs, failed })
    this.underWayMost = Math.max(this.underWayMost, ++this.underWay)
    await new Promise((resolve) => setTimeout(resolve, this.tookMs))
    this.underWay--
    if (failed) throw new Error('service is down')
    return value
  }

  /** Calls that came in an interval. */
  between(fromMs: number, untilMs: number): number {
    return this.calls.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs).length
  }
}

function calling(service: Service, options: CallOptions & { readonly concurrency?: number; readonly ordered?: boolean }) {
  const job: Job<unknown, { readonly called: Stream<number> }> = defineJob({ name: 'calling' }, (builder) => ({
    called: builder.source('numbers', fromArray<number>([])).mapAsync('call', service.call, options),
  }))
  return job
}

const breaker: CircuitBreakerOptions = { failures: 5, openFor: '1s' }
const retry = { attempts: 'unlimited', delay: '10ms', delayMax: '10ms', budget: false } as const

describe('a circuit breaker that lets records wait', () => {
  it('makes no calls but probes during an outage, loses nothing, and lets waiting records go twice as many at a time', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const service = new Service(1000, 11_000)
      const job = calling(service, { concurrency: 64, circuitBreaker: breaker, retry })
      const { outputs, log } = await simulate(job, { seed, inputs: { numbers: numbers(2000) }, parallelism: 1 })
      expect(outputs.called).toEqual(numbers(2000))
      // All that were under way fail, and perhaps what had begun until the fifth failure was known; then one probe in each second.
      expect(service.between(1000, 1900)).toBeLessThanOrEqual(64 + 10)
      expect(service.between(1900, 11_000)).toBeLessThanOrEqual(10)
      // The first calls behind it: one, then 2, then 4.
      const back = service.calls.filter(({ atMs, failed }) => !failed && atMs >= 11_000)
      const firstMs = back[0]?.atMs as number
      // A round takes 100 ms at least.
      for (const round of [0, 1, 2, 3, 4])
        expect(service.between(firstMs, firstMs + round * 100 + 95)).toBeLessThanOrEqual(2 ** (round + 1) - 1)
      expect(service.underWayMost).toBe(64)
      const lines = log.filter(({ event }) => event === 'breaker.changed')
      expect(lines[0]).toMatchObject({
        level: 'warn',
        operator: 'call',
        fields: { dependency: 'call', from: 'closed', to: 'open', because: 'service is down' },
      })
      expect(lines.map(({ fields }) => fields?.['to'])).toContain('half-open')
      expect(lines.at(-1)).toMatchObject({ level: 'info', fields: { from: 'half-open', to: 'closed' } })
    }
  })

  it('says which thread it is of, where several have one', async () => {
    for (const parallelism of [1, 2]) {
      const service = new Service(0, 300)
      const job = calling(service, { concurrency: 8, circuitBreaker: breaker, retry })
      const { log } = await simulate(job, { inputs: { numbers: numbers(200) }, parallelism })
      const opened = log.filter(({ event, fields }) => event === 'breaker.changed' && fields?.['from'] === 'closed')
      const named = opened.map(({ message }) => message.replace(/ is open after .*/, '')).toSorted()
      const threads = parallelism === 1 ? [''] : [' (thread 1 of 2)', ' (thread 2 of 2)']
      expect(named).toEqual(threads.map((which) => `The circuit breaker of call${which}`))
    }
  })

  it('lets as many probes through as it is told, and closes when all of them have succeeded', async () => {
    const service = new Service(0, 500)
    const job = calling(service, { concurrency: 32, circuitBreaker: { ...breaker, probes: 4 }, retry })
    const { outputs } = await simulate(job, { inputs: { numbers: numbers(200) }, parallelism: 1 })
    expect(outputs.called).toEqual(numbers(200))
    const firstMs = service.calls.find(({ failed }) => !failed)?.atMs as number
    expect(service.between(firstMs, firstMs + 95)).toBe(4)
  })

  it('opens by the share of calls that fail in a window, and not by a few', async () => {
    const shares = { failureShare: 0.5, minCalls: 20, window: '10s', openFor: '1s' } as const
    const open: number[] = []
    for (const failing of [0.2, 0.8]) {
      let calls = 0
      const job = defineJob({ name: 'shares' }, (builder) => ({
        called: builder.source('numbers', fromArray<number>([])).mapAsync(
          'call',
          async (id) => {
            await new Promise((resolve) => setTimeout(resolve, 10))
            if (calls++ % 10 < failing * 10 && calls < 300) throw new Error('down')
            return id
          },
          { circuitBreaker: shares, retry },
        ),
      }))
      const { outputs, log } = await simulate(job, { inputs: { numbers: numbers(100) }, parallelism: 1 })
      expect(outputs.called).toEqual(numbers(100))
      open.push(log.filter(({ fields }) => fields?.['to'] === 'open').length)
    }
    expect(open[0]).toBe(0)
    expect(open[1]).toBeGreaterThan(0)
  })
})

describe('a circuit breaker that fails', () => {
  it('refuses calls at once while it is open', async () => {
    const service = new Service(0, 1_000_000, 1)
    const job = calling(service, {
      circuitBreaker: { ...breaker, whileOpen: 'fail', openFor: '1h' },
      retry: { attempts: 20, delay: 1, budget: false },
    })
    await expect(simulate(job, { inputs: { numbers: numbers(10) }, parallelism: 1 })).rejects.toMatchObject({
      code: 'SLUICE_BREAKER_OPEN',
      cause: expect.objectContaining({ message: 'service is down' }) as Error,
    })
    expect(service.calls).toHaveLength(5)
  })
})

describe('a circuit breaker that fails, with dead letters', () => {
  it('is a side output: the stream goes on, and every record is a result or a letter', async () => {
    const service = new Service(300, 2000, 10)
    const job = defineJob({ name: 'aside' }, (builder) => {
      const called = builder.source('numbers', fromArray<number>([])).mapAsync('call', service.call, {
        concurrency: 4,
        circuitBreaker: { failures: 5, openFor: '500ms', whileOpen: 'fail' },
        onError: 'deadLetter',
      })
      return { called, letters: called.deadLetters }
    })
    const inputs = { numbers: numbers(300).map((id) => at(id * 10, id)) }
    const { outputs } = await simulate(job, { seed: 5, inputs, parallelism: 1 })
    const given = outputs.letters.map(({ input }) => input as number)
    expect([...outputs.called, ...given].sort((left, right) => left - right)).toEqual(numbers(300))
    const refused = outputs.letters.filter(({ code }) => code === 'SLUICE_BREAKER_OPEN')
    expect(refused.length).toBeGreaterThan(30)
    expect(new Set(refused.map(({ attempts }) => attempts))).toEqual(new Set([0]))
    expect(service.between(300, 2000)).toBeLessThan(20)
  })
})

describe('a dependency', () => {
  function shared(
    service: Service,
    options: DependencyOptions,
    callers: CallOptions = { retry: { attempts: 'unlimited', delay: '10ms', delayMax: '10ms' } },
  ) {
    const job: Job<unknown, { readonly first: Stream<number>; readonly second: Stream<number> }> = defineJob(
      { name: 'shared' },
      (builder) => {
        const payments = builder.dependency('payments', options)
        const first = builder
          .source('numbers', fromArray<number>([]))
          .mapAsync('first', service.call, { concurrency: 32, dependency: payments, ...callers })
        const second = builder
          .source('others', fromArray<number>([]))
          .mapAsync('second', service.call, { concurrency: 32, dependency: payments, ...callers })
        return { first, second }
      },
    )
    return job
  }

  it('has no more calls under way than its concurrency, over all operators, subtasks and threads', async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const service = new Service(0, 0, 50)
      const job = shared(service, { concurrency: 8 })
      const { outputs } = await simulate(job, { seed, inputs: { numbers: numbers(100), others: numbers(100) } })
      expect(outputs.first).toHaveLength(100)
      expect(outputs.second).toHaveLength(100)
      expect(service.underWayMost).toBeLessThanOrEqual(8)
    }
  })

  it('has one breaker for all operators of a thread', async () => {
    const service = new Service(0, 5000, 10)
    const { outputs, log } = await simulate(shared(service, { circuitBreaker: breaker, retryBudget: false }), {
      seed: 2,
      inputs: { numbers: numbers(50), others: numbers(50) },
      workers: 1,
      parallelism: 1,
    })
    expect(outputs.first).toEqual(numbers(50))
    expect(outputs.second).toEqual(numbers(50))
    expect(service.between(200, 5000)).toBeLessThanOrEqual(6)
    const opened = log.filter(({ fields }) => fields?.['from'] === 'closed' && fields['to'] === 'open')
    expect(opened.map(({ fields }) => fields?.['dependency'])).toEqual(['payments'])
  })

  it('adapts how many calls are under way to what it bears', async () => {
    // Up to 10 calls take 50 ms each; more of them queue up in the service.
    const capacity = 10
    let underWay = 0
    const history: number[] = []
    const job = defineJob({ name: 'adapting' }, (builder) => ({
      called: builder.source('numbers', fromArray<number>([])).mapAsync(
        'call',
        async (id) => {
          history.push(++underWay)
          await new Promise((resolve) => setTimeout(resolve, 50 * Math.max(1, underWay / capacity)))
          underWay--
          return id
        },
        { concurrency: 100, adaptive: { algorithm: 'gradient', min: 2, period: '100ms' }, ordered: false },
      ),
    }))
    const { outputs } = await simulate(job, { inputs: { numbers: numbers(4000) }, parallelism: 1 })
    expect(outputs.called).toHaveLength(4000)
    const late = history.slice(2000, 3900)
    const mean = late.reduce((sum, calls) => sum + calls, 0) / late.length
    expect(Math.max(...history)).toBeLessThan(60)
    expect(mean).toBeGreaterThan(capacity * 0.6)
    expect(mean).toBeLessThan(capacity * 3)
  })
})
