/** Jobs that go on at another parallelism: what some subtasks had ended with, and how far time had come in some channels, must not decide for the others. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SplitReader } from '@sluice/engine'
import { count, defineJob, discard, generate, type Job, type ShedPolicy, type Source, type Stream, tumbling } from '@sluice/operators'
import { describe, expect, it } from 'vitest'
import { rewriteGraph } from '../../src/job/rewrite-graph.js'
import { Simulation } from '../../src/job/simulation.js'
import { Scheduler } from '../../src/schedule/scheduler.js'

interface Timed {
  readonly n: number
  readonly key: number
  readonly time: number
}

/** Runs a job whose first process crashes at a choice; the next ones have another parallelism. */
async function rescaled(
  job: Job<unknown, unknown>,
  seed: number,
  choice: number,
  [before, after]: readonly [number, number],
  mode: 'aligned' | 'unaligned',
): Promise<Simulation> {
  const simulation: Simulation = new Simulation({
    scheduler: new Scheduler({ seed, choicesMax: 200_000 }),
    declare: () =>
      rewriteGraph(job.declare({}, { collect: false }), { source: () => undefined, sink: ({ name }) => simulation.recorder.sink(name) }),
    settings: (process) => ({
      workers: 2,
      parallelism: process === 0 ? before : after,
      ringBytes: 4096,
      keyGroups: 16,
      checkpoint: { directory: 'simulated', intervalMs: 20, mode },
    }),
    crashes: [{ of: 'process', choice }],
  })
  await simulation.run()
  return simulation
}

const PARALLELISMS = [
  [2, 3],
  [4, 2],
] as const

/** The splits of a source have different lengths: some subtasks have ended long before others. */
const SPLIT_RECORDS = [3, 200, 3, 200]

class Reader implements SplitReader {
  constructor(
    private readonly split: number,
    private next_: number,
  ) {}

  async next(): Promise<{ readonly records: readonly Timed[]; readonly position: number } | undefined> {
    await new Promise((resolve) => setTimeout(resolve, 5))
    const position = this.next_
    const left = Math.min(5, (SPLIT_RECORDS[this.split] as number) - position)
    if (left <= 0) return undefined
    this.next_ += left
    return { records: Array.from({ length: left }, (_, k) => ({ n: this.split * 1000 + position + k, key: k, time: 0 })), position }
  }
}

const uneven: Source<Timed> = {
  spec: {
    kind: 'source',
    reads: 'splits',
    splits: () => SPLIT_RECORDS.map((_, split) => split),
    open: (split, _context, position) => new Reader(split as number, typeof position === 'number' ? position : 0),
    replayable: true,
    bounded: true,
  },
  options: { type: 'uneven' },
  delivery: 'exactly-once',
  replayable: true,
}

