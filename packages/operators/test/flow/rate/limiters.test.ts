/** Limits over a context without an engine, held against what they promise: over any time t no more than burst + rate x t records. */
import type { HoldingOperator, RestoredOperator } from '@sluice/engine'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Simulation } from '../../../../engine/test/support/simulation.js'
import type { JobBuilder, Stream } from '../../../src/index.js'
import { discard, fromArray, print } from '../../../src/index.js'
import { FakeOperatorContext } from '../../support/fake-operator-context.js'
import { declare, nodeOf } from '../../support/graphs.js'

interface Left {
  readonly value: unknown
  readonly atMs: number
  readonly port: number | string
}

type Declare = (stream: Stream<number>, job: JobBuilder) => Stream<number>

/** An operator over virtual time: wakes where it asked for it, and lets go what may go, as a subtask does. */
class Driver {
  readonly context: FakeOperatorContext
  readonly operator: HoldingOperator
  readonly left: Left[] = []
  readonly #waiting: number[] = []
  #next = 0
  /** How much later than asked for a wake-up comes. */
  lateMs: () => number = () => 0

  constructor(limit: Declare, { index = 0, parallelism = 1 } = {}, restored?: RestoredOperator) {
    const graph = declare((job) => limit(job.source('in', fromArray([1])), job).sink('out', print()))
    this.context = new FakeOperatorContext()
    Object.assign(this.context, { subtask: { index, parallelism } })
    const { spec } = nodeOf(graph, 'limit')
    if (spec.kind !== 'general') throw new Error(`limit is a ${spec.kind}`)
    this.operator = this.context.drive(spec.create(this.context)) as HoldingOperator
    void this.operator.open?.()
    if (restored !== undefined) this.operator.restore?.(restored)
    this.#settle()
  }

  /** Records arrive; those that the operator does not take yet wait in front of it. */
  give(...values: readonly number[]): void {
    this.giveAll(values)
  }

  giveAll(values: readonly number[]): void {
    for (const value of values) this.#waiting.push(value)
    this.#settle()
  }

  rate(value: unknown): void {
    this.operator.process(value, Number.NaN, 1)
    this.#settle()
  }

  credit(has: boolean): void {
    if (has) this.context.blocked.delete(0)
    else this.context.blocked.add(0)
    this.#settle()
  }

  get waiting(): number {
    return this.#waiting.length - this.#next
  }

  /** Time goes on by so much, with every wake-up in between. */
  advance(byMs: number): void {
    const endMs = this.context.timeMs + byMs
    for (let wakes = 0; ; wakes++) {
      if (wakes > 2_000_000) throw new Error('it never sleeps')
      const { deadlineMs } = this.context
      if (deadlineMs === undefined) break
      const wakeMs = Math.max(this.context.timeMs, deadlineMs + this.lateMs())
      if (wakeMs > endMs) break
      this.context.timeMs = wakeMs
      this.#settle()
      this.context.advance(0)
      this.#settle()
    }
    this.context.timeMs = endMs
    this.#settle()
  }

  /** The numbers of those that left since the last call. */
  take(port: number | string = 0): readonly unknown[] {
    const taken = this.left.filter((each) => each.port === port).map(({ value }) => value)
    this.left.length = 0
    return taken
  }

  #settle(): void {
    for (;;) {
      while (this.operator.releasable) this.operator.release()
      if (this.context.inputHeld || this.waiting === 0) break
      this.operator.process(this.#waiting[this.#next++], Number.NaN, 0)
    }
    for (const { value, port } of this.context.emitted.splice(0)) this.left.push({ value, atMs: this.context.timeMs, port })
  }
}

/** The most records that left within any time t, less what the rate gives in it. */
function burstOf(times: readonly number[], perMs: number): number {
  let most = 0
  for (let from = 0; from < times.length; from++)
    for (let to = from; to < times.length; to++)
      most = Math.max(most, to - from + 1 - perMs * ((times[to] as number) - (times[from] as number)))
  return most
}

const range = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index)

