/**
 * The job that is killed: numbered records from every kind of source, through asynchronous calls, keyed state, timers, windows and joins, into files of every
 * kind. What it writes depends on its records alone, never on how they interleave, so two runs can be held against each other. Runs in the
 * real binary; `trip` makes it fail at a record, once over all processes.
 */
import {
  count,
  defineJob,
  forEach,
  fromCsv,
  fromJsonLines,
  fromParquet,
  generate,
  mapState,
  session,
  sideOutput,
  type Sink,
  sliding,
  sum,
  toCsv,
  toJsonLines,
  toParquet,
  tumbling,
  valueState,
} from '@sluice/operators'
import { z } from 'zod'
import { indexedRecord, type Numbered } from './numbered.js'
import { trip } from './trip.js'

const Row = z.object({ source: z.string(), n: z.int(), lane: z.int(), key: z.int(), time: z.int() })
const WINDOW_MS = 1_000

const params = z.object({
  /** Folder with jsonl/, csv/ and parquet/. */
  input: z.string(),
  output: z.string(),
  records: z.int(),
  keys: z.int(),
  rate: z.number().optional(),
  sources: z.array(z.enum(['generate', 'jsonl', 'csv', 'parquet'])),
  outOfOrdernessMs: z.number(),
  async: z.enum(['none', 'ordered', 'unordered']),
  delayMs: z.number(),
  rebalance: z.boolean(),
  format: z.enum(['jsonl', 'csv', 'parquet']),
  /** Folders of parts, or single files. */
  parts: z.boolean(),
  results: z.array(z.enum(['tumbling', 'sliding', 'session', 'windowJoin', 'intervalJoin', 'running'])),
  /** How long the slow sink keeps each record; 0: there is none. */
  slowSinkMs: z.number(),
  wires: z.array(z.object({ place: z.string(), n: z.int(), act: z.string(), file: z.string() })),
})

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export default defineJob({ name: 'chaos', params }, (job, shape) => {
  const { wires } = shape
  const sink = (name: string): Sink<object> => {
    const path = `${shape.output}/${name}${shape.parts ? '/' : `.${shape.format}`}`
    if (shape.format === 'parquet') return toParquet(path, { rowGroupRecords: 200 })
    return shape.format === 'csv' ? toCsv(path) : toJsonLines(path)
  }
  const timed = { outOfOrderness: shape.outOfOrdernessMs }
  const sources = shape.sources.map((kind) => {
    const at = ({ time }: Numbered): number => time
    switch (kind) {
      case 'generate': {
        const make = (n: number): Numbered => {
          if (wires.length > 0) trip(wires, 'source', n)
          return indexedRecord(n, shape.keys)
        }
        return job.source('generated', generate(make, { count: shape.records, rate: shape.rate })).withTimestamps(at, timed)
      }
      case 'jsonl':
        return job.source('lines', fromJsonLines(`${shape.input}/jsonl/*`, { schema: Row })).withTimestamps(at)
      case 'csv':
        return job.source('table', fromCsv(`${shape.input}/csv/*`, { schema: Row })).withTimestamps(at)
      case 'parquet':
        return job.source('columns', fromParquet(`${shape.input}/parquet/*`, { schema: Row })).withTimestamps(at)
    }
  })
  const [first, ...others] = sources
  if (first === undefined) throw new Error('no source')
  let all = first.union(...others).map((record) => {
    if (wires.length > 0) trip(wires, 'map', record.n)
    return { ...record, padding: record.n % 50 === 0 ? 'x'.repeat(record.n % 997) : '' }
  })
  if (shape.rebalance) all = all.rebalance().map((record) => ({ ...record }))
  if (shape.async !== 'none') {
    const options = { concurrency: 16, ordered: shape.async === 'ordered' }
    all = all.mapAsync(
      'wait',
      async (record) => {
        if (wires.length > 0) trip(wires, 'async', record.n)
        if (shape.delayMs > 0) await wait(((record.n * 7919) % 10) * shape.delayMs * 0.2)
        return record
      },
      options,
    )
  }
  const fired = sideOutput<{ key: number; time: number; records: number }>('fired')
  const counted = all
    .keyBy(({ key }) => key)
    .process('count', {
      state: {
        total: valueState<number>({ default: 0 }),
        lanes: mapState<string, { n: number; records: number }>(),
        buckets: mapState<number, number>(),
      },
      *onRecord({ source, n, lane, key, time }, { state, timers }) {
        if (wires.length > 0) trip(wires, 'process', n)
        state.total.set(state.total.get() + n)
        const name = `${source}/${lane}`
        const before = state.lanes.get(name)
        const records = (before?.records ?? 0) + 1
        state.lanes.set(name, { n: Math.max(n, before?.n ?? -1), records })
        const end = time - (time % WINDOW_MS) + WINDOW_MS
        state.buckets.set(end, (state.buckets.get(end) ?? 0) + 1)
        timers.eventTime.set(end)
        yield { source, n, lane, key, time, records }
      },
      *onTimer({ time }, { key, state }) {
        if (wires.length > 0) trip(wires, 'timer', key)
        yield fired({ key, time, records: state.buckets.get(time) ?? -1 })
        state.buckets.delete(time)
      },
    })
  counted
    .map((record) => {
      if (wires.length > 0) trip(wires, 'before-sink', record.n)
      return record
    })
    .sink('records', sink('records'))
  counted.sideOutput(fired).sink('timers', sink('timers'))
  if (shape.slowSinkMs > 0)
    counted.sink(
      'slow',
      forEach(() => wait(shape.slowSinkMs), { concurrency: 2 }),
    )

  const keyed = all.keyBy(({ key }) => key)
  const wants = new Set(shape.results)
  const windows = { tumbling: tumbling(WINDOW_MS), sliding: sliding(2 * WINDOW_MS, WINDOW_MS / 2), session: session(100) } as const
  for (const kind of ['tumbling', 'sliding', 'session'] as const) {
    if (!wants.has(kind)) continue
    const results = keyed.window(windows[kind]).aggregate(kind, { records: count(), total: sum(({ n }) => n) })
    results
      .map(({ key, window, records, total }) => {
        if (wires.length > 0) trip(wires, 'window', key)
        return { key, start: window.start, end: window.end, records, total }
      })
      .sink(`${kind}-out`, sink(kind))
    results.late.sink(`${kind}-late`, toJsonLines(`${shape.output}/late-${kind}/`))
  }
  const left = all.filter(({ n }) => n % 4 === 0).keyBy(({ key }) => key)
  const right = all.filter(({ n }) => n % 4 === 1).keyBy(({ key }) => key)
  if (wants.has('windowJoin')) {
    left
      .windowJoin('window-join', right, (l, r) => ({ key: l.key, left: `${l.source}/${l.n}`, right: `${r.source}/${r.n}` }), {
        window: tumbling(WINDOW_MS / 5),
      })
      .sink('window-join-out', sink('window-join'))
  }
  if (wants.has('intervalJoin')) {
    left
      .intervalJoin('interval-join', right, (l, r) => ({ key: l.key, left: `${l.source}/${l.n}`, right: `${r.source}/${r.n}` }), {
        before: 100,
        after: 50,
      })
      .sink('interval-join-out', sink('interval-join'))
  }
  if (wants.has('running')) {
    keyed.aggregate('running', { records: count(), total: sum(({ n }) => n) }, { emit: 'end' }).sink('running-out', sink('running'))
  }
})
