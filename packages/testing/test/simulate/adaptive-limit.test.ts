/** An adaptive limit in a job: what it sees of the operator behind it, and that its rate follows. */
import { defineJob, fromArray, type Stream } from '@sluice/operators'
import { describe, expect, it } from 'vitest'
import { simulate } from '../../src/index.js'

interface Answer {
  readonly id: number
  readonly atMs: number
}

const COUNT = 3000
const numbers = Array.from({ length: COUNT }, (_, id) => id)

/** A dependency that answers in 10 ms, and in 100 ms from a record on. */
const jobWith = (limit: (stream: Stream<number, 'no timestamps'>) => Stream<number>, slowFrom: number) =>
  defineJob({ name: 'adaptive' }, (builder) => {
    const answers = limit(builder.source('numbers', fromArray<number>([]))).mapAsync(
      'call',
      async (id, context): Promise<Answer> => {
        const slow = id >= slowFrom
        await new Promise((resolve) => setTimeout(resolve, slow ? 100 : 10))
        if (slow) context.countError()
        return { id, atMs: context.now() }
      },
      { concurrency: 100, ordered: false },
    )
    return { answers }
  })

/** Records per second answered in the last part of a run of records. */
function rateOf(answers: readonly Answer[], from: number, to: number): number {
  const times = answers.filter(({ id }) => id >= from && id < to).map(({ atMs }) => atMs)
  return ((times.length - 1) * 1000) / (Math.max(...times) - Math.min(...times))
}

describe('an adaptive limit', { timeout: 120_000 }, () => {
  it.each([
    ['latency', { latency: '50ms' }],
    ['errors', { errorRate: 0.1 }],
  ] as const)('goes up while all is well, and down by %s', async (_what, target) => {
    const job = jobWith(
      (stream) => stream.rateLimit('limit', { algorithm: 'aimd', observe: 'call', min: 20, max: 1000, initial: 200, increase: 20, target }),
      1500,
    )
    for (let seed = 1; seed <= 3; seed++) {
      const { outputs } = await simulate(job, { seed, inputs: { numbers } })
      expect(outputs.answers.map(({ id }) => id).sort((left, right) => left - right)).toEqual(numbers)
      expect(rateOf(outputs.answers, 1200, 1500)).toBeGreaterThan(300)
      expect(rateOf(outputs.answers, 2900, COUNT)).toBeLessThan(100)
    }
  })

  it('follows the gradient of latency without a target', async () => {
    const job = jobWith(
      (stream) => stream.rateLimit('limit', { algorithm: 'gradient', observe: 'call', min: 20, max: 1000, initial: 200 }),
      1500,
    )
    const { outputs } = await simulate(job, { seed: 2, inputs: { numbers } })
    expect(rateOf(outputs.answers, 1200, 1500)).toBeGreaterThan(400)
    expect(rateOf(outputs.answers, 2900, COUNT)).toBeLessThan(150)
  })

  it('keeps its rate over a restart', async () => {
    const job = jobWith(
      (stream) =>
        stream.rateLimit('limit', { algorithm: 'aimd', observe: 'call', min: 20, max: 1000, initial: 400, target: { latency: '1s' } }),
      COUNT,
    )
    const { outputs, crashes } = await simulate(job, { seed: 3, inputs: { numbers: numbers.slice(0, 600) }, crashes: 2 })
    expect(crashes).toBeGreaterThan(0)
    expect(outputs.answers.map(({ id }) => id).sort((left, right) => left - right)).toEqual(numbers.slice(0, 600))
  })

  it('fails while it is planned where it observes nobody behind it', async () => {
    const job = jobWith((stream) => stream.rateLimit('limit', { algorithm: 'gradient', observe: 'cal', min: 20, max: 1000 }), COUNT)
    await expect(simulate(job, { inputs: { numbers } })).rejects.toMatchObject({
      code: 'SLUICE_OPERATOR_UNKNOWN',
      coordinates: { operator: 'limit' },
    })
  })
})
