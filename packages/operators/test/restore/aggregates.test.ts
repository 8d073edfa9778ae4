/** Aggregates that are not what they were when the checkpoint was taken: they come, they go, and none takes the state of another. */
import type { GeneralSpec } from '@sluice/engine'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import {
  type Aggregator,
  type Aggregators,
  aggregator,
  approxDistinct,
  count,
  countTrigger,
  countWindow,
  distinct,
  earlyTrigger,
  first,
  fromArray,
  last,
  max,
  mean,
  min,
  quantiles,
  session,
  sliding,
  sum,
  tumbling,
  values,
  where,
  type WindowAssigner,
  type WindowOptions,
} from '../../src/index.js'
import { declare, nodeOf } from '../support/graphs.js'
import type { Item } from './expect-restores.js'
import { type Action, Fleet, type Output } from './fleet.js'

vi.setConfig({ testTimeout: 60_000 })

type Make = (aggregators: Aggregators<Item>) => GeneralSpec

const items = (declaration: (stream: ReturnType<typeof keyed>) => unknown): GeneralSpec =>
  nodeOf(
    declare((job) => void declaration(keyed(job))),
    'op',
  ).spec as GeneralSpec

const keyed = (job: Parameters<Parameters<typeof declare>[0]>[0]) =>
  job
    .source('items', fromArray<Item>([]))
    .withTimestamps(() => 0)
    .keyBy((item) => item.key as string)

const running =
  (emit: 'update' | 'end' | '15ms'): Make =>
  (aggregators) =>
    items((stream) => stream.aggregate('op', aggregators, { emit }))

const windowed =
  (assigner: WindowAssigner<'lossy'>, options: WindowOptions = {}): Make =>
  (aggregators) =>
    items((stream) => stream.window(assigner, options).aggregate('op', aggregators))

/** Its accumulator is changed in place: two rows that shared one would show. */
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

const inAnyOrder: Aggregators<Item> = {
  count: count(),
  sum: sum((item: Item) => item.n),
  mean: mean((item: Item) => item.n),
  min: min((item: Item) => item.n),
  'max:1': max((item: Item) => `text ${item.n}`),
  max: max((item: Item) => item.n),
  ':latest': distinct((item: Item) => item.n),
  spread,
  about: approxDistinct((item: Item) => item.n),
  quantiles: quantiles((item: Item) => item.n, [0, 0.5]),
  odd: where((item: Item) => item.n % 2 === 1, count()),
}

const all: Aggregators<Item> = {
  ...inAnyOrder,
  first: first((item: Item) => item.id),
  last: last((item: Item) => item.id),
  values: values((item: Item) => item.id),
}

const KEYS = [1, 2, 'one', null]

const moves = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ key: fc.constantFrom(...KEYS), n: fc.integer({ min: 0, max: 9 }), at: fc.integer({ min: -60, max: 25 }) }),
    },
    { weight: 2, arbitrary: fc.record({ by: fc.integer({ min: 0, max: 40 }), behind: fc.integer({ min: 0, max: 25 }) }) },
    { weight: 1, arbitrary: fc.record({ advanceMs: fc.integer({ min: 0, max: 40 }) }) },
  ),
  { minLength: 4, maxLength: 40, size: 'max' },
)

function actionsOf(list: typeof moves extends fc.Arbitrary<infer M> ? M : never): readonly Action[] {
  let time = -40
  const actions = list.map((move, id): Action => {
    if ('advanceMs' in move) return move
    if ('by' in move) {
      time += move.by
      return { watermark: time - move.behind }
    }
    const { key, n, at } = move
    return { record: { key, n, id } satisfies Item, key, timestamp: time + at, input: 0, broadcast: false }
  })
  return [...actions, 'end']
}

function opened(spec: GeneralSpec, parallelism = 2): Fleet {
  const fleet = new Fleet(spec, parallelism)
  fleet.open()
  return fleet
}

function runAll(fleet: Fleet, actions: readonly Action[]): void {
  for (const action of actions) for (const _ of fleet.run(action));
}

/** What went out, key by key: rows lie in another order after a restore. So do, of early results, the windows of a key. */
function shown(outputs: readonly Output[], names: readonly string[], early: boolean): readonly unknown[] {
  const lines = outputs.map(({ value, timestamp, port }) => {
    const { key, window, ...fields } = value as Record<string, unknown>
    return { key, window, timestamp, port, fields: port === 0 ? names.map((name) => [name, fields[name]]) : fields }
  })
  if (early) lines.sort((left, right) => left.timestamp - right.timestamp)
  return KEYS.map((key) => lines.filter((line) => line.key === key))
}

const pick = (from: Aggregators<Item>, names: readonly string[]): Aggregators<Item> =>
  Object.fromEntries(names.map((name) => [name, from[name] as Aggregator<Item, unknown>]))

/**
 * Interrupted between two actions, and restored with other aggregates: those that stay go on, and one that is new holds the records since
 * then, as one would that had passed over those before.
 */
