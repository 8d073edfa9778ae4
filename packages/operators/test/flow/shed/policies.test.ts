import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { type Item, type ItemPolicy, ShedBench } from './shed-bench.js'
import { ShedModel } from './shed-model.js'

const items = (count: number, from = 0): readonly Item[] => Array.from({ length: count }, (_, k) => ({ id: from + k }))

function filled(policy: ItemPolicy, given: readonly Item[]): ShedBench {
  const bench = new ShedBench(policy)
  bench.block()
  for (const item of given) bench.push(item)
  return bench
}

test('while the consumer takes what comes, records pass straight through, with their timestamps', () => {
  const bench = new ShedBench({ policy: 'drop-oldest', records: 1 })
  bench.push({ id: 1 }, 10)
  bench.push({ id: 2 })
  expect(bench.context.emitted).toEqual([
    { value: { id: 1 }, timestamp: 10, port: 0 },
    { value: { id: 2 }, timestamp: Number.NaN, port: 0 },
  ])
  expect(bench.operator.holding).toBe(0)
  expect(bench.counted).toEqual({})
})

test('nothing overtakes a record that waits', () => {
  const bench = filled({ policy: 'drop-newest', records: 10 }, items(2))
  bench.unblock()
  bench.push({ id: 2 })
  expect(bench.out).toEqual([])
  bench.flow()
  expect(bench.out).toEqual([0, 1, 2])
})

test('drop-newest: who finds the queue full is dropped', () => {
  const bench = filled({ policy: 'drop-newest', records: 3 }, items(5))
  bench.flow()
  expect(bench.out).toEqual([0, 1, 2])
  expect(bench.dropped).toEqual([3, 4])
  expect(bench.counted).toEqual({ full: 2 })
})

test('drop-oldest: who has waited longest makes room', () => {
  const bench = filled({ policy: 'drop-oldest', records: 3 }, items(5))
  bench.flow()
  expect(bench.out).toEqual([2, 3, 4])
  expect(bench.dropped).toEqual([0, 1])
  expect(bench.counted).toEqual({ full: 2 })
})

test('priority: the lowest goes, the oldest among equals, and the rest leaves in the order of its arrival', () => {
  const weights = [5, 1, 9, 1, 0, 1, 7]
  const bench = filled(
    { policy: 'priority', records: 4, priority: ({ weight = 0 }) => weight },
    weights.map((weight, id) => ({ id, weight })),
  )
  bench.flow()
  expect(bench.dropped).toEqual([4, 1, 3])
  expect(bench.out).toEqual([0, 2, 5, 6])
})

test('latest: the newer takes the place of the older, and too many keys lose the one that waits for its turn the longest', () => {
  const bench = filled({ policy: 'latest', records: 3, key: ({ key }) => key ?? null }, [
    { id: 1, key: 'a' },
    { id: 2, key: 'b' },
    { id: 3, key: 'a' },
    { id: 4, key: 'c' },
    { id: 5, key: 'b' },
    { id: 6, key: 'd' },
  ])
  bench.flow()
  expect(bench.out).toEqual([5, 4, 6])
  expect(bench.dropped).toEqual([1, 2, 3])
  expect(bench.counted).toEqual({ latest: 2, full: 1 })
})

test('latest: keys are compared by what they are', () => {
  const bench = filled({ policy: 'latest', key: ({ key, weight }) => [key ?? '', weight ?? 0] as const }, [
    { id: 1, key: 'a', weight: 1 },
    { id: 2, key: 'a', weight: 2 },
    { id: 3, key: 'a', weight: 1 },
  ])
  bench.flow()
  expect(bench.out).toEqual([3, 2])
})

