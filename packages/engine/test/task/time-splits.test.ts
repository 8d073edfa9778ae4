import { describe, expect, it } from 'vitest'
import type { SplitSourceSpec } from '../../src/graph/operator-spec.js'
import { graphOf } from '../support/run-graph.js'
import { Simulation, type SimulationOptions } from '../support/simulation.js'
import { collectInto, range, readerOf } from '../support/specs.js'
import { type Seen, splits, timestamps, watch } from '../support/time-specs.js'

/** Split s holds the times from s * 10,000 on, in batches of 500. */
const BATCHES = 4
const records = (split: number, batch: number) => range(500, batch * 500).map((t) => ({ t: t + split * 10_000, split }))

function play(source: SplitSourceSpec, options: SimulationOptions = {}) {
  const seen: Seen[] = []
  const graph = graphOf(
    [
      { name: 'files', spec: source },
      { name: 'time', spec: timestamps() },
      { name: 'watch', spec: watch(seen), parallelism: 1 },
      { name: 'out', spec: collectInto([]), parallelism: 1 },
    ],
    [
      { from: 'files', to: 'time' },
      { from: 'time', to: 'watch', timed: true },
      { from: 'watch', to: 'out', timed: true },
    ],
  )
  const simulation = new Simulation(graph, { workers: 0, parallelism: 1, ...options })
  return { seen, simulation, run: simulation.run() }
}

/** Batches far enough apart that a watermark is due after each. */
const slowly = (count: number, options: Partial<SplitSourceSpec>, simulationOf: () => Simulation) =>
  splits(
    count,
    (split) => {
      let batch = 0
      return {
        next: () =>
          simulationOf()
            .delay(300)
            .then(() => (batch < BATCHES ? { records: records(split, batch++) } : undefined)),
      }
    },
    { bounded: true, ...options },
  )

/** Before the end, with the split whose record came last. */
const marks = (seen: readonly Seen[]): { readonly watermark: number; readonly split: number }[] => {
  let split = -1
  return seen.flatMap(({ watermark, value }) => {
    if (value !== undefined) split = (value as { t: number; split: number }).split
    return watermark === undefined || watermark === Number.POSITIVE_INFINITY ? [] : [{ watermark, split }]
  })
}

describe('the watermark of a source with several splits', () => {
  it('stands at minus infinity until the last split is open, then is that of the last split', async () => {
    const played = play(slowly(4, {}, () => played.simulation))
    await played.run
    const found = marks(played.seen)
    expect(found.map(({ split }) => split)).toEqual(found.map(() => 3))
    expect(found.map(({ watermark }) => watermark)).toEqual([30_498, 30_998, 31_498, 31_998])
  })

  it('advances from the first split on where they are in the order of time', async () => {
    const played = play(slowly(4, { orderedSplits: true }, () => played.simulation))
    await played.run
    const found = marks(played.seen)
    expect(new Set(found.map(({ split }) => split))).toEqual(new Set([0, 1, 2, 3]))
    expect(found.at(0)?.watermark).toBeLessThan(499)
  })

  it('is the minimum over the subtasks that read them; one that has ended no longer counts', async () => {
    const played = play(
      slowly(4, {}, () => played.simulation),
      { parallelism: 2 },
    )
    await played.run
    const found = marks(played.seen).map(({ watermark }) => watermark)
    // Subtask 0 reads splits 0 and 2, subtask 1 reads 1 and 3.
    expect(found.length).toBeGreaterThan(1)
    for (const watermark of found) expect(watermark).toBeLessThan(22_000)
    expect(found.at(0)).toBeGreaterThan(19_999)
  })

  it('does not wait for subtasks that have no split', async () => {
    const played = play(
      slowly(1, {}, () => played.simulation),
      { parallelism: 3 },
    )
    await played.run
    expect(marks(played.seen).map(({ watermark }) => watermark)).toEqual(expect.arrayContaining([498, 998, 1498, 1998]))
  })

  it('does not see an empty last split as its last', async () => {
    const played = play(
      splits(3, (split) => readerOf(split === 2 ? [] : range(BATCHES).map((batch) => ({ records: records(split, batch) })))),
    )
    await played.run
    expect(played.seen.filter(({ value }) => value !== undefined)).toHaveLength(2 * BATCHES * 500)
    expect(played.seen.at(-1)?.watermark).toBe(Number.POSITIVE_INFINITY)
  })

  it('is told with the split being read and how many are to come', async () => {
    const told: string[] = []
    const played = play(
      slowly(5, {}, () => played.simulation),
      { parallelism: 2 },
    )
    const look = (): void => {
      for (const { split, unopenedSplits } of played.simulation.snapshot().subtasks.slice(0, 2)) {
        const text = `${split}: ${unopenedSplits}`
        if (!told.includes(text)) told.push(text)
      }
    }
    for (const atMs of range(60)) void played.simulation.delay(atMs * 100).then(look)
    await played.run
    expect(told.toSorted()).toEqual(['-1: 0', '0: 2', '1: 1', '2: 1', '3: 0', '4: 0'])
  })
})

describe('the plan of a source whose splits hold event time back', () => {
  const notesOf = (source: Partial<SplitSourceSpec>, parallelismMax?: number): readonly string[] =>
    new Simulation(
      graphOf(
        [
          {
            name: 'files',
            spec: splits(3, () => readerOf([]), source),
            ...(parallelismMax === undefined ? {} : { parallelismMax: { value: parallelismMax, because: 'of the test' } }),
          },
          { name: 'time', spec: timestamps() },
          { name: 'watch', spec: watch([]) },
          { name: 'out', spec: collectInto([]) },
        ],
        [
          { from: 'files', to: 'time' },
          { from: 'time', to: 'watch', timed: true },
          { from: 'watch', to: 'out', timed: true },
        ],
      ),
      { workers: 0 },
    ).plan.notes

  it('says so', () => expect(notesOf({ bounded: true }).join()).toMatch(/event time of files stands still .* orderedSplits: true/))
  it('says nothing where they are ordered, never end, or are one', () => {
    expect(notesOf({ bounded: true, orderedSplits: true })).toEqual([])
    expect(notesOf({ bounded: false })).toEqual([])
    expect(notesOf({ bounded: true }, 1).filter((note) => note.includes('event time'))).toEqual([])
  })
})
