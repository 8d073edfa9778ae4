/** The queue is the snapshot: restored at the same and at another parallelism. */
import { expect, test } from 'vitest'
import { FakeOperatorContext } from '../../support/fake-operator-context.js'
import { type Item, type ItemPolicy, ShedBench } from './shed-bench.js'

class SubtaskContext extends FakeOperatorContext {
  override readonly subtask: { readonly index: number; readonly parallelism: number }

  constructor(index: number, parallelism: number) {
    super()
    this.subtask = { index, parallelism }
  }
}

function subtask(policy: ItemPolicy, index = 0, parallelism = 1, timeMs = 1_000): ShedBench {
  const context = new SubtaskContext(index, parallelism)
  context.timeMs = timeMs
  const bench = new ShedBench(policy, context)
  bench.block()
  return bench
}

function restored(policy: ItemPolicy, states: readonly unknown[], index = 0, parallelism = 1, timeMs = 1_000): ShedBench {
  const bench = subtask(policy, index, parallelism, timeMs)
  // As it comes out of a file.
  bench.operator.restore?.({ watermark: Number.NEGATIVE_INFINITY, states: structuredClone(states), ended: false })
  return bench
}

const snapshot = (bench: ShedBench): unknown => bench.operator.snapshot?.()

test('records, order, watermarks and the time they have waited come back', () => {
  const policy = { policy: 'drop-oldest', time: '1s' } as const
  const bench = subtask(policy)
  bench.push({ id: 0 }, 10)
  bench.context.advance(400)
  bench.push({ id: 1 }, 20)
  bench.watermark(15)
  bench.push({ id: 2 }, 30)
  const again = restored(policy, [snapshot(bench)], 0, 1, 50_000)
  expect(again.operator.holding).toBe(3)
  again.release(2)
  expect(again.context.passed).toEqual([{ watermark: 15, idle: false }])
  again.context.advance(999)
  expect(again.counted).toEqual({})
  again.context.advance(1)
  expect(again.counted).toEqual({ time: 1 })
  expect(again.out).toEqual([0, 1])
})

test('the record in hand is part of it', () => {
  const policy = { policy: 'drop-newest', bytes: 60, when: { fullFor: '1h' } } as const
  const bench = subtask(policy)
  bench.push({ id: 0, pad: 'xxxxxxxxxxxxxxxxxxxx' })
  bench.push({ id: 1, pad: 'xxxxxxxxxxxxxxxxxxxx' })
  const again = restored(policy, [snapshot(bench)])
  expect(again.operator.holding).toBe(2)
  again.flow()
  expect(again.out).toEqual([0, 1])
})

test('the same draws come again for the same records', () => {
  const policy = { policy: 'sample', keep: 0.5, records: 20 } as const
  const items = Array.from({ length: 60 }, (_, id): Item => ({ id }))
  const bench = subtask(policy)
  for (const item of items.slice(0, 30)) bench.push(item)
  const again = restored(policy, [snapshot(bench)])
  for (const each of [bench, again]) {
    for (const item of items.slice(30)) each.push(item)
    each.flow()
  }
  expect(again.out).toEqual(bench.out)
})

test('queues that come together stay, and grow no further before they have come down to their share', () => {
  const policy = { policy: 'drop-oldest', records: 9 } as const
  const states = [0, 1, 2].map((index) => {
    const bench = subtask(policy, index, 3)
    for (let id = 0; id < 3; id++) bench.push({ id: index * 10 + id })
    return snapshot(bench)
  })
  // The heirs of three among two: the first one has two queues, six records, and a share of five.
  const first = restored(policy, [states[0], states[2]], 0, 2)
  expect(first.operator.holding).toBe(6)
  first.push({ id: 100 })
  expect(first.operator.holding).toBe(6)
  expect(first.counted).toEqual({ full: 1 })
  first.release(3)
  for (let id = 101; id < 110; id++) first.push({ id })
  expect(first.operator.holding).toBe(5)
})

test('latest: every subtask takes its own keys out of all queues, and one record of each', () => {
  const policy = { policy: 'latest', key: ({ key }: Item) => key ?? null, records: 100 } as const
  const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`)
  const states = [0, 1].map((index) => {
    const bench = subtask(policy, index, 2, 1_000 + index * 100)
    keys.forEach((key, at) => bench.push({ id: index * 100 + at, key }))
    // The snapshots are of one moment.
    bench.context.timeMs = 2_000
    return snapshot(bench)
  })
  const subtasks = [0, 1, 2].map((index) => restored(policy, states, index, 3))
  for (const bench of subtasks) bench.flow()
  const out = subtasks.flatMap((bench) => bench.out)
  expect([...out].sort((left, right) => left - right)).toEqual(keys.map((_, at) => 100 + at))
  expect(subtasks.every((bench) => bench.out.length > 0)).toBe(true)
  expect(subtasks.reduce((sum, bench) => sum + (bench.counted['latest'] ?? 0), 0)).toBe(20)
})