describe('sample', () => {
  it('takes about its share of what waits once the queue is full, and the same for the same seed', () => {
    const run = (seed?: number): ShedBench => {
      const bench = filled({ policy: 'sample', keep: 0.25, records: 1_000, seed }, items(3_000))
      bench.flow()
      return bench
    }
    const first = run()
    // Nothing in it may have been full again: 1,000 records thinned to about 250, and 2,000 more to about 500.
    expect(first.counted).toEqual({ sample: first.dropped.length })
    expect(first.out.length).toBeGreaterThan(3_000 * 0.25 * 0.85)
    expect(first.out.length).toBeLessThan(3_000 * 0.25 * 1.15)
    expect([...first.out]).toEqual([...first.out].sort((left, right) => left - right))
    expect(run().out).toEqual(first.out)
    expect(run(7).out).not.toEqual(first.out)
  })

  it('drops nothing while the queue is not full, and stops when nothing waits any more', () => {
    const bench = filled({ policy: 'sample', keep: 0.1, records: 100 }, items(100))
    expect(bench.counted).toEqual({})
    bench.push({ id: 100 })
    expect(bench.counted['sample']).toBeGreaterThan(60)
    bench.flow()
    const before = bench.counted['sample']
    bench.block()
    for (const item of items(100, 200)) bench.push(item)
    expect(bench.counted['sample']).toBe(before)
  })

  it('drops the newest, counted apart, where even the sample is too much', () => {
    const bench = filled({ policy: 'sample', keep: 0.5, records: 10 }, items(100))
    expect(bench.operator.holding).toBe(10)
    expect(bench.counted['full']).toBeGreaterThan(20)
    expect(bench.operator.holding + bench.dropped.length).toBe(100)
  })

  it('keeps or drops a key whole, the same keys in every subtask and every run', () => {
    const run = (index: number): ShedBench => {
      const bench = filled(
        { policy: 'sample', keep: 0.3, records: 2_000, by: ({ key }) => key ?? null },
        items(4_000).map(({ id }) => ({ id, key: `trace-${(id * (index + 1)) % 400}` })),
      )
      bench.flow()
      return bench
    }
    const kept = new Set(run(0).out.map((id) => id % 400))
    const lost = new Set(run(0).dropped.map((id) => id % 400))
    expect(kept.size).toBeGreaterThan(400 * 0.3 * 0.7)
    expect(kept.size).toBeLessThan(400 * 0.3 * 1.3)
    for (const key of kept) expect(lost.has(key)).toBe(false)
    const others = new Set(run(2).out.map((id) => (id * 3) % 400))
    for (const key of others) expect(kept.has(key)).toBe(true)
  })
})

const someItem = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  weight: fc.integer({ min: 0, max: 4 }),
  pad: fc.string({ maxLength: 30 }),
})
const someStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('push' as const), item: someItem }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), records: fc.integer({ min: 0, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flow' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('block' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('watermark' as const) }) },
)

const policies: Record<'drop-newest' | 'drop-oldest' | 'priority' | 'latest', ItemPolicy> = {
  'drop-newest': { policy: 'drop-newest' },
  'drop-oldest': { policy: 'drop-oldest' },
  priority: { policy: 'priority', priority: ({ weight }) => weight as number },
  latest: { policy: 'latest', key: ({ key }) => key as string },
}

test.each(Object.keys(policies) as (keyof typeof policies)[])(
  '%s does what its model does, within its bounds, and no watermark passes what waits',
  (name) => {
    fc.assert(
      fc.property(
        fc.array(someStep, { maxLength: 120 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 90, max: 400 }),
        (steps, records, bytes) => {
          const bench = new ShedBench({ ...policies[name], records, bytes })
          const model = new ShedModel(name, records, bytes)
          let id = 0
          let watermark = 0
          /** Watermarks that stand behind what was given before them. */
          const behind: { watermark: number; given: number }[] = []
          for (const step of steps) {
            switch (step.kind) {
              case 'push': {
                const item = { id: id++, ...step.item }
                bench.push(item)
                model.push(item, bench.context.sizeOf(item))
                break
              }
              case 'release':
                bench.release(step.records)
                model.credit = false
                model.release(step.records)
                break
              case 'flow':
                bench.flow()
                model.credit = true
                model.release(Number.POSITIVE_INFINITY)
                break
              case 'block':
                bench.block()
                model.credit = false
                break
              case 'watermark':
                bench.watermark(++watermark)
                behind.push({ watermark, given: id })
                break
            }
            expect(bench.out).toEqual(model.out)
            expect([...bench.dropped].sort((left, right) => left - right)).toEqual([...model.dropped].sort((left, right) => left - right))
            expect(bench.operator.holding).toBe(model.waiting)
            expect(bench.out.length + bench.dropped.length + bench.operator.holding).toBe(id)
            expect(Object.values(bench.counted).reduce((sum, count) => sum + count, 0)).toBe(model.dropped.length)
            const gone = new Set([...bench.out, ...bench.dropped])
            const passed = bench.context.passed.at(-1)?.watermark ?? 0
            for (const mark of behind) {
              const stands = Array.from({ length: mark.given }, (_, given) => given).some((given) => !gone.has(given))
              if (stands) expect(passed).toBeLessThan(mark.watermark)
            }
          }
          bench.flow()
          // None waits for ever.
          expect(bench.context.passed.at(-1)?.watermark ?? 0).toBe(watermark)
        },
      ),
      { numRuns: 300 },
    )
  },
)
