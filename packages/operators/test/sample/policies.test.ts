/** What single policies, options and the clock of a tail sample come to. */
import { hashKey } from '@sluice/engine'
import { describe, expect, test } from 'vitest'
import {
  dropWhen,
  fromArray,
  keepIfAny,
  keepIfLonger,
  keepRate,
  keepShare,
  keepWhen,
  type TailSampleOptions,
  type TracePolicy,
} from '../../src/index.js'
import { mixBits } from '../../src/flow/mix-bits.js'
import { FakeOperatorContext } from '../support/fake-operator-context.js'
import { declare, nodeOf, operatorOf } from '../support/graphs.js'

interface Item {
  readonly id: number
  readonly trace: string
}

function bench(policies: readonly TracePolicy<Item>[], more: Partial<TailSampleOptions<Item>> = {}, context = new FakeOperatorContext()) {
  const graph = declare((job) => {
    job
      .source('items', fromArray<Item>([]))
      .keyBy(({ trace }) => trace)
      .tailSample('tail', { decideAfter: 100, policies, ...more } as TailSampleOptions<Item> & { whenFull: 'dropNewest' })
  })
  const operator = operatorOf(graph, 'tail', context)
  return {
    context,
    operator,
    node: nodeOf(graph, 'tail'),
    push: (id: number, trace: string) => operator.process({ id, trace }, Number.NaN, 0),
    ids: (port: number) => context.emitted.flatMap((each) => (each.port === port ? [(each.value as Item).id] : [])),
  }
}

const never = keepIfAny<Item>('never', () => false)
const all = keepShare<Item>('all', 1)

test('a share is a matter of the key alone, about as large as asked, and grows with the share', () => {
  const kept = (share: number): readonly string[] => {
    const { context, push } = bench([keepShare('some', share)])
    for (let k = 0; k < 2_000; k++) push(k, `trace-${k}`)
    context.advance(100)
    return context.emitted.flatMap(({ value, port }) => (port === 0 ? [(value as Item).trace] : []))
  }
  const tenth = kept(0.1)
  expect(tenth.length).toBeGreaterThan(150)
  expect(tenth.length).toBeLessThan(250)
  expect(tenth).toEqual(kept(0.1))
  const fifth = new Set(kept(0.2))
  expect(tenth.every((trace) => fifth.has(trace))).toBe(true)
  expect(tenth.every((trace) => mixBits(hashKey(trace)) >>> 0 < 0.1 * 2 ** 32)).toBe(true)
  expect(kept(1)).toHaveLength(2_000)
})

test('a rate keeps that of the traces which nobody else keeps, divided over the subtasks', () => {
  class Half extends FakeOperatorContext {
    override readonly subtask = { index: 0, parallelism: 2 }
  }
  const { context, push, ids } = bench([keepIfAny('seven', ({ id }) => id === 7), keepRate('ten', 10)], {}, new Half())
  for (let k = 0; k < 50; k++) push(k, `a${k}`)
  context.advance(100)
  // Half of ten at once, beside the one that does not count.
  expect(ids(0)).toEqual([7, 0, 1, 2, 3, 4])
  context.emitted.length = 0
  context.advance(300)
  for (let k = 0; k < 50; k++) push(k + 100, `b${k}`)
  context.advance(100)
  expect(ids(0)).toEqual([100, 101])
})

test('a rate behind a restore begins with nothing', () => {
  const { context, operator, push, ids } = bench([keepRate('ten', 10)])
  operator.restore?.({ watermark: Number.NEGATIVE_INFINITY, states: [], ended: false })
  push(1, 'a')
  push(2, 'b')
  context.advance(100)
  expect(ids(0)).toEqual([1])
})

test('the first policy that keeps or drops decides; each is counted', () => {
  const policies = [
    keepWhen<Item>('three', (records) => records.length === 3),
    dropWhen<Item>('odd', (records) => records.every(({ id }) => id % 2 === 1)),
    keepIfAny<Item>('nine', ({ id }) => id === 9 || id === 8),
  ]
  const { context, push, ids } = bench(policies)
  for (const [id, trace] of [
    [1, 'a'],
    [3, 'a'],
    [5, 'a'],
    [9, 'b'],
    [8, 'c'],
    [2, 'd'],
  ] as const)
    push(id, trace)
  // `nine` waits for what stands in front of it.
  expect(ids(0)).toEqual([])
  context.advance(100)
  expect(ids(0)).toEqual([1, 3, 5, 8])
  expect(ids(1)).toEqual([9, 2])
  expect(Object.fromEntries(context.counts)).toMatchObject({ 'kept.three': 1, 'dropped.odd': 1, 'kept.nine': 1, 'dropped.sampled': 1 })
  expect(Object.fromEntries(context.dropped)).toEqual({ odd: 1, sampled: 1 })
})