describe('a limit of a stream', () => {
  it('lets a burst pass at once, then as many as the rate gives', () => {
    const driver = new Driver((stream) => stream.rateLimit('limit', { rate: 100, burst: 5 }))
    driver.give(...range(50))
    expect(driver.take()).toEqual(range(5))
    driver.advance(100)
    expect(driver.take()).toEqual(range(10, 5))
    expect(driver.operator.holding).toBe(1)
    driver.advance(1000)
    expect(driver.take()).toEqual(range(35, 15))
    expect(driver.operator.holding).toBe(0)
    driver.advance(10_000)
    driver.give(...range(20))
    expect(driver.take()).toEqual(range(5))
  })

  it('over any time t lets burst + rate x t records pass at most, whatever comes and whenever it wakes', () => {
    const step = fc.oneof(
      fc.record({ give: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ advance: fc.double({ min: 0.01, max: 400, noNaN: true }) }),
      fc.record({ credit: fc.boolean() }),
    )
    const limits = fc.oneof(
      fc.record({ rate: fc.double({ min: 0.5, max: 5000, noNaN: true }), burst: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ rate: fc.double({ min: 20_000, max: 100_000, noNaN: true }), burst: fc.integer({ min: 1024, max: 3000 }) }),
    )
    fc.assert(
      fc.property(
        limits,
        fc.array(step, { maxLength: 60 }),
        fc.double({ min: 0, max: 3, noNaN: true }),
        ({ rate, burst }, steps, lateMs) => {
          const driver = new Driver((stream) => stream.rateLimit('limit', { rate, burst }))
          driver.lateMs = () => lateMs
          const scale = burst >= 1024 ? 50 : 1
          let given = 0
          for (const each of steps) {
            if ('give' in each) driver.giveAll(range(each.give * scale, given))
            else if ('advance' in each) driver.advance(each.advance)
            else driver.credit(each.credit)
            if ('give' in each) given += each.give * scale
            expect(driver.operator.holding).toBeLessThanOrEqual(1)
          }
          expect(driver.left.map(({ value }) => value)).toEqual(range(driver.left.length))
          expect(driver.left.length + driver.operator.holding + driver.waiting).toBe(given)
          const times = driver.left.map(({ atMs }) => atMs)
          const sample = times.length > 500 ? times.filter((_, index) => index % Math.ceil(times.length / 500) === 0) : times
          if (sample === times) expect(burstOf(times, rate / 1000)).toBeLessThanOrEqual(burst + 1e-3)
          else {
            // In long lists windows of the burst's own size, from every place.
            for (let from = 0; from + burst < times.length; from++)
              expect(burst + 1 - (rate / 1000) * ((times[from + burst] as number) - (times[from] as number))).toBeLessThanOrEqual(
                burst + 1e-3,
              )
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it('does not drift over hours, nor where wake-ups come late', () => {
    const driver = new Driver((stream) => stream.rateLimit('limit', { rate: 37 }))
    let seed = 1
    driver.lateMs = () => ((seed = (seed * 48_271) % 2_147_483_647) % 1000) / 500
    driver.giveAll(range(3 * 3600 * 37 + 100))
    driver.advance(3 * 3600 * 1000)
    expect(driver.left.length).toBeGreaterThanOrEqual(3 * 3600 * 37 - 1)
    expect(driver.left.length).toBeLessThanOrEqual(3 * 3600 * 37 + 4)
  })

  it('reaches a million records a second with one wake-up per millisecond', () => {
    const driver = new Driver((stream) => stream.rateLimit('limit', { rate: 1_000_000 }))
    driver.lateMs = () => 0.7
    driver.giveAll(range(1_000_000))
    driver.take()
    const before = driver.waiting
    driver.advance(500)
    expect((before - driver.waiting) / 500).toBeGreaterThan(980)
    expect((before - driver.waiting) / 500).toBeLessThanOrEqual(1000.1)
  })

  it('gives records evenly spaced from a leaky bucket', () => {
    const driver = new Driver((stream) => stream.rateLimit('limit', { algorithm: 'leaky-bucket', rate: 100 }))
    driver.give(...range(20))
    driver.advance(500)
    const times = driver.left.map(({ atMs }) => atMs)
    expect(times).toHaveLength(20)
    for (let at = 1; at < times.length; at++)
      expect(Math.abs((times[at] as number) - (times[at - 1] as number) - 10)).toBeLessThanOrEqual(5)
  })

  it('counts per another time than a second', () => {
    const driver = new Driver((stream) => stream.rateLimit('limit', { rate: 6, per: '1m', burst: 2 }))
    driver.give(...range(10))
    driver.advance(30_000)
    expect(driver.take()).toHaveLength(5)
  })

  it('drops what is beyond, counts it, and gives it to whoever reads it', () => {
    const driver = new Driver((stream) => stream.rateLimit('limit', { rate: 100, burst: 2, onLimit: 'drop' }))
    driver.give(...range(5))
    expect(driver.left.map(({ value, port }) => [value, port])).toEqual([
      [0, 0],
      [1, 0],
      [2, 1],
      [3, 1],
      [4, 1],
    ])
    expect(driver.context.dropped.get('limited')).toBe(3)
    driver.take()
    driver.context.blocked.add(1)
    driver.give(5, 6)
    expect(driver.left).toEqual([])
    expect(driver.context.dropped.get('limited')).toBe(5)
    expect(driver.context.counts.get('unread')).toBe(2)
    // Without credit a record within the limit waits: it is not dropped.
    driver.advance(100)
    driver.credit(false)
    driver.give(7, 8)
    expect(driver.operator.holding).toBe(1)
    expect(driver.context.inputHeld).toBe(true)
    driver.advance(10_000)
    driver.credit(true)
    expect(driver.take()).toEqual([7, 8])
    expect(driver.context.dropped.get('limited')).toBe(5)
  })

  it('passes a watermark on when the record in front of it has left', () => {
    const driver = new Driver((stream) => stream.rateLimit('limit', { rate: 10, burst: 1 }))
    driver.give(0, 1)
    expect(driver.operator.holding).toBe(1)
    driver.operator.holdWatermark(5, false)
    driver.operator.holdWatermark(9, false)
    expect(driver.context.passed).toEqual([])
    driver.advance(100)
    expect(driver.context.passed).toEqual([{ watermark: 9, idle: false }])
  })

  it('asks for no wake-up while it waits for credit', () => {
    const driver = new Driver((stream) => stream.rateLimit('limit', { rate: 10, burst: 1 }))
    driver.credit(false)
    driver.give(0, 1)
    driver.advance(1000)
    expect(driver.context.deadlineMs).toBeUndefined()
    driver.credit(true)
    expect(driver.take()).toEqual([0])
  })

  it('begins without tokens behind a restart, with what it held', () => {
    const limit: Declare = (stream) => stream.rateLimit('limit', { rate: 10, burst: 4 })
    const before = new Driver(limit)
    before.give(...range(6))
    before.operator.holdWatermark(3, false)
    expect(before.take()).toEqual(range(4))
    const state = structuredClone(before.operator.snapshot?.())
    const after = new Driver(limit, {}, { watermark: 0, states: [state], ended: false })
    expect(after.take()).toEqual([])
    expect(after.operator.holding).toBe(1)
    after.advance(100)
    expect(after.take()).toEqual([4])
    expect(after.context.passed).toEqual([{ watermark: 3, idle: false }])
  })

  it('deals what was held out where the parallelism has changed, and no watermark before all of it', () => {
    const limit: Declare = (stream) => stream.rateLimit('limit', { rate: 10, burst: 4 })
    const states = [0, 1, 2].map((index) => {
      const driver = new Driver(limit, { index, parallelism: 3 })
      driver.give(...range(5, index * 10))
      if (index !== 2) driver.operator.holdWatermark(index, false)
      return structuredClone(driver.operator.snapshot?.())
    })
    const held = [0, 1].map((index) => {
      const driver = new Driver(limit, { index, parallelism: 2 }, { watermark: -1, states, ended: false })
      driver.advance(5000)
      expect(driver.context.passed).toEqual([])
      return driver.take()
    })
    // Bursts are divided: 2, 1, 1 of them left in front of the checkpoint; one record each was held.
    expect(held).toEqual([[2, 21], [11]])
  })
})

describe('a limit of each key', () => {
  const byTens = (rate: number, burst: number, more: object = {}): Declare => {
    return (stream) => stream.rateLimit('limit', { rate, burst, key: (n) => Math.floor(n / 1000), ...more })
  }

  it('lets records of other keys pass while those of one wait, and keeps the order of a key', () => {
    const driver = new Driver(byTens(10, 1))
    driver.give(0, 1, 2, 1000, 3, 2000, 1001)
    expect(driver.take()).toEqual([0, 1000, 2000])
    expect(driver.operator.holding).toBe(4)
    driver.advance(100)
    expect(driver.take()).toEqual([1, 1001])
    driver.advance(200)
    expect(driver.take()).toEqual([2, 3])
    expect(driver.context.inputHeld).toBe(false)
  })

  it('over any time t lets burst + rate x t records of a key pass at most, and loses none', () => {
    const step = fc.oneof(
      fc.record({ key: fc.integer({ min: 0, max: 4 }), give: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ advance: fc.double({ min: 0.1, max: 300, noNaN: true }) }),
      fc.record({ credit: fc.boolean() }),
    )
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 500, noNaN: true }),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(step, { maxLength: 80 }),
        (rate, burst, records, steps) => {
          const driver = new Driver(byTens(rate, burst, { queue: { records } }))
          const given = [0, 0, 0, 0, 0]
          for (const each of steps) {
            if ('give' in each) {
              driver.give(...range(each.give, each.key * 1000 + (given[each.key] as number)))
              given[each.key] = (given[each.key] as number) + each.give
            } else if ('advance' in each) driver.advance(each.advance)
            else driver.credit(each.credit)
            expect(driver.operator.holding).toBeLessThanOrEqual(records)
          }
          for (let key = 0; key < 5; key++) {
            const mine = driver.left.filter(({ value }) => Math.floor((value as number) / 1000) === key)
            expect(mine.map(({ value }) => value)).toEqual(range(mine.length, key * 1000))
            expect(
              burstOf(
                mine.map(({ atMs }) => atMs),
                rate / 1000,
              ),
            ).toBeLessThanOrEqual(burst + 1e-3)
          }
          driver.credit(true)
          driver.advance(1_000_000)
          expect(driver.left).toHaveLength(given.reduce((sum, each) => sum + each, 0))
          expect(driver.operator.holding).toBe(0)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('holds the stream where the queue is full, by records or by bytes', () => {
    const driver = new Driver(byTens(10, 1, { queue: { records: 2 } }))
    driver.give(0, 1, 2, 3, 1000)
    expect(driver.operator.holding).toBe(2)
    expect(driver.context.inputHeld).toBe(true)
    expect(driver.take()).toEqual([0])
    driver.advance(100)
    expect(driver.take()).toEqual([1])
    const bytes = new Driver(byTens(10, 1, { queue: { records: 100, bytes: 3 } }))
    bytes.give(10, 11, 12, 13, 14)
    expect(bytes.operator.holding).toBe(2)
    expect(bytes.context.inputHeld).toBe(true)
  })

  it('drops at once what is beyond, or when the queue that was asked for is full', () => {
    const driver = new Driver(byTens(10, 1, { onLimit: 'drop' }))
    driver.give(0, 1, 2, 1000)
    expect(driver.left.map(({ value, port }) => [value, port])).toEqual([
      [0, 0],
      [1, 1],
      [2, 1],
      [1000, 0],
    ])
    const queued = new Driver(byTens(10, 1, { onLimit: 'drop', queue: { records: 1 } }))
    queued.give(0, 1, 2, 1000)
    expect(queued.left.map(({ value, port }) => [value, port])).toEqual([
      [0, 0],
      [2, 1],
      [1000, 0],
    ])
    expect(queued.context.dropped.get('limited')).toBe(1)
    queued.advance(100)
    queued.credit(false)
    queued.give(1001, 1002)
    expect(queued.context.inputHeld).toBe(true)
    queued.advance(1000)
    queued.credit(true)
    expect(queued.context.inputHeld).toBe(false)
  })

  it('passes a watermark on behind the oldest record that waits, whatever passes it', () => {
    const driver = new Driver(byTens(10, 1))
    driver.give(0, 1, 2, 1000)
    driver.operator.holdWatermark(7, false)
    driver.give(1001)
    driver.operator.holdWatermark(8, true)
    driver.advance(100)
    // 1 and 1001 have left; 2 stood in front of both marks.
    expect(driver.take()).toEqual([0, 1000, 1, 1001])
    expect(driver.context.passed).toEqual([])
    driver.advance(100)
    expect(driver.context.passed).toEqual([{ watermark: 8, idle: true }])
  })

  it('forgets full buckets first, then the one used longest ago, and counts that', () => {
    const limit: Declare = (stream) => stream.rateLimit('limit', { rate: 10, burst: 1, key: (n) => n, keys: 3 })
    const driver = new Driver(limit)
    driver.give(1, 2, 3)
    driver.advance(100)
    driver.give(2)
    // Full again are 1 and 3: they are as good as new.
    driver.give(4, 5)
    expect(driver.context.counts.get('forgottenKeys')).toBeUndefined()
    driver.give(6)
    expect(driver.context.counts.get('forgottenKeys')).toBe(1)
    // 2 was used longest ago: it is the one that was forgotten, and may pass at once.
    driver.take()
    driver.give(2, 5)
    expect(driver.take()).toEqual([2])
  })

  it('does not let a key pass twice around a restart', () => {
    const limit = byTens(10, 2)
    const before = new Driver(limit)
    before.give(0, 1, 2, 3, 1000)
    const state = structuredClone(before.operator.snapshot?.())
    const after = new Driver(limit, {}, { watermark: 0, states: [state], ended: false })
    after.give(1001, 5000)
    expect(after.take()).toEqual([])
    after.advance(100)
    expect(after.take()).toEqual([2, 1001, 5000])
    after.advance(100)
    expect(after.take()).toEqual([3])
  })

  it('gives what waits to whoever owns its key, where the parallelism has changed', () => {
    const limit: Declare = (stream) => stream.rateLimit('limit', { rate: 10, burst: 1, key: (n) => n % 10 })
    const before = new Driver(limit)
    before.give(...range(40))
    const states = [structuredClone(before.operator.snapshot?.())]
    const after = [0, 1, 2].map((index) => {
      const driver = new Driver(limit, { index, parallelism: 3 }, { watermark: 0, states, ended: false })
      driver.advance(10_000)
      return driver.take() as number[]
    })
    expect(after.flat().sort((left, right) => left - right)).toEqual(range(30, 10))
    for (let key = 0; key < 10; key++) {
      const owners = after.filter((records) => records.some((n) => n % 10 === key))
      expect(owners).toHaveLength(1)
      expect(owners[0]?.filter((n) => n % 10 === key)).toEqual([10 + key, 20 + key, 30 + key])
    }
  })
})

describe('a rate that a stream says', () => {
  const signalled =
    (more: object = {}): Declare =>
    (stream, job) =>
      stream.rateLimit('limit', { rate: job.source('rates', fromArray([1])), initial: 10, burst: 1, ...more })

  it('counts from its first record on; 0 pauses, and no wake-up is asked for', () => {
    const driver = new Driver(signalled())
    driver.give(...range(1000))
    driver.advance(1000)
    expect(driver.take()).toHaveLength(11)
    driver.rate(100)
    driver.advance(1000)
    expect(driver.take()).toHaveLength(100)
    driver.rate(0)
    driver.advance(60_000)
    expect(driver.take()).toHaveLength(0)
    expect(driver.context.deadlineMs).toBeUndefined()
    driver.rate(50)
    driver.advance(1000)
    expect(driver.take()).toHaveLength(50)
  })

  it('holds the input of records alone', () => {
    const held: unknown[] = []
    const driver = new Driver(signalled())
    driver.context.holdInput = (...given: unknown[]) => {
      driver.context.inputHeld = given[0] as boolean
      held.push(given)
    }
    driver.give(0, 1)
    expect(held).toEqual([[true, 0]])
  })

  it('is a limit of each key too: tokens given before a change stay given', () => {
    const driver = new Driver(signalled({ key: (n: number) => Math.floor(n / 1000), burst: 10 }))
    driver.give(...range(10))
    expect(driver.take()).toHaveLength(10)
    driver.advance(500)
    driver.rate(0)
    driver.advance(60_000)
    driver.give(...range(10, 10))
    expect(driver.take()).toHaveLength(5)
    driver.rate(100)
    driver.advance(50)
    expect(driver.take()).toHaveLength(5)
  })

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY, '5', null])('fails where it gives %s', (rate) => {
    const driver = new Driver(signalled())
    expect(() => driver.rate(rate)).toThrow(expect.objectContaining({ code: 'SLUICE_RATE_INVALID', coordinates: { operator: 'operator' } }))
  })

  it.each([{}, { key: (n: number) => n % 2 }])('fails where it ended with 0 and records wait, or come later, %o', (more) => {
    const driver = new Driver(signalled(more))
    driver.rate(0)
    driver.give(1, 2, 3, 4)
    expect(() => driver.operator.onInputEnd?.(1)).toThrow(expect.objectContaining({ code: 'SLUICE_RATE_INVALID' }))
    const early = new Driver(signalled(more))
    early.rate(0)
    early.operator.onInputEnd?.(1)
    early.give(1)
    expect(early.take()).toHaveLength(1)
    expect(() => early.give(3, 5)).toThrow(expect.objectContaining({ code: 'SLUICE_RATE_INVALID' }))
  })

  it.each([{}, { key: (n: number) => n % 3, queue: { records: 2 } }])('fails in a job whose records have not ended, %o', async (more) => {
    for (let seed = 1; seed <= 5; seed++) {
      const graph = declare((job) => {
        const rates = job.source('rates', fromArray([0]))
        job
          .source('in', fromArray(range(200)))
          .rateLimit('limit', { rate: rates, initial: 1, burst: 1, ...more })
          .sink('out', discard())
      })
      const error: unknown = await new Simulation(graph, { workers: 0, parallelism: 1, seed }).run().catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'SLUICE_RATE_INVALID', coordinates: { operator: 'limit' } })
    }
  })

  it('keeps its rate over a restart', () => {
    const before = new Driver(signalled())
    before.rate(100)
    const state = structuredClone(before.operator.snapshot?.())
    const after = new Driver(signalled(), {}, { watermark: 0, states: [state], ended: false })
    after.give(...range(200))
    after.advance(1000)
    expect(after.take()).toHaveLength(100)
  })
})
