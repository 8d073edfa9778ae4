/** Whole jobs with limits of rates, under random interleavings, crashes and other parallelisms. */
import { count, defineJob, discard, fromArray, type Job, type Stream, tumbling } from '@sluice/operators'
import { describe, expect, it } from 'vitest'
import { at, simulate } from '../../src/index.js'

interface Order {
  readonly id: number
  readonly customer: number
  readonly time: number
}

const ORDERS = 300
const orders: readonly Order[] = Array.from({ length: ORDERS }, (_, id) => ({ id, customer: id % 7, time: id * 10 }))
const SEEDS = 5

type Limit = (stream: Stream<Order, never>) => Stream<Order, never>

/** What passes a limit, and how many there are per window: none may have been late. */
function limited(limit: Limit): Job<unknown, { readonly passed: Stream<Order>; readonly windows: Stream<{ readonly orders: number }> }> {
  return defineJob({ name: 'limited' }, (job) => {
    const passed = limit(job.source('orders', fromArray<Order>([])).withTimestamps((order) => order.time, { perRecord: true }))
    const windows = passed.windowAll(tumbling(500)).aggregate('windows', { orders: count() })
    windows.late.sink('late', discard())
    return { passed, windows }
  })
}

const limits: readonly [string, Limit][] = [
  ['of a stream', (stream) => stream.rateLimit('limit', { rate: 2000, burst: 20 })],
  ['of a leaky bucket', (stream) => stream.rateLimit('limit', { algorithm: 'leaky-bucket', rate: 1000 })],
  ['of each key', (stream) => stream.rateLimit('limit', { rate: 200, burst: 3, key: (order) => order.customer, queue: { records: 20 } })],
]

describe.each(limits)('a limit %s', { timeout: 120_000 }, (_what, limit) => {
  it('gives every record once, in order, behind no watermark that has passed it', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { outputs, sinks } = await simulate(limited(limit), { seed, inputs: { orders } })
      expect(outputs.passed.map(({ id }) => id).sort((left, right) => left - right)).toEqual(orders.map(({ id }) => id))
      expect(outputs.windows.reduce((sum, window) => sum + window.orders, 0)).toBe(ORDERS)
      expect(sinks['late']).toEqual([])
    }
  })

  it('goes on from a checkpoint with what it held', async () => {
    let crashes = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      for (const mode of ['aligned', 'unaligned'] as const) {
        const result = await simulate(limited(limit), { seed, inputs: { orders }, crashes: 2, checkpoint: { interval: 20, mode } })
        crashes += result.crashes
        const ids = result.outputs.passed.map(({ id }) => id)
        expect(ids.sort((left, right) => left - right)).toEqual(orders.map(({ id }) => id))
        expect(result.outputs.windows.reduce((sum, window) => sum + window.orders, 0)).toBe(ORDERS)
        expect(result.sinks['late']).toEqual([])
      }
    }
    expect(crashes).toBeGreaterThan(SEEDS)
  })
})