test('what keeps for one record keeps at once, and late records follow', () => {
  const { context, push, ids } = bench([keepIfAny('nine', ({ id }) => id === 9)])
  push(1, 'a')
  push(2, 'b')
  push(9, 'a')
  expect(ids(0)).toEqual([1, 9])
  push(3, 'a')
  expect(ids(0)).toEqual([1, 9, 3])
  context.advance(100)
  push(4, 'b')
  expect(ids(1)).toEqual([2, 4])
  expect(Object.fromEntries(context.dropped)).toEqual({ sampled: 1, late: 1 })
  expect(context.counts.get('lateKept')).toBe(1)
  expect(context.counts.get('lateDropped')).toBe(1)
})

test('a decision is forgotten by time and by number, and the trace begins anew', () => {
  const { context, push, ids } = bench([never, keepWhen('two', (records) => records.length === 2)], { remember: { traces: 2, for: 500 } })
  push(1, 'a')
  context.advance(100)
  context.advance(499)
  push(2, 'a')
  expect(ids(1)).toEqual([1, 2])
  context.advance(1)
  push(3, 'a')
  push(4, 'a')
  context.advance(100)
  expect(ids(0)).toEqual([3, 4])
  push(5, 'b')
  push(6, 'c')
  context.advance(100)
  push(7, 'a')
  push(8, 'a')
  context.advance(100)
  expect(ids(0)).toEqual([3, 4, 7, 8])
})

test('a full port of dropped records stops nothing, and what it misses is counted', () => {
  const { context, push, ids } = bench([never])
  context.blocked.add(1)
  push(1, 'a')
  context.advance(100)
  context.blocked.delete(1)
  push(2, 'b')
  context.advance(100)
  expect(ids(1)).toEqual([2])
  expect(Object.fromEntries(context.dropped)).toEqual({ 'sampled unread': 1, sampled: 1 })
})

describe('the clock stands still while the operator is held up', () => {
  test('a deadline that is told late leaves time for records that wait in front', () => {
    const { context, push, ids } = bench([keepWhen('two', (records) => records.length === 2)])
    push(1, 'a')
    // Held up for a minute behind its deadline.
    context.advance(60_000)
    expect(ids(1)).toEqual([])
    push(2, 'a')
    context.advance(100)
    expect(ids(0)).toEqual([1, 2])
  })

  test('but only once in the time of a trace: a consumer that is slow all the time is not kept waiting', () => {
    const { context, push, ids } = bench([all], { decideAfter: '10s' })
    push(1, 'a')
    context.advance(5_000)
    push(2, 'b')
    context.advance(6_000)
    expect(ids(0)).toEqual([])
    context.advance(500)
    expect(ids(0)).toEqual([1])
    // Late again, soon after: it is due at its time, and leaves.
    const due = context.deadlineMs as number
    context.advance(due + 300 - context.timeMs)
    expect(ids(0)).toEqual([1, 2])
  })

  test('a clock that is set back keeps nobody waiting for longer than that', () => {
    const { context, push, ids } = bench([all])
    push(1, 'a')
    context.timeMs -= 50
    push(2, 'b')
    context.advance(150)
    expect(ids(0)).toEqual([1, 2])
  })
})

test('a stop without a checkpoint decides on what is there', () => {
  const { context, operator, push, ids } = bench([
    keepIfAny('never', () => false),
    keepWhen('a', (_records, { key, cause }) => key === 'a' && cause === 'end'),
  ])
  push(1, 'a')
  push(2, 'b')
  push(3, 'a')
  context.expand(operator.onStop?.() as Iterable<unknown>, Number.NaN)
  expect(ids(0)).toEqual([1, 3])
  expect(ids(1)).toEqual([2])
})

test('where a bound is reached it counts what was decided early', () => {
  const { context, push, ids } = bench([all], { traces: 2, recordsPerTrace: 3 })
  push(1, 'a')
  push(2, 'b')
  push(3, 'c')
  expect(ids(0)).toEqual([1])
  for (const id of [4, 5]) push(id, 'b')
  expect(ids(0)).toEqual([1, 2, 4, 5])
  expect(context.counts.get('earlyFull')).toBe(1)
  expect(context.counts.get('earlyRecordsPerTrace')).toBe(1)
})

