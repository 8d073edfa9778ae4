/**
 * Numbered records over every kind of edge, through keyed state, timers and windows into a database: whatever happens on the way, each of them counts once.
 * Records of one lane come from one place and keep their order.
 */
import type { SeededRandom } from '../../src/schedule/seeded-random.js'
import { count, defineJob, generate, type Job, mapState, sliding, type Source, sum, tumbling, valueState } from '@sluice/operators'
import type { SplitReader } from '@sluice/engine'
import type { Database } from './database.js'

export interface Numbered {
  readonly source: string
  readonly n: number
  readonly lane: number
  readonly key: number
  readonly time: number
}

export interface Shape {
  readonly indexed: number
  readonly perSplit: number
  readonly splits: number
  readonly keys: number
  readonly rate: number | undefined
  readonly outOfOrdernessMs: number
  readonly rebalance: boolean
  readonly async: 'none' | 'ordered' | 'unordered'
  readonly diamond: boolean
  readonly broadcast: boolean
  readonly windows: 'tumbling' | 'sliding'
  /** Every split begins at the same time; otherwise one behind the other. */
  readonly overlapping: boolean
  /** The source of splits may be idle after so long, though it always has something until it ends; undefined: it is bounded. */
  readonly idleAfterMs: number | undefined
  /** Padding, so that records do not fit a frame. */
  readonly largeEvery: number
}

const LANES = 128
export const BASE_MS = Date.UTC(2026, 0, 1)
const STEP_MS = 20
export const WINDOW_MS = 1_000
const RULES = 5

export function drawShape(random: SeededRandom): Shape {
  return {
    indexed: 60 + random.below(240),
    perSplit: 10 + random.below(50),
    splits: 1 + random.below(5),
    keys: random.pick([1, 4, 16, 64]),
    rate: random.chance(0.4) ? random.pick([500, 2_000]) : undefined,
    outOfOrdernessMs: random.pick([0, 100, 5_000]),
    rebalance: random.chance(0.3),
    async: random.pick(['none', 'none', 'ordered', 'unordered'] as const),
    diamond: random.chance(0.4),
    broadcast: random.chance(0.3),
    windows: random.pick(['tumbling', 'sliding'] as const),
    overlapping: true,
    idleAfterMs: undefined,
    largeEvery: random.pick([0, 0, 7]),
  }
}

export function indexedRecord(n: number, { keys }: Shape): Numbered {
  return { source: 'indexed', n, lane: n % LANES, key: n % keys, time: BASE_MS + n * STEP_MS }
}

function splitRecord(split: number, at: number, { keys, overlapping, perSplit }: Shape): Numbered {
  const n = split * 10_000 + at
  return {
    source: 'split',
    n,
    lane: split,
    key: (split + at) % keys,
    time: BASE_MS + (overlapping ? at : split * perSplit + at) * STEP_MS * 3,
  }
}

/** Every record that the sources give. */
export function allRecords(shape: Shape): readonly Numbered[] {
  const indexed = Array.from({ length: shape.indexed }, (_, n) => indexedRecord(n, shape))
  const split = Array.from({ length: shape.splits }, (_, split) =>
    Array.from({ length: shape.perSplit }, (_, at) => splitRecord(split, at, shape)),
  )
  return [...indexed, ...split.flat()]
}

export function splitSource(shape: Shape): Source<Numbered> {
  return {
    spec: {
      kind: 'source',
      reads: 'splits',
      splits: () => Array.from({ length: shape.splits }, (_, split) => split),
      open: (split, _context, position) => new NumberedReader(split as number, shape, typeof position === 'number' ? position : 0),
      replayable: true,
      bounded: shape.idleAfterMs === undefined,
    },
    options: { type: 'numbered' },
    delivery: 'exactly-once',
    replayable: true,
  }
}

class NumberedReader implements SplitReader {
  readonly #split: number
  readonly #shape: Shape
  #next: number

  constructor(split: number, shape: Shape, position: number) {
    this.#split = split
    this.#shape = shape
    this.#next = position
  }

