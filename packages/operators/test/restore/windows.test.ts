/** Windows restore exactly, in the middle of a firing too. */
import { describe, test, vi } from 'vitest'
import {
  aggregator,
  count,
  countTrigger,
  countWindow,
  defineTrigger,
  distinct,
  earlyTrigger,
  eventTimeTrigger,
  fromArray,
  globalWindow,
  type JobBuilder,
  last,
  max,
  session,
  sliding,
  sum,
  tumbling,
  values,
  type WindowAssigner,
  type WindowOptions,
} from '../../src/index.js'
import { expectRestores, type Item, type Limits } from './expect-restores.js'

vi.setConfig({ testTimeout: 60_000 })

const spread = aggregator({
  create: () => ({ low: Infinity, high: -Infinity }),
  add: (span, { n }: Item) => {
    span.low = Math.min(span.low, n)
    span.high = Math.max(span.high, n)
    return span
  },
  merge: (left, right) => ({ low: Math.min(left.low, right.low), high: Math.max(left.high, right.high) }),
  result: (span) => span.high - span.low,
})

type What = 'aggregate' | 'in order' | 'reduce' | 'process'

const declared =
  (assigner: WindowAssigner<'lossy'>, options: WindowOptions, what: What) =>
  (job: JobBuilder): void => {
    const windows = job
      .source('items', fromArray<Item>([]))
      .withTimestamps(() => 0)
      .keyBy((item) => item.key as string)
      .window(assigner, options)
    if (what === 'aggregate') {
      windows.aggregate('op', {
        count: count(),
        sum: sum((item) => item.n),
        max: max((item) => item.n),
        spread,
        ns: distinct((item) => item.n),
      })
    } else if (what === 'in order') windows.aggregate('op', { ids: values((item) => item.id), last: last((item) => item.id) })
    else if (what === 'reduce') windows.reduce('op', (left, right) => ({ key: left.key, n: left.n + right.n, id: right.id }))
    else {
      windows.process('op', function* (items, { key, window }) {
        for (const { id } of items) yield { key, id, window }
      })
    }
  }

const clocked = { time: 'processing' } as const
const asEvent = (assigner: WindowAssigner<never>): WindowAssigner<'lossy'> => assigner as WindowAssigner<'lossy'>

const assigners: Readonly<Record<string, WindowAssigner<'lossy'>>> = {
  tumbling: tumbling(10),
  'tumbling, an offset': tumbling(10, { offset: 3 }),
  sliding: sliding(20, 5),
  'sliding, uneven': sliding(15, 10, { offset: 2 }),
  session: session(8),
  'tumbling by the clock': asEvent(tumbling(20, clocked)),
  'sliding by the clock': asEvent(sliding(30, 10, clocked)),
  'session by the clock': asEvent(session(15, clocked)),
}

describe.each(Object.entries(assigners))('%s', (name, assigner) => {
  const byClock = name.includes('clock')
  test.each(['aggregate', 'in order', 'reduce', 'process'] as const)('%s', async (what) => {
    await expectRestores(declared(assigner, {}, what))
  })
  test.skipIf(byClock).each(['aggregate', 'in order', 'reduce', 'process'] as const)('%s with lateness', async (what) => {
    await expectRestores(declared(assigner, { allowedLateness: 15 }, what))
  })
})

const timers = defineTrigger({
  onRecord(record, context) {
    if (context.count === 1 && context.window.end < Infinity) context.timers.eventTime.set(context.window.end - 1)
    if ((record as Item).n > 6) context.timers.processingTime.set(context.now() + 12)
    return context.count >= 3 ? 'fireAndPurge' : 'continue'
  },
  onEventTime: () => 'fire',
  onProcessingTime: () => 'fireAndPurge',
})

/** Several windows of a key fire at one time; in which order is not promised. */
const severalWindows: Limits = { unordered: true }

const triggered: Readonly<Record<string, readonly [WindowAssigner<'lossy'>, WindowOptions, Limits]>> = {
  'a count window': [asEvent(countWindow(3)), {}, {}],
  'global, at the end': [asEvent(globalWindow()), { trigger: eventTimeTrigger() }, {}],
  'global, by count': [asEvent(globalWindow()), { trigger: countTrigger(2) }, {}],
  'global, by count, purged': [asEvent(globalWindow()), { trigger: countTrigger(2, { purge: true }) }, {}],
  'global, timers': [asEvent(globalWindow()), { trigger: timers }, {}],
  'tumbling, by count': [tumbling(20), { trigger: countTrigger(2), allowedLateness: 15 }, severalWindows],
  'sliding, by count, purged': [sliding(20, 10), { trigger: countTrigger(2, { purge: true }) }, severalWindows],
  'tumbling, early': [tumbling(30), { trigger: earlyTrigger(10), allowedLateness: 10 }, { sameParallelism: true, unordered: true }],
  'sliding, early': [sliding(30, 10), { trigger: earlyTrigger(10) }, { sameParallelism: true, unordered: true }],
  'tumbling, timers': [tumbling(20), { trigger: timers, allowedLateness: 10 }, severalWindows],
  'sliding, timers': [sliding(20, 10), { trigger: timers }, severalWindows],
  'tumbling by the clock, by count': [asEvent(tumbling(20, clocked)), { trigger: countTrigger(2) }, severalWindows],
}

describe.each(Object.entries(triggered))('%s', (_name, [assigner, options, limits]) => {
  test.each(['aggregate', 'reduce', 'process'] as const)('%s', async (what) => {
    await expectRestores(declared(assigner, options, what), limits)
  })
})

test('windows over all records', async () => {
  const declaration = (job: JobBuilder): void => {
    job
      .source('items', fromArray<Item>([]))
      .withTimestamps(() => 0)
      .windowAll(sliding(20, 5))
      .aggregate('op', { count: count() })
  }
  await expectRestores(declaration, { single: true })
})
