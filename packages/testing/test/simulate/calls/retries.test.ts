/** Retries in virtual time: what is tried again, when, how often, and what becomes of it when the job fails or crashes. */
import { CallError, defineJob, fromArray, type CallOptions, type Job, type Stream } from '@sluice/operators'
import { describe, expect, it } from 'vitest'
import { simulate } from '../../../src/index.js'

interface Call {
  readonly id: number
  readonly attempt: number
  readonly atMs: number
  readonly recordId: string
}

type Fails = (call: Call) => Error | undefined

/** A job that calls something for each of its numbers, and the calls that came there. */
function calling(options: CallOptions & { readonly concurrency?: number; readonly ordered?: boolean }, fails: Fails, tookMs = 10) {
  const calls: Call[] = []
  const job: Job<unknown, { readonly called: Stream<number> }> = defineJob({ name: 'calling' }, (builder) => {
    const called = builder.source('numbers', fromArray<number>([])).mapAsync(
      'call',
      async (id, { attempt, recordId }) => {
        const call = { id, attempt, atMs: Date.now(), recordId }
        calls.push(call)
        await new Promise((resolve) => setTimeout(resolve, tookMs))
        const error = fails(call)
        if (error !== undefined) throw error
        return id
      },
      options,
    )
    return { called }
  })
  return { job, calls }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, id) => id)

function gapsOf(calls: readonly Call[]): number[] {
  return calls.slice(1).map(({ atMs }, index) => atMs - (calls[index] as Call).atMs)
}

describe('a retry', () => {
  it('comes after a wait that is drawn evenly from 0 to a bound which doubles', async () => {
    const waits: number[][] = [[], [], [], []]
    for (let seed = 1; seed <= 12; seed++) {
      const { job, calls } = calling(
        { retry: { attempts: 5, delay: '1s', delayMax: '4s', budget: false }, concurrency: 20 },
        ({ attempt }) => (attempt < 5 ? new Error('down') : undefined),
      )
      const { outputs } = await simulate(job, { seed, inputs: { numbers: numbers(20) }, parallelism: 1 })
      expect(outputs.called).toEqual(numbers(20))
      for (const id of numbers(20)) {
        const gaps = gapsOf(calls.filter((call) => call.id === id))
        expect(gaps).toHaveLength(4)
        gaps.forEach((gap, index) => waits[index]?.push(gap - 10))
      }
    }
    // Full jitter: the mean of each is half its bound, and a tenth of them lies in each tenth of it.
    for (const [index, bound] of [1000, 2000, 4000, 4000].entries()) {
      const drawn = waits[index] as number[]
      expect(Math.max(...drawn)).toBeLessThan(bound + 200)
      expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0)
      const mean = drawn.reduce((sum, wait) => sum + wait, 0) / drawn.length
      expect(mean / bound).toBeGreaterThan(0.42)
      expect(mean / bound).toBeLessThan(0.6)
      expect(drawn.filter((wait) => wait < bound / 4).length / drawn.length).toBeGreaterThan(0.12)
      expect(drawn.filter((wait) => wait > (bound * 3) / 4).length / drawn.length).toBeGreaterThan(0.12)
    }
  })

  it('holds its place in an ordered stream, and is overtaken in another one', async () => {
    for (const ordered of [true, false]) {
      const { job } = calling({ retry: { delay: '1s', budget: false }, concurrency: 8, ordered }, ({ id, attempt }) =>
        id === 0 && attempt === 1 ? new Error('down') : undefined,
      )
      const { outputs } = await simulate(job, { seed: 3, inputs: { numbers: numbers(8) }, parallelism: 1 })
      if (ordered) expect(outputs.called).toEqual(numbers(8))
      else {
        expect(outputs.called.at(-1)).toBe(0)
        expect(new Set(outputs.called)).toEqual(new Set(numbers(8)))
      }
    }
  })

  it.each<[string, CallOptions['retry'], Error, number]>([
    ['all attempts have failed', { attempts: 3, delay: 1 }, new Error('down'), 3],
    ['an error of programming', {}, new TypeError('x is not a function'), 1],
    ['a status that will not change', {}, new CallError('not found', { status: 404 }), 1],
    ['an error that says so', {}, new CallError('no', { retriable: false }), 1],
    ['`when` says so', { when: () => false }, new Error('down'), 1],
    [
      'no time is left',
      { attempts: 'unlimited', delay: '400ms', within: '1s', budget: false },
      new CallError('busy', { retryAfterMs: 400 }),
      3,
    ],
  ])('is not made where %s', async (_what, retry, error, attempts) => {
    const { job, calls } = calling({ retry }, () => error)
    await expect(simulate(job, { inputs: { numbers: [1] }, parallelism: 1 })).rejects.toThrow(error.message)
    expect(calls.map(({ attempt }) => attempt)).toEqual(numbers(attempts).map((index) => index + 1))
  })

  it('is made where fetch could not send, which is a TypeError too', async () => {
    const { job, calls } = calling({ retry: { delay: 1 } }, ({ attempt }) =>
      attempt === 1 ? new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') }) : undefined,
    )
    const { outputs } = await simulate(job, { inputs: { numbers: [1] } })
    expect(outputs.called).toEqual([1])
    expect(calls).toHaveLength(2)
  })

  it('comes no earlier than what is called asked for', async () => {
    const { job, calls } = calling({ retry: { delay: '100ms' } }, ({ attempt }) =>
      attempt === 1 ? new CallError('busy', { status: 429, retryAfterMs: 7000 }) : undefined,
    )
    await simulate(job, { inputs: { numbers: [1] } })
    const [gap] = gapsOf(calls)
    expect(gap).toBeGreaterThanOrEqual(7000)
    expect(gap).toBeLessThan(7200)
  })

  it('bears the same record id in each attempt', async () => {
    const { job, calls } = calling({ retry: { delay: 1 } }, ({ attempt }) => (attempt < 3 ? new Error('down') : undefined))
    await simulate(job, { inputs: { numbers: numbers(5) }, parallelism: 1 })
    for (const id of numbers(5)) expect(new Set(calls.filter((call) => call.id === id).map(({ recordId }) => recordId)).size).toBe(1)
  })
})

