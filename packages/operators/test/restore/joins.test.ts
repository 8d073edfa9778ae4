/** Joins, dedupe and topN restore exactly. */
import { describe, test, vi } from 'vitest'
import {
  compact,
  fromArray,
  type JobBuilder,
  type JoinTtl,
  type KeyedStream,
  type OuterJoin,
  session,
  sliding,
  tumbling,
  type Update,
  type WindowAssigner,
} from '../../src/index.js'
import { expectRestores, type Item, type Limits } from './expect-restores.js'

vi.setConfig({ testTimeout: 60_000 })

type Items = KeyedStream<string, Item, 'lossy'>
const itemsOf = (job: JobBuilder, name: string): Items =>
  job
    .source(name, fromArray<Item>([]))
    .withTimestamps(() => 0)
    .keyBy((item) => item.key as string)

const pair = (left: Item | undefined, right: Item | undefined) => ({ key: (left ?? right)?.key, left: left?.id, right: right?.id })
const two: Limits = { twoInputs: true }
const clocked = { time: 'processing' } as const

describe('join', () => {
  test.each<readonly ['inner' | OuterJoin, JoinTtl | undefined]>([
    ['inner', undefined],
    ['inner', 30],
    ['inner', { left: 20 }],
    ['left', undefined],
    ['left', 30],
    ['right', { right: 20 }],
    ['full', undefined],
    ['full', 25],
  ])('%s, ttl %o', async (type, ttl) => {
    const declaration = (job: JobBuilder): void => {
      const left = itemsOf(job, 'left')
      const right = itemsOf(job, 'right')
      if (type === 'inner') left.join('op', right, pair, { ttl })
      else left.join('op', right, pair as never, { type, ttl })
    }
    // A row that has expired may be gone already or not, which changes the numbers that records of an outer join get.
    const promised = (value: unknown): unknown => {
      const { op, key, value: joined } = value as Update<unknown, readonly unknown[]>
      return { op, key: key[0], joined }
    }
    await expectRestores(declaration, type !== 'inner' && ttl !== undefined ? { ...two, promised } : two)
  })
})

test.each([
  [5, 5],
  [0, 200],
  [30, 0],
])('interval join, %i before and %i after', async (before, after) => {
  await expectRestores((job) => void itemsOf(job, 'left').intervalJoin('op', itemsOf(job, 'right'), pair, { before, after }), two)
})

describe('window join', () => {
  const assigners: Readonly<Record<string, readonly [WindowAssigner<'lossy'>, number]>> = {
    tumbling: [tumbling(20), 0],
    'tumbling, lateness': [tumbling(20), 15],
    sliding: [sliding(20, 5), 0],
    'sliding, lateness': [sliding(20, 5), 15],
    session: [session(8), 0],
    'tumbling by the clock': [tumbling(20, clocked), 0],
    'session by the clock': [session(15, clocked), 0],
  }
  test.each(Object.entries(assigners))('%s', async (_name, [window, allowedLateness]) => {
    const options = { window, ...(allowedLateness > 0 ? { allowedLateness } : {}) }
    await expectRestores((job) => void itemsOf(job, 'left').windowJoin('op', itemsOf(job, 'right'), pair, options), two)
  })
})

test.each(['inner', 'left'] as const)('temporal join, %s', async (type) => {
  await expectRestores((job) => void itemsOf(job, 'left').temporalJoin('op', itemsOf(job, 'right'), pair, { type }), two)
})

describe('dedupe', () => {
  test.each([{}, { ttl: 30 }, { ttl: 30, time: 'event' }] as const)('%o', async (options) => {
    await expectRestores((job) => void itemsOf(job, 'items').dedupe('op', options))
  })
})

describe('topN', () => {
  const byN = (left: Item, right: Item): number => right.n - left.n
  test.each<readonly [Parameters<Items['topN']>[3], Limits]>([
    [{}, {}],
    [{ ttl: 30 }, {}],
    [{ emit: 'end' }, {}],
    [{ emit: 15 }, { sameParallelism: true }],
    [{ emit: 15, ttl: 25 }, { sameParallelism: true }],
  ])('%o', async (options, limits) => {
    await expectRestores((job) => void itemsOf(job, 'items').topN('op', 2, byN, options), limits)
  })
})

test('compact', async () => {
  await expectRestores((job) => {
    job
      .source('items', fromArray<Item>([]))
      .withTimestamps(() => 0)
      .map((item): Update<number, string> => ({ op: item.n > 5 ? 'delete' : 'upsert', key: item.key as string, value: item.n }))
      .through(compact('op'))
  })
})
