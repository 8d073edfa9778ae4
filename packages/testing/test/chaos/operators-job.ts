/**
 * Two numbered streams through the operators that the numbered job has not: windows by sessions and by count, joins, updates, broadcast state. Whatever order
 * records come in, what each of them leaves in the database is the same, so an undisturbed run says what must be there.
 */
import {
  compact,
  count,
  countWindow,
  defineJob,
  fromArray,
  generate,
  type Job,
  type JobBuilder,
  type KeyedStream,
  listState,
  mapState,
  reducingState,
  session,
  sliding,
  type Stream,
  sum,
  tumbling,
  valueState,
} from '@sluice/operators'
import type { Database } from './database.js'
import { BASE_MS, indexedRecord, type Numbered, type Shape, splitSource, WINDOW_MS } from './numbered-job.js'

/** Behind all records: a timer that fires with the end of the input. */
const END_MS = BASE_MS + 1e9
const KEYS = 13
const RULES = 5

type Keyed = KeyedStream<number, Numbered, never>

interface Parts {
  readonly job: JobBuilder
  readonly left: Keyed
  readonly right: Keyed
  readonly both: Keyed
  readonly rightAsItComes: Stream<Numbered, never>
  readonly bothAsTheyCome: Stream<Numbered, never>
  readonly database: Database
}

const pairOf = (left: { readonly n: number }, right: { readonly n: number } | undefined): { left: number; right: number } => ({
  left: left.n,
  right: right?.n ?? -1,
})