async function expectChange(make: Make, of: Aggregators<Item>, early = false): Promise<void> {
  const sets = fc.shuffledSubarray(Object.keys(of), { minLength: 1 })
  await fc.assert(
    fc.asyncProperty(moves, fc.nat(1_000), sets, sets, async (list, at, before, after) => {
      const actions = actionsOf(list)
      const cut = at % actions.length
      const since = (name: string): Aggregator<Item, unknown> =>
        before.includes(name)
          ? (of[name] as Aggregator<Item, unknown>)
          : where((item: Item) => item.id >= cut, of[name] as Aggregator<Item, unknown>)
      const undisturbed = opened(make(Object.fromEntries(after.map((name) => [name, since(name)]))))
      runAll(undisturbed, actions.slice(0, cut))
      undisturbed.take()
      runAll(undisturbed, actions.slice(cut))
      const written = opened(make(pick(of, before)))
      runAll(written, actions.slice(0, cut))
      const restored = await written.restored(make(pick(of, after)), 2, () => {})
      restored.settle()
      runAll(restored, actions.slice(cut))
      expect(shown(restored.take(), after, early), `${before.join()} then ${after.join()}, cut at ${cut}`).toEqual(
        shown(undisturbed.take(), after, early),
      )
    }),
    { numRuns: 20 },
  )
}

describe('aggregates come and go', () => {
  test.each([
    ['for every record', running('update'), all],
    ['at the end', running('end'), all],
    ['after a while', running('15ms'), all],
    ['in tumbling windows', windowed(tumbling('20ms')), all],
    ['in tumbling windows kept for late records', windowed(tumbling('20ms'), { allowedLateness: '30ms' }), all],
    ['in sliding windows', windowed(sliding('30ms', '10ms')), inAnyOrder],
    ['in sessions', windowed(session('12ms')), inAnyOrder],
    ['in sessions kept for late records', windowed(session('12ms'), { allowedLateness: '30ms' }), inAnyOrder],
    ['in windows of three records', windowed(countWindow(3)), all],
    ['with a trigger', windowed(tumbling('20ms'), { trigger: countTrigger(2) }), all],
  ] as const)('%s', async (_what, make, of) => {
    await expectChange(make, of)
  })

  test('with early results', async () => {
    await expectChange(windowed(tumbling('20ms'), { trigger: earlyTrigger('15ms') }), all, true)
  })
})

const record = (key: unknown, n: number, id: number): Action => ({
  record: { key, n, id } satisfies Item,
  key,
  timestamp: id,
  input: 0,
  broadcast: false,
})

async function restoredAs(before: GeneralSpec, after: GeneralSpec): Promise<Fleet> {
  const fleet = opened(before)
  runAll(fleet, [record(1, 4, 0), record('one', 5, 1), record(1, 6, 2)])
  return fleet.restored(after, 3, () => {})
}

describe('an aggregate does not take the state of one of another kind', () => {
  const same: Readonly<Record<string, readonly [Aggregator<Item, unknown>, string, Aggregator<Item, unknown>, string]>> = {
    'more columns': [count(), 'count', max((item: Item) => item.n), 'max'],
    'fewer columns': [mean((item: Item) => item.n), 'mean', sum((item: Item) => item.n), 'sum'],
    'the same columns': [min((item: Item) => item.n), 'min', max((item: Item) => item.n), 'max'],
    'a value': [distinct((item: Item) => item.n), 'distinct', spread, 'aggregator'],
  }
  test.each(Object.entries(same))('%s', async (_what, [before, was, after, is]) => {
    for (const [make, state] of [
      [running('update'), 'rows'],
      [windowed(tumbling('20ms')), 'windows'],
      [windowed(session('20ms')), 'sessions'],
    ] as const) {
      await expect(restoredAs(make({ orders: before, count: count() }), make({ count: count(), orders: after }))).rejects.toThrow(
        expect.objectContaining({
          code: 'SLUICE_STATE_INCOMPATIBLE',
          message: expect.stringMatching(new RegExp(`state ${state} of operator .* field orders was ${was} and is ${is} now`)),
        }),
      )
    }
  })
})

describe('rows that are kept in another way do not fit', () => {
  const counted = { count: count() }
  const inOrder = { ...counted, last: last((item: Item) => item.n) }
  test.each([
    ['results at the end, then after a while', running('end'), counted, running('15ms'), counted, /rows had :latest/],
    ['results for every record, then at the end', running('update'), counted, running('end'), counted, /rows have :latest/],
    ['sessions, then of records', windowed(session('20ms')), counted, windowed(session('20ms')), inOrder, /rows have :records/],
    ['sessions of records, then not', windowed(session('20ms')), inOrder, windowed(session('20ms')), counted, /rows had :records/],
    [
      'rows that were sent, then not known',
      windowed(tumbling('20ms'), { allowedLateness: '30ms' }),
      counted,
      windowed(tumbling('20ms')),
      counted,
      /rows had :sent/,
    ],
  ] as const)('%s', async (_what, make, before, makeAfter, after, message) => {
    await expect(restoredAs(make(before), makeAfter(after))).rejects.toThrow(
      expect.objectContaining({ code: 'SLUICE_STATE_INCOMPATIBLE', message: expect.stringMatching(message) }),
    )
  })

  test('windows may be kept for late records from now on', async () => {
    const fleet = await restoredAs(windowed(tumbling('20ms'))(counted), windowed(tumbling('20ms'), { allowedLateness: '30ms' })(counted))
    fleet.settle()
    runAll(fleet, [record(1, 1, 3), { watermark: 25 }, record(1, 1, 4)])
    expect(fleet.take().map(({ value }) => value)).toEqual(
      expect.arrayContaining([
        { key: 1, window: { start: 0, end: 20 }, count: 3 },
        { key: 'one', window: { start: 0, end: 20 }, count: 1 },
        { key: 1, window: { start: 0, end: 20 }, count: 4 },
      ]),
    )
  })
})