  next(): ReturnType<SplitReader['next']> {
    if (this.#shape.idleAfterMs !== undefined || Math.random() < 0.5) return this.#take()
    return new Promise((resolve) => setTimeout(resolve, Math.random() * 10)).then(() => this.#take())
  }

  #take(): { readonly records: readonly Numbered[]; readonly position: number } | undefined {
    const { perSplit } = this.#shape
    if (this.#next >= perSplit) return undefined
    const position = this.#next
    const size = Math.min(perSplit - position, 1 + Math.floor(Math.random() * 30))
    this.#next += size
    return { records: Array.from({ length: size }, (_, at) => splitRecord(this.#split, position + at, this.#shape)), position }
  }
}

export function numberedJob(shape: Shape, database: Database): Job<unknown, unknown> {
  const job = defineJob({ name: 'numbered' }, (builder) => {
    const { rate, outOfOrdernessMs, idleAfterMs, largeEvery } = shape
    // Who is wrong about time for a moment only is found where watermarks are as fine as records.
    const perRecord = idleAfterMs !== undefined
    const indexed = builder
      .source(
        'indexed',
        generate((n) => indexedRecord(n, shape), { count: shape.indexed, rate }),
      )
      .withTimestamps(({ time }) => time, { outOfOrderness: outOfOrdernessMs, perRecord })
    const split = builder
      .source('split', splitSource(shape))
      .withTimestamps(({ time }) => time, { outOfOrderness: outOfOrdernessMs, idleAfter: idleAfterMs, perRecord })
    let stream = indexed.union(split).map((record) => ({
      ...record,
      padding: largeEvery > 0 && record.n % largeEvery === 0 ? 'x'.repeat(1 + (record.n % 3_000)) : '',
    }))
    if (shape.rebalance) stream = stream.rebalance().map((record) => ({ ...record }))
    if (shape.async !== 'none') {
      stream = stream.mapAsync(
        'wait',
        async (record) => {
          if (record.n % 3 === 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
          return record
        },
        { concurrency: 8, ordered: shape.async === 'ordered' },
      )
    }
    if (shape.diamond) {
      const { even, odd } = stream.split({ even: ({ lane }) => lane % 2 === 0, odd: ({ lane }) => lane % 2 === 1 })
      stream = even.map((record) => ({ ...record })).union(odd.filter(() => true))
    }
    if (shape.broadcast) {
      const rules = builder.source(
        'rules',
        generate((rule) => ({ rule }), { count: RULES }),
      )
      const withRules = stream.connectBroadcast('with-rules', rules, {
        broadcast: { rules: mapState<number, number>() },
        onRecord: (record) => [record],
        onBroadcast({ rule }, context) {
          context.broadcast.rules.set(rule, rule)
        },
      })
      stream = withRules
    }
    const counted = stream
      .keyBy(({ key }) => key)
      .process('count', {
        state: {
          records: valueState<number>({ default: 0 }),
          total: valueState<number>({ default: 0 }),
          lanes: mapState<string, number>(),
          watermark: valueState<number>({ default: Number.NEGATIVE_INFINITY }),
        },
        onRecord({ source, n, lane, key, time }, context) {
          const { records, total, lanes, watermark } = context.state
          const timeWentBack = context.watermark < watermark.get()
          watermark.set(Math.max(context.watermark, watermark.get()))
          records.set(records.get() + 1)
          total.set(total.get() + n)
          const name = `${source}/${lane}`
          const before = lanes.get(name) ?? -1
          lanes.set(name, n)
          context.timers.eventTime.set(Math.floor(time / WINDOW_MS) * WINDOW_MS + WINDOW_MS)
          return [{ type: 'record' as const, source, n, lane, key, time, count: records.get(), before, timeWentBack }]
        },
        onTimer({ time }, context) {
          return [
            {
              type: 'timer' as const,
              key: context.key,
              time,
              total: context.watermark === Number.POSITIVE_INFINITY ? context.state.total.get() : 0,
            },
          ]
        },
      })
    const records = counted.filter((value) => value.type === 'record')
    records.sink('records', database.sink('records'))
    counted.filter((value) => value.type === 'timer').sink('timers', database.sink('timers'))
    const windows = records
      .keyBy(({ key }) => key)
      .window(shape.windows === 'tumbling' ? tumbling(WINDOW_MS) : sliding(2 * WINDOW_MS, WINDOW_MS))
      .aggregate('per-window', { records: count(), total: sum(({ n }) => n) })
    windows.sink('windows', database.sink('windows'))
    windows.late.sink('late', database.sink('late'))
  })
  return job
}
