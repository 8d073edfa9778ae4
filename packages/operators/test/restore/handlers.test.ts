/** Running aggregates, batches and handlers with state restore exactly. */
import { describe, expect, test, vi } from 'vitest'
import {
  aggregatingState,
  approxDistinct,
  count,
  fromArray,
  type JobBuilder,
  type KeyedStream,
  listState,
  mapState,
  mean,
  min,
  quantiles,
  reducingState,
  type RunningAggregateOptions,
  sum,
  type Ttl,
  valueState,
  values,
} from '../../src/index.js'
import { expectRestores, type Item, type Limits } from './expect-restores.js'

vi.setConfig({ testTimeout: 60_000 })

const streamOf = (job: JobBuilder, name = 'items') => job.source(name, fromArray<Item>([])).withTimestamps(() => 0)
const itemsOf = (job: JobBuilder, name = 'items'): KeyedStream<string, Item, 'lossy'> =>
  streamOf(job, name).keyBy((item) => item.key as string)

describe.each<readonly [RunningAggregateOptions, Limits]>([
  [{}, {}],
  [{ emit: 'end' }, {}],
  [{ emit: 15 }, { sameParallelism: true }],
])('%o', (options, limits) => {
  test('aggregate', async () => {
    const aggregates = {
      count: count(),
      sum: sum((item: Item) => item.n / 7),
      mean: mean((item: Item) => item.n),
      min: min((item: Item) => (item.n > 7 ? String(item.n) : item.n) as number),
      ids: values((item: Item) => item.id),
    }
    await expectRestores((job) => void itemsOf(job).aggregate('op', aggregates, options), limits)
  })

  test('reduce', async () => {
    const add = (left: Item, right: Item): Item => ({ key: left.key, n: left.n + right.n, id: right.id })
    await expectRestores((job) => void itemsOf(job).reduce('op', add, options), limits)
  })
})

test('sketches', async () => {
  const aggregates = { about: approxDistinct((item: Item) => item.n), quantiles: quantiles((item: Item) => item.n, [0.5]) }
  await expectRestores((job) => void itemsOf(job).aggregate('op', aggregates))
})

test.each([{ records: 3 }, { records: 5, time: 20 }])('batch %o', async (options) => {
  await expectRestores((job) => void streamOf(job).batch('op', options), { sameParallelism: true })
})

test('process without state', async () => {
  await expectRestores(
    (job) =>
      void streamOf(job).process('op', {
        onRecord: ({ key, n }) => [{ key, n }],
        onEnd: ({ subtask }) => [{ key: 'end', index: subtask.index }],
      }),
    { sameParallelism: true },
  )
})

const stateful =
  (ttl: Ttl | undefined) =>
  (job: JobBuilder): void => {
    itemsOf(job).process('op', {
      state: {
        total: valueState<number>({ default: 0, ttl }),
        item: valueState<Item>({ ttl }),
        ids: listState<number>({ ttl }),
        seen: mapState<number | readonly [string, number], number>({ ttl }),
        largest: reducingState<number>((left, right) => Math.max(left, right), { ttl }),
        mean: aggregatingState(
          mean((n: number) => n),
          { ttl },
        ),
        list: aggregatingState(
          values((n: number) => n),
          { ttl },
        ),
      },
      onRecord({ n, id, key }, { state, timers, timestamp = 0, now }) {
        state.total.set(state.total.get() + n)
        if (n === 3) state.item.set({ key, n, id })
        if (n === 4) state.item.clear()
        if (n === 9) state.ids.clear()
        state.ids.add(id)
        state.seen.set(n > 4 ? n : ['few', n], id)
        if (n === 5) state.seen.delete(6)
        state.largest.add(n)
        state.mean.add(n)
        state.list.add(id)
        if (n === 1) timers.eventTime.set(timestamp + 12)
        if (n === 2) timers.processingTime.set(now() + 9)
        if (n === 8) timers.eventTime.cancel(timestamp + 1)
        const kept = { total: state.total.get(), item: state.item.get(), ids: state.ids.values(), seen: [...state.seen.entries()] }
        return [{ key, ...kept, largest: state.largest.get(), mean: state.mean.get(), list: state.list.get() }]
      },
      onTimer(timer, { key, state }) {
        if (timer.kind === 'processingTime') state.total.clear()
        return [{ key, timer, ids: state.ids.values(), seen: state.seen.size }]
      },
    })
  }

test.each<Ttl | undefined>([
  undefined,
  40,
  { after: 30, time: 'event' },
  { after: 40, refresh: 'readAndWrite' },
  { after: 30, time: 'event', refresh: 'readAndWrite' },
])('process with state, ttl %o', async (ttl) => {
  // State that expires by event time lives by the timestamp of the record before a timer of processing time, of whatever key.
  await expectRestores(stateful(ttl), { sameParallelism: typeof ttl === 'object' })
})

test('coProcess', async () => {
  await expectRestores(
    (job) =>
      void itemsOf(job, 'left').coProcess('op', itemsOf(job, 'right'), {
        state: { open: listState<number>() },
        onLeft({ id }, { state }) {
          state.open.add(id)
        },
        *onRight({ id }, { key, state }) {
          for (const left of state.open.values()) yield { key, left, right: id }
          state.open.clear()
        },
      }),
    { twoInputs: true },
  )
})

const rules = { rules: mapState<number, number>() }

test('connectBroadcast', async () => {
  await expectRestores(
    (job) =>
      void streamOf(job, 'items').connectBroadcast('op', streamOf(job, 'rules'), {
        broadcast: rules,
        onRecord: ({ key, n, id }, { broadcast }) => [{ key, id, rule: broadcast.rules.get(n), all: broadcast.rules.size }],
        onBroadcast({ n, id }, { broadcast }) {
          if (n === 0) broadcast.rules.clear()
          else broadcast.rules.set(n, id)
        },
      }),
    { twoInputs: true, broadcast: true },
  )
})

test('connectBroadcast on a keyed stream', async () => {
  await expectRestores(
    (job) =>
      void itemsOf(job, 'items').connectBroadcast('op', streamOf(job, 'rules'), {
        state: { count: valueState<number>({ default: 0 }) },
        broadcast: rules,
        onRecord({ key, n, id }, { state, broadcast }) {
          state.count.set(state.count.get() + 1)
          return [{ key, id, rule: broadcast.rules.get(n), count: state.count.get() }]
        },
        onBroadcast({ n, id }, { broadcast }) {
          if (n === 0) broadcast.rules.delete(5)
          else broadcast.rules.set(n, id)
        },
      }),
    { twoInputs: true, broadcast: true },
  )
})

test('the harness finds an operator that forgets', async () => {
  const forgetful = (job: JobBuilder): void => {
    const counts = new Map<unknown, number>()
    job.source('others', fromArray<Item>([])).process('forgets', {
      onRecord: ({ key }) => {
        counts.set(key, (counts.get(key) ?? 0) + 1)
        return [{ key, count: counts.get(key) }]
      },
    })
  }
  await expect(expectRestores(forgetful, {}, 'forgets')).rejects.toThrow('Property failed')
})
