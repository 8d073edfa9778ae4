import { describe, expect, it, test } from 'vitest'
import type { ShedTriggers } from '../../../src/index.js'
import { FakeOperatorContext } from '../../support/fake-operator-context.js'
import { type Item, ShedBench } from './shed-bench.js'

const bytesOf = (item: Item): number => new FakeOperatorContext().sizeOf(item)

/** A queue of three, full, and a consumer that takes nothing. */
function full(when: ShedTriggers | undefined, records = 3): ShedBench {
  const bench = new ShedBench({ policy: 'drop-oldest', records, when })
  bench.block()
  for (let id = 0; id < records; id++) bench.push({ id })
  return bench
}

test('without triggers a full queue never holds the producers back', () => {
  expect(full(undefined).context.inputHeld).toBe(false)
})

describe('fullFor', () => {
  it('holds the producers back first, then lets the policy choose', () => {
    const bench = full({ fullFor: '2s' })
    expect(bench.context.inputHeld).toBe(true)
    bench.context.advance(1_999)
    expect(bench.context.inputHeld).toBe(true)
    bench.context.advance(1)
    expect(bench.context.inputHeld).toBe(false)
    expect(bench.counted).toEqual({})
    bench.push({ id: 3 })
    expect(bench.counted).toEqual({ fullFor: 1 })
    expect(bench.dropped).toEqual([0])
  })

  it('begins anew when nothing waits any more', () => {
    const bench = full({ fullFor: '2s' })
    bench.context.advance(1_500)
    bench.flow()
    expect(bench.context.inputHeld).toBe(false)
    bench.block()
    for (let id = 3; id < 6; id++) bench.push({ id })
    bench.context.advance(1_500)
    expect(bench.context.inputHeld).toBe(true)
    bench.context.advance(500)
    expect(bench.context.inputHeld).toBe(false)
  })

  it('lets the producers in again when a quarter of the queue is free', () => {
    const bench = full({ fullFor: '1h' }, 8)
    bench.release(1)
    expect(bench.context.inputHeld).toBe(true)
    bench.release(1)
    expect(bench.context.inputHeld).toBe(false)
  })

  it('keeps the record in hand that finds no room in bytes, and gives it the next place', () => {
    const large: Item = { id: 1, pad: 'x'.repeat(80) }
    const bench = new ShedBench({ policy: 'drop-newest', bytes: bytesOf(large) + 5, when: { fullFor: '1h' } })
    bench.block()
    bench.push({ id: 0 })
    bench.push(large)
    expect(bench.context.inputHeld).toBe(true)
    expect(bench.operator.holding).toBe(2)
    bench.watermark(5)
    bench.release(1)
    expect(bench.context.passed).toEqual([])
    expect(bench.operator.holding).toBe(1)
    bench.flow()
    expect(bench.out).toEqual([0, 1])
    expect(bench.context.passed).toEqual([{ watermark: 5, idle: false }])
    expect(bench.context.inputHeld).toBe(false)
    expect(bench.counted).toEqual({})
  })
})

describe('age', () => {
  it('drops what is too old by its timestamp when it arrives, also where nothing waits', () => {
    const bench = new ShedBench({ policy: 'drop-newest', when: { age: '1s' } })
    bench.context.timeMs = 10_000
    bench.push({ id: 0 }, 9_000)
    bench.push({ id: 1 }, 8_999)
    expect(bench.out).toEqual([0])
    expect(bench.counted).toEqual({ age: 1 })
  })

  it('drops what has grown too old when it leaves; without a timestamp the arrival counts', () => {
    const bench = new ShedBench({ policy: 'drop-newest', when: { age: '1s' } })
    bench.block()
    bench.push({ id: 0 }, 900)
    bench.push({ id: 1 })
    bench.push({ id: 2 }, 5_000)
    bench.context.timeMs = 1_950
    bench.flow()
    expect(bench.out).toEqual([1, 2])
    expect(bench.counted).toEqual({ age: 1 })
  })
})