describe('a limit that a stream sets', { timeout: 120_000 }, () => {
  const job = defineJob({ name: 'signalled' }, (builder) => {
    const rates = builder.source('rates', fromArray<number>([]))
    const passed = builder.source('orders', fromArray<Order>([])).rateLimit('limit', { rate: rates, initial: 0, burst: 5 })
    return { passed }
  })

  it('is read on while records are held, so that 0 is a pause and no end', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const inputs = { orders, rates: [at('1s', 100), at('2s', 0), at('10s', 1000)] }
      for (const crashes of [0, 2]) {
        const { outputs, durationMs } = await simulate(job, { seed, inputs, advance: '5s', crashes })
        expect(outputs.passed.map(({ id }) => id).sort((left, right) => left - right)).toEqual(orders.map(({ id }) => id))
        expect(durationMs).toBeGreaterThan(10_000)
      }
    }
  })

  it('is read on behind the barrier of a checkpoint, which the stream that is held cannot have before the pause ends', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const inputs = { orders, rates: [at('1s', 100), at('2s', 0), at('10s', 1000)] }
      const { outputs, durationMs } = await simulate(job, { seed, inputs, advance: '5s', checkpoint: { mode: 'aligned' } })
      expect(outputs.passed).toHaveLength(ORDERS)
      // And not when the checkpoint has been given up.
      expect(durationMs).toBeLessThan(20_000)
    }
  })

  it('is read on while restored records are held, and its barriers too', async () => {
    let crashes = 0
    const overtaking = defineJob(
      { name: 'overtaking', checkpoint: { directory: 'checkpoints', interval: '20ms', alignedTimeout: '1ms' } },
      (builder) => {
        const rates = builder.source('rates', fromArray<number>([]))
        return { passed: builder.source('orders', fromArray<Order>([])).rateLimit('limit', { rate: rates, initial: 100, burst: 1 }) }
      },
    )
    for (let seed = 1; seed <= 2 * SEEDS; seed++) {
      const inputs = { orders, rates: Array.from({ length: 50 }, (_, index) => at(index * 40, 100 + index)) }
      const result = await simulate(overtaking, { seed, inputs, crashes: 3, checkpoint: { interval: 20, mode: 'aligned' } })
      crashes += result.crashes
      expect(result.outputs.passed.map(({ id }) => id).sort((left, right) => left - right)).toEqual(orders.map(({ id }) => id))
    }
    expect(crashes).toBeGreaterThan(2 * SEEDS)
  })

  it('fails where it gives what is not a rate', async () => {
    await expect(simulate(job, { inputs: { orders, rates: [-1] } })).rejects.toMatchObject({
      code: 'SLUICE_RATE_INVALID',
      coordinates: { operator: 'limit' },
    })
  })

  it('may come from the stream that it limits', async () => {
    const diamond = defineJob({ name: 'diamond' }, (builder) => {
      const source = builder.source('orders', fromArray<Order>([]))
      const rates = source.filter((order) => order.id % 50 === 0).map(() => 2000)
      return { passed: source.rateLimit('limit', { rate: rates, initial: 1, burst: 1 }) }
    })
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { outputs } = await simulate(diamond, { seed, inputs: { orders } })
      expect(outputs.passed).toHaveLength(ORDERS)
    }
  })
})

describe('a limit that drops', () => {
  it('gives what it drops to whoever reads it, or counts it', async () => {
    const job = defineJob({ name: 'dropping' }, (builder) => {
      const passed = builder.source('orders', fromArray<Order>([])).rateLimit('limit', { rate: 50, burst: 4, onLimit: 'drop' })
      return { passed, dropped: passed.dropped }
    })
    let unread = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { outputs } = await simulate(job, { seed, inputs: { orders } })
      const ids = [...outputs.passed, ...outputs.dropped].map(({ id }) => id)
      expect(new Set(ids).size).toBe(ids.length)
      expect(outputs.dropped.length).toBeGreaterThan(0)
      unread += ORDERS - ids.length
    }
    // Some of these readers have no credit at some time: what they miss is counted as `user.unread`.
    expect(unread).toBeGreaterThan(0)
  })

  it('fails where the key function throws or gives undefined, with the operator', async () => {
    const failing = (key: (order: Order) => number) =>
      defineJob({ name: 'failing' }, (builder) => {
        return { passed: builder.source('orders', fromArray<Order>([])).rateLimit('limit', { rate: 50, key }) }
      })
    const broken = failing(() => {
      throw new Error('no customer')
    })
    await expect(simulate(broken, { inputs: { orders } })).rejects.toMatchObject({
      code: 'SLUICE_OPERATOR_FAILED',
      coordinates: { operator: 'limit' },
    })
    const missing = failing(() => undefined as unknown as number)
    await expect(simulate(missing, { inputs: { orders } })).rejects.toMatchObject({
      code: 'SLUICE_KEY_INVALID',
      coordinates: { operator: 'limit' },
    })
  })
})