test('the trace that came last gives way where that is asked for', () => {
  const { context, push, ids } = bench([all], { traces: 2, whenFull: 'dropNewest', lossy: true })
  push(1, 'a')
  push(2, 'b')
  push(3, 'c')
  push(4, 'c')
  context.advance(100)
  expect(ids(0)).toEqual([1, 2])
  expect(ids(1)).toEqual([3, 4])
  expect(Object.fromEntries(context.dropped)).toEqual({ full: 1, late: 1 })
})

test('sizes are sampled where nothing else is said: the first ones are measured, then one of eight', () => {
  let measured = 0
  class Counting extends FakeOperatorContext {
    override sizeOf(value: unknown): number {
      measured++
      return super.sizeOf(value)
    }
  }
  const run = (sizes: 'sampled' | 'exact'): number => {
    measured = 0
    const { push } = bench([all], { sizes }, new Counting())
    for (let k = 0; k < 832; k++) push(k, `t${k}`)
    return measured
  }
  expect(run('exact')).toBe(832)
  expect(run('sampled')).toBe(32 + 100)
})

test('a promise is refused', () => {
  const { context, push } = bench([keepWhen('later', (async () => true) as never)])
  push(1, 'a')
  expect(() => context.advance(100)).toThrow(expect.objectContaining({ code: 'SLUICE_RECORD_PROMISE' }))
  const any = bench([keepIfAny('later', (async () => true) as never)])
  expect(() => any.push(1, 'a')).toThrow(expect.objectContaining({ code: 'SLUICE_RECORD_PROMISE' }))
})

describe('wrong options', () => {
  const base = { decideAfter: 100, policies: [all] }
  test.each<readonly [string, object, string]>([
    ['no time', { ...base, decideAfter: undefined }, 'decideAfter'],
    ['no policies', { decideAfter: 100, policies: [] }, 'needs policies'],
    ['a policy by hand', { decideAfter: 100, policies: [{ name: 'mine' }] }, 'was not made by'],
    ['two of a name', { decideAfter: 100, policies: [all, all] }, 'two policies called all'],
    ['a reserved name', { decideAfter: 100, policies: [keepShare('late', 0.5)] }, 'must not be called late'],
    ['too many policies', { decideAfter: 100, policies: Array.from({ length: 33 }, (_, k) => keepShare(`p${k}`, 0.5)) }, 'up to 32'],
    ['a misspelt bound', { ...base, trace: 10 }, 'no option trace'],
    ['a misspelt memory', { ...base, remember: { keys: 10 } }, 'no option keys'],
    ['no traces', { ...base, traces: 0 }, 'traces of tailSample tail is 0'],
    ['a wrong choice', { ...base, whenFull: 'dropOldest' }, 'whenFull'],
    ['wrong sizes', { ...base, sizes: 'guessed' }, 'sizes'],
  ])('%s', (_what, options, message) => {
    const declaration = () => bench([], options)
    expect(declaration).toThrow(
      expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID', message: expect.stringContaining(message) as string }),
    )
  })

  test.each<readonly [string, () => unknown, string]>([
    ['a share of nothing', () => keepShare('s', 0), 'keepShare s is 0'],
    ['a share above 1', () => keepShare('s', 2), 'keepShare s is 2'],
    ['no rate', () => keepRate('r', 0), 'keepRate r'],
    ['no time for a rate', () => keepRate('r', 5, 0), 'keepRate r'],
    ['no name', () => keepIfAny('', () => true), 'needs a name'],
    ['no function', () => keepWhen('w', 5 as never), 'keepWhen w takes a function'],
    ['no interval', () => keepIfLonger('l', '2s', undefined as never), 'keepIfLonger l takes a function'],
  ])('%s', (_what, make, message) => {
    expect(make).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID', message: expect.stringContaining(message) as string }))
  })
})

test('the plan shows what was asked for', () => {
  const { node } = bench([keepShare('some', 0.01), keepRate('ten', 10, '1m')])
  expect(node.options).toMatchObject({
    type: 'tailSample',
    decideAfterMs: 100,
    policies: [
      { policy: 'some', kind: 'keepShare', share: 0.01 },
      { policy: 'ten', kind: 'keepRate', traces: 10, perMs: 60_000 },
    ],
    whenFull: 'decideEarly',
  })
  expect(node.lossy).toBeUndefined()
  expect(bench([all], { whenFull: 'dropNewest' }).node.lossy).toEqual({
    because: 'drops the newest traces where its memory is full',
    accepted: false,
  })
})