test('watermarkLag: while event time is behind, the queue counts as full at its present length', () => {
  const bench = new ShedBench({ policy: 'drop-newest', records: 100, when: { watermarkLag: '1s' } })
  bench.context.timeMs = 10_000
  bench.context.watermark = 9_500
  bench.block()
  bench.push({ id: 0 })
  bench.context.timeMs = 10_501
  bench.push({ id: 1 })
  expect(bench.counted).toEqual({ watermarkLag: 1 })
  expect(bench.dropped).toEqual([1])
  bench.context.watermark = 10_400
  bench.push({ id: 2 })
  expect(bench.operator.holding).toBe(2)
})

test('memory: looked at while records wait, and again while the producers are held back', () => {
  const bench = full({ memory: '1mb' })
  expect(bench.context.inputHeld).toBe(true)
  bench.context.residentMemory = 2 * 1024 * 1024
  bench.context.advance(100)
  expect(bench.context.inputHeld).toBe(false)
  bench.push({ id: 3 })
  expect(bench.counted).toEqual({ memory: 1 })
  bench.context.residentMemory = 1024
  bench.push({ id: 4 })
  expect(bench.counted).toEqual({ memory: 1 })
  expect(bench.context.inputHeld).toBe(true)
})

test.each(['drop-newest', 'latest'] as const)('time: nothing waits longer than that, with %s', (policy) => {
  const bench = new ShedBench(policy === 'latest' ? { policy, key: ({ key }) => key ?? null, time: '1s' } : { policy, time: '1s' })
  bench.block()
  bench.push({ id: 0, key: 'a' })
  bench.context.advance(600)
  bench.push({ id: 1, key: 'b' })
  bench.watermark(7)
  bench.context.advance(399)
  expect(bench.counted).toEqual({})
  bench.context.advance(1)
  expect(bench.dropped).toEqual([0])
  bench.context.advance(600)
  expect(bench.dropped).toEqual([0, 1])
  expect(bench.counted).toEqual({ time: 2 })
  expect(bench.operator.holding).toBe(0)
  expect(bench.context.passed).toEqual([{ watermark: 7, idle: false }])
})

test('latest: a record that took the place of another waits from its own arrival on', () => {
  const bench = new ShedBench({ policy: 'latest', key: ({ key }) => key ?? null, time: '1s' })
  bench.block()
  bench.push({ id: 0, key: 'a' })
  bench.push({ id: 1, key: 'b' })
  bench.context.advance(900)
  bench.push({ id: 2, key: 'a' })
  bench.context.advance(100)
  expect(bench.counted).toEqual({ latest: 1, time: 1 })
  bench.context.advance(899)
  expect(bench.operator.holding).toBe(1)
  bench.context.advance(1)
  expect(bench.counted).toEqual({ latest: 1, time: 2 })
})

test('a dropped record that its reader has no room for is only counted, and by itself', () => {
  const bench = full(undefined)
  bench.push({ id: 3 })
  bench.block(1)
  bench.push({ id: 4 })
  bench.push({ id: 5 })
  bench.unblock(1)
  bench.push({ id: 6 })
  expect(bench.dropped).toEqual([0, 3])
  expect(bench.counted).toEqual({ full: 2, 'full unread': 2 })
})

test('a record in hand keeps its turn where records may be lost from just then on', () => {
  // The clock goes on between two readings.
  class Ticking extends FakeOperatorContext {
    tickMs = 0

    override now(): number {
      this.timeMs += this.tickMs
      return this.timeMs
    }
  }
  for (let waitedMs = 90; waitedMs < 110; waitedMs++) {
    const context = new Ticking()
    const bench = new ShedBench({ policy: 'drop-oldest', bytes: 60, when: { fullFor: 100 } }, context)
    const pad = 'x'.repeat(20)
    bench.block()
    bench.push({ id: 0, pad })
    context.advance(waitedMs)
    context.tickMs = 1
    let id = 1
    while (!context.inputHeld && id < 6) bench.push({ id: id++, pad })
    context.tickMs = 0
    const held = bench.operator.holding
    const lost = Object.values(bench.counted).reduce((sum, count) => sum + count, 0)
    expect(held + lost).toBe(id)
    // Nobody passes a record in hand.
    if (held === 2) expect(context.inputHeld).toBe(true)
    bench.flow()
    expect(bench.out).toEqual([...bench.out].sort((left, right) => left - right))
    expect(context.inputHeld).toBe(false)
  }
})