/** Each writes into a table of its own name. */
const operators = {
  session: ({ both, database }: Parts) => {
    const sessions = both.window(session(200)).aggregate('per-session', { records: count(), total: sum(({ n }) => n) })
    sessions.sink('session', database.sink('session'))
    sessions.late.sink('session-late', database.sink('late'))
  },
  'sliding-process': ({ both, database }: Parts) => {
    both
      .window(sliding(3 * WINDOW_MS, WINDOW_MS))
      .process('contents', (records, { key, window }) => [{ key, start: window.start, all: records.map(({ n }) => n).sort(ascending) }])
      .sink('sliding-process', database.sink('sliding-process'))
  },
  'count-window': ({ both, database }: Parts) => {
    both
      .window(countWindow(7))
      .aggregate('per-seven', { records: count() })
      .map(({ key, records }) => ({ key, records }))
      .sink('count-window', database.sink('count-window'))
  },
  'window-join': ({ left, right, database }: Parts) => {
    left.windowJoin('met', right, pairOf, { window: tumbling(WINDOW_MS) }).sink('window-join', database.sink('window-join'))
  },
  'session-join': ({ left, right, database }: Parts) => {
    left.windowJoin('met-in-session', right, pairOf, { window: session(100) }).sink('session-join', database.sink('session-join'))
  },
  'interval-join': ({ left, right, database }: Parts) => {
    const near = left.intervalJoin('near', right, pairOf, { before: 300, after: 500 })
    near.sink('interval-join', database.sink('interval-join'))
    near.late.sink('interval-late', database.sink('late'))
  },
  'inner-join': ({ left, right, database }: Parts) => {
    left.join('all-pairs', right, pairOf).sink('inner-join', database.sink('inner-join'))
  },
  'outer-join': ({ left, right, database }: Parts) => {
    left
      .join('pairs-or-none', right, (one, other) => ({ left: one?.n ?? -1, right: other?.n ?? -1 }), { type: 'full' })
      .through(compact('joined-table'))
      .map(({ value }) => value)
      .sink('outer-join', database.sink('outer-join'))
  },
  'temporal-join': ({ left, rightAsItComes, database }: Parts) => {
    // Of one split alone, as versions of one time have no order.
    const versions = rightAsItComes.filter(({ lane }) => lane === 0).keyBy(({ n }) => n % KEYS)
    const valid = left.temporalJoin('valid', versions, pairOf, { type: 'left' })
    valid.sink('temporal-join', database.sink('temporal-join'))
    valid.late.sink('temporal-late', database.sink('late'))
  },
  'lookup-join': ({ both, database }: Parts) => {
    const names = fromArray(Array.from({ length: KEYS - 2 }, (_, key) => ({ key, name: `name ${key}` })))
    both
      .lookupJoin('names', names, ({ source, n }, row) => ({ source, n, name: row?.name ?? '?' }), { key: ({ key }) => key })
      .sink('lookup-join', database.sink('lookup-join'))
  },
  'async-lookup': ({ both, database }: Parts) => {
    both
      .lookupJoin(
        'scores',
        async (key) => {
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 15))
          return key * 2
        },
        ({ source, n }, score) => ({ source, n, score }),
        { concurrency: 6, ordered: false },
      )
      .sink('async-lookup', database.sink('async-lookup'))
  },
  dedupe: ({ bothAsTheyCome, database }: Parts) => {
    bothAsTheyCome
      .keyBy(({ n }) => n % 50)
      .dedupe('once')
      .map(({ n }) => n % 50)
      .sink('dedupe', database.sink('dedupe'))
  },
  'top-n': ({ both, database }: Parts) => {
    both
      .topN('largest', 3, (one, other) => other.n - one.n || (one.source < other.source ? -1 : 1))
      .through(compact('largest-at-last'))
      .map(({ key, value }) => ({ key, largest: value.map(({ n }) => n) }))
      .sink('top-n', database.sink('top-n'))
  },
  'running-aggregate': ({ both, database }: Parts) => {
    both
      .aggregate('totals', { records: count(), total: sum(({ n }) => n) }, { emit: 'end' })
      .sink('running-aggregate', database.sink('running-aggregate'))
  },
  batch: ({ bothAsTheyCome, database }: Parts) => {
    bothAsTheyCome
      .batch('in-nines', { records: 9 })
      .flatMap((records) => records.map(({ source, n }) => ({ source, n })))
      .sink('batch', database.sink('batch'))
  },
  'co-process': ({ left, right, database }: Parts) => {
    left
      .coProcess('balance', right, {
        state: {
          balance: valueState<number>({ default: 0 }),
          seen: listState<number>(),
          most: reducingState<number>((one, other) => Math.max(one, other)),
        },
        onLeft({ n }, { state, timers }) {
          state.balance.set(state.balance.get() - n)
          state.seen.add(n)
          state.most.add(n)
          timers.eventTime.set(END_MS)
        },
        onRight({ n }, { state, timers }) {
          state.balance.set(state.balance.get() + n)
          state.seen.add(-n)
          state.most.add(n)
          timers.eventTime.set(END_MS)
        },
        onTimer: (_timer, { key, state }) => [
          { key, balance: state.balance.get(), seen: [...state.seen.values()].sort(ascending), most: state.most.get() },
        ],
      })
      .sink('co-process', database.sink('co-process'))
  },
  'broadcast-state': ({ job, both, database }: Parts) => {
    const rules = job
      .source(
        'rules',
        generate((rule) => ({ rule }), { count: RULES }),
      )
      .withTimestamps(() => BASE_MS)
    both
      .connectBroadcast('by-rules', rules, {
        state: { records: valueState<number>({ default: 0 }) },
        broadcast: { rules: mapState<number, number>() },
        onRecord(_record, { state, timers }) {
          state.records.set(state.records.get() + 1)
          timers.eventTime.set(END_MS)
        },
        onBroadcast({ rule }, { broadcast }) {
          broadcast.rules.set(rule, rule)
        },
        onTimer: (_timer, { key, state, broadcast }) => [
          { key, records: state.records.get(), rules: Array.from({ length: RULES }, (_, rule) => broadcast.rules.get(rule) ?? -1) },
        ],
      })
      .sink('broadcast-state', database.sink('broadcast-state'))
  },
} as const satisfies Record<string, (parts: Parts) => void>

export type OperatorName = keyof typeof operators
export const operatorNames: readonly OperatorName[] = Object.keys(operators) as OperatorName[]

function ascending(left: number, right: number): number {
  return left - right
}

export function operatorsJob(shape: Shape, names: readonly OperatorName[], database: Database): Job<unknown, unknown> {
  return defineJob({ name: 'operators' }, (job) => {
    const times = { outOfOrderness: shape.outOfOrdernessMs }
    const left = job
      .source(
        'indexed',
        generate((n) => indexedRecord(n, shape), { count: shape.indexed, rate: shape.rate }),
      )
      .withTimestamps(({ time }) => time, times)
    const right = job.source('split', splitSource(shape)).withTimestamps(({ time }) => time, times)
    const both = left.union(right)
    const parts: Parts = {
      job,
      left: left.keyBy(({ n }) => n % KEYS),
      right: right.keyBy(({ n }) => n % KEYS),
      both: both.keyBy(({ n }) => n % KEYS),
      rightAsItComes: right,
      bothAsTheyCome: both,
      database,
    }
    for (const name of names) operators[name](parts)
  })
}