describe('a retry budget', () => {
  it('lets no more retries through than a share of the calls and so many per second, and loses nothing', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const budget = { share: 0.1, perSecond: 2 }
      const { job, calls } = calling({ retry: { attempts: 'unlimited', delay: 1, delayMax: 1, budget }, concurrency: 50 }, ({ attempt }) =>
        attempt < 4 ? new Error('down') : undefined,
      )
      const { outputs } = await simulate(job, { seed, inputs: { numbers: numbers(100) }, parallelism: 1 })
      expect(outputs.called).toEqual(numbers(100))
      const firstMs = Math.min(...calls.map(({ atMs }) => atMs))
      for (const { atMs } of calls) {
        const before = calls.filter((call) => call.atMs <= atMs)
        const retries = before.filter(({ attempt }) => attempt > 1).length
        const saved = 10 * budget.perSecond
        const given = budget.share * (before.length - retries) + (budget.perSecond * (atMs - firstMs)) / 1000
        expect(retries).toBeLessThanOrEqual(saved + given + 1)
      }
    }
  })

  it('gives records up where it is told to', async () => {
    const { job, calls } = calling(
      { retry: { attempts: 100, delay: 1, budget: { share: 0, perSecond: 1, whenEmpty: 'giveUp' } } },
      () => new Error('down'),
    )
    await expect(simulate(job, { inputs: { numbers: [1] }, parallelism: 1 })).rejects.toThrow('down')
    expect(calls).toHaveLength(11)
  })
})

describe('a timeout', () => {
  it('ends an attempt at a call that hangs for ever, and the next one is made', async () => {
    const aborted: unknown[] = []
    const job = defineJob({ name: 'hanging' }, (builder) => ({
      called: builder.source('numbers', fromArray<number>([])).mapAsync(
        'call',
        async (id, { attempt, signal }) => {
          if (attempt > 2) return id
          return new Promise<number>((_resolve, reject) =>
            signal.addEventListener('abort', () => {
              aborted.push((signal.reason as { readonly code?: unknown }).code)
              reject(new Error('aborted'))
            }),
          )
        },
        { timeout: '5s', retry: { delay: 1, budget: false }, concurrency: 4 },
      ),
    }))
    const { outputs, durationMs } = await simulate(job, { inputs: { numbers: numbers(4) }, parallelism: 1 })
    expect(outputs.called).toEqual(numbers(4))
    expect(aborted).toEqual(Array.from({ length: 8 }, () => 'SLUICE_TIMEOUT'))
    expect(durationMs).toBeGreaterThanOrEqual(10_000)
    expect(durationMs).toBeLessThan(10_500)
  })

  it('leaves no more than 256 calls behind that go on regardless', async () => {
    let calls = 0
    const job = defineJob({ name: 'ignoring' }, (builder) => ({
      called: builder.source('numbers', fromArray<number>([])).mapAsync(
        'call',
        async () => {
          calls++
          return new Promise<number>(() => {})
        },
        { timeout: '1s', retry: { attempts: 5, delay: 1, budget: false }, concurrency: 100 },
      ),
    }))
    const run = simulate(job, { inputs: { numbers: numbers(500) }, parallelism: 1 })
    await expect(run).rejects.toMatchObject({ code: 'SLUICE_CALLS_LEFT_BEHIND', hint: expect.stringContaining('context.signal') as string })
    expect(calls).toBeGreaterThanOrEqual(256)
    expect(calls).toBeLessThan(256 + 100)
  })
})

describe('records in flight', () => {
  it('are called again after a crash, from the first attempt on, with the same ids', async () => {
    let crashes = 0
    for (let seed = 1; seed <= 8; seed++) {
      for (const mode of ['aligned', 'unaligned'] as const) {
        const { job, calls } = calling({ retry: { delay: '50ms', budget: false }, concurrency: 4 }, ({ id, attempt }) =>
          id % 3 === 0 && attempt < 3 ? new Error('down') : undefined,
        )
        const result = await simulate(job, {
          seed,
          inputs: { numbers: numbers(60) },
          crashes: 2,
          parallelism: 1,
          checkpoint: { interval: 20, mode },
        })
        crashes += result.crashes
        expect(result.outputs.called).toEqual(numbers(60))
        for (const { recordId } of calls) {
          const attempts = calls.filter((call) => call.recordId === recordId).map(({ attempt }) => attempt)
          // 1, 2, 3, or from 1 on again; never on from where it stood.
          attempts.forEach((attempt, index) => expect(attempt === 1 || attempt === (attempts[index - 1] as number) + 1).toBe(true))
        }
      }
    }
    expect(crashes).toBeGreaterThan(8)
  })

  it('wait no longer when the job fails', async () => {
    const { job, calls } = calling(
      {
        retry: { attempts: 'unlimited', delay: '1h', delayMax: '1h', when: (error) => (error as Error).message !== 'fatal' },
        concurrency: 4,
      },
      ({ id }) => new Error(id === 3 ? 'fatal' : 'down'),
    )
    await expect(simulate(job, { inputs: { numbers: numbers(4) }, parallelism: 1 })).rejects.toThrow('fatal')
    expect(calls).toHaveLength(4)
  })
})