describe.each(PARALLELISMS)('from parallelism %i to %i', (...parallelism) => {
  it('reads what is left although other subtasks of the source had ended', async () => {
    const job = defineJob({ name: 'uneven' }, (builder) => {
      builder.source('uneven', uneven).sink('out', discard())
    })
    const expected = SPLIT_RECORDS.flatMap((records, split) => Array.from({ length: records }, (_, at) => split * 1000 + at))
    for (let seed = 1; seed <= 4; seed++) {
      const { recorder, processes } = await rescaled(job, seed, 800, parallelism, 'aligned')
      expect(processes).toBe(2)
      const numbers = (recorder.recordsOf('out') as readonly Timed[]).map(({ n }) => n)
      expect(numbers.sort((left, right) => left - right)).toEqual(expected)
    }
  })

  it('no record is late because some channels had come further in time', async () => {
    const records = 600
    const job = defineJob({ name: 'in-time' }, (builder) => {
      const windows = builder
        .source(
          'numbers',
          generate((n): Timed => ({ n, key: n % 7, time: n * 10 }), { count: records }),
        )
        .withTimestamps(({ time }) => time)
        .keyBy(({ key }) => key)
        .window(tumbling(500))
        .aggregate('per-window', { records: count() })
      windows.sink('out', discard())
      windows.late.sink('late', discard())
    })
    for (let seed = 1; seed <= 25; seed++) {
      const { recorder } = await rescaled(job, seed, 100 + seed * 20, parallelism, 'unaligned')
      expect(recorder.recordsOf('late'), `seed ${seed}`).toEqual([])
      const total = (recorder.recordsOf('out') as readonly { readonly records: number }[]).reduce((sum, one) => sum + one.records, 0)
      expect(total, `seed ${seed}`).toBe(records)
    }
  })

  const holding: readonly (readonly [string, (stream: Stream<Timed>, directory: string) => Stream<Timed>])[] = [
    ['a spill', (stream, directory) => stream.shed('held', { policy: 'spill', records: 32, directory })],
    ['a limit', (stream) => stream.rateLimit('held', { rate: 2000, burst: 8 })],
    ['a limit of each key', (stream) => stream.rateLimit('held', { rate: 300, burst: 2, key: ({ key }) => key, queue: { records: 40 } })],
  ]
  it.each(holding)('%s gives on what it held, once', async (_what, held) => {
    const directory = mkdtempSync(join(tmpdir(), 'held-'))
    try {
      const job = defineJob({ name: 'held' }, (builder) => {
        const numbers = builder.source('uneven', uneven)
        held(numbers, directory)
          .mapAsync('slow', (one) => new Promise<Timed>((resolve) => setTimeout(() => resolve(one), 2)), { concurrency: 4 })
          .sink('out', discard())
      })
      const expected = SPLIT_RECORDS.flatMap((records, split) => Array.from({ length: records }, (_, at) => split * 1000 + at))
      let rescales = 0
      for (let seed = 1; seed <= 4; seed++) {
        for (const mode of ['aligned', 'unaligned'] as const) {
          const { recorder, processes } = await rescaled(job, seed, 600 + seed * 150, parallelism, mode)
          rescales += processes - 1
          const numbers = (recorder.recordsOf('out') as readonly Timed[]).map(({ n }) => n)
          expect(
            numbers.sort((left, right) => left - right),
            `seed ${seed}, ${mode}`,
          ).toEqual(expected)
        }
      }
      expect(rescales).toBeGreaterThan(0)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })

  const lossy: readonly (readonly [string, ShedPolicy<Timed>])[] = [
    ['drop-newest', { policy: 'drop-newest', records: 8, lossy: true }],
    ['drop-oldest', { policy: 'drop-oldest', records: 8, lossy: true }],
    ['sample', { policy: 'sample', keep: 0.5, records: 8, lossy: true }],
    ['priority', { policy: 'priority', records: 8, lossy: true, priority: ({ key }) => key }],
    ['latest', { policy: 'latest', records: 8, lossy: true, key: ({ key }) => key }],
  ]
  it.each(lossy)('%s gives no record twice, neither on nor aside', async (_what, policy) => {
    const job = defineJob({ name: 'shed' }, (builder) => {
      const shed = builder.source('uneven', uneven).shed('held', policy)
      shed
        .mapAsync('slow', (one) => new Promise<Timed>((resolve) => setTimeout(() => resolve(one), 5)), { concurrency: 4 })
        .sink('out', discard())
      shed.dropped.sink('dropped', discard())
    })
    const total = SPLIT_RECORDS.reduce((sum, records) => sum + records, 0)
    for (let seed = 1; seed <= 4; seed++) {
      for (const mode of ['aligned', 'unaligned'] as const) {
        const { recorder } = await rescaled(job, seed, 600 + seed * 150, parallelism, mode)
        const numbers = ['out', 'dropped'].flatMap((sink) => (recorder.recordsOf(sink) as readonly Timed[]).map(({ n }) => n))
        expect(new Set(numbers).size, `seed ${seed}, ${mode}`).toBe(numbers.length)
        // Nobody is slower than the sink of dropped records: each of them is there.
        expect(numbers, `seed ${seed}, ${mode}`).toHaveLength(total)
      }
    }
  })
})
