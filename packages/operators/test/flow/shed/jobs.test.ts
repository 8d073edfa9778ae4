/** Sheds in jobs, under random interleavings: what comes leaves, is dropped and counted, or both ends wait for each other. */
import { describe, expect, it, test } from 'vitest'
import { Simulation } from '../../../../engine/test/support/simulation.js'
import { count, discard, forEach, generate, type ShedPolicy, tumbling } from '../../../src/index.js'
import { declare } from '../../support/graphs.js'

interface Tick {
  readonly id: number
  readonly key: string
}

const tick = (index: number): Tick => ({ id: index, key: `key-${index % 7}` })

const policies: readonly (readonly [string, ShedPolicy<Tick>])[] = [
  ['drop-newest', { policy: 'drop-newest', records: 20 }],
  ['drop-oldest', { policy: 'drop-oldest', records: 20 }],
  ['sample', { policy: 'sample', keep: 0.5, records: 20 }],
  ['sample by key', { policy: 'sample', keep: 0.5, records: 20, by: ({ key }) => key }],
  ['priority', { policy: 'priority', records: 20, priority: ({ id }) => id % 3 }],
  ['latest', { policy: 'latest', records: 20, key: ({ key }) => key }],
  ['with a time', { policy: 'drop-oldest', records: 20, time: 3 }],
  ['with a trigger', { policy: 'drop-oldest', records: 20, when: { fullFor: 4 } }],
]

const places = [
  { workers: 0, parallelism: 1 },
  { workers: 2, parallelism: 2, ringBytes: 4096 },
] as const

describe.each(policies)('%s', (_name, policy) => {
  it.each(places)('loses nothing uncounted and gives nothing twice, %o', async (place) => {
    let lost = 0
    for (let seed = 1; seed <= 6; seed++) {
      const out: number[] = []
      const dropped: number[] = []
      const total = 1_500
      const graph = declare((job) => {
        const shed = job.source('ticks', generate(tick, { count: total })).shed('shed', policy)
        shed.sink(
          'out',
          forEach(({ id }) => simulation.delay(0.3).then(() => void out.push(id)), { concurrency: place.parallelism }),
        )
        shed.dropped.sink(
          'dropped',
          forEach(({ id }) => simulation.delay(0.05).then(() => void dropped.push(id)), { concurrency: place.parallelism }),
        )
      })
      const simulation: Simulation = new Simulation(graph, { ...place, seed, windowTargetMs: 0.01 })
      await simulation.run()
      const counted = simulation.snapshot().subtasks.reduce((sum, subtask) => sum + subtask.dropped, 0)
      const seen = new Set([...out, ...dropped])
      expect(seen.size).toBe(out.length + dropped.length)
      // What found no room in the stream of dropped records is counted too.
      expect(out.length + counted).toBe(total)
      expect(dropped.length).toBeLessThanOrEqual(counted)
      if (place.parallelism === 1 && policy.policy !== 'latest') expect(out).toEqual([...out].sort((left, right) => left - right))
      lost += counted
    }
    expect(lost).toBeGreaterThan(0)
  })
})

test('a consumer of dropped records that is stuck holds nothing back, event time neither', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const counts: number[] = []
    let release: () => void = () => {}
    const stuck = new Promise<void>((resolve) => {
      release = resolve
    })
    const graph = declare((job) => {
      const shed = job
        .source('ticks', generate(tick, { count: 8_000 }))
        .withTimestamps(({ id }) => id, { monotonous: true })
        .shed('shed', { policy: 'drop-oldest', records: 50 })
      shed
        .map((record) => {
          simulation.spend(0.02)
          return record
        })
        .windowAll(tumbling(1_000))
        .aggregate('counts', { ticks: count() })
        .sink(
          'out',
          forEach(({ ticks }) => {
            counts.push(ticks)
            if (counts.length === 7) release()
          }),
        )
      shed.dropped.sink(
        'stuck',
        forEach(() => stuck, { concurrency: 1 }),
      )
    })
    const simulation: Simulation = new Simulation(graph, { workers: 2, parallelism: 1, ringBytes: 4096, seed, windowTargetMs: 0.01 })
    // The seventh window lets the stuck one go on: were event time held back by it, both would wait for ever.
    await simulation.run()
    const counted = simulation.snapshot().subtasks.reduce((sum, subtask) => sum + subtask.dropped, 0)
    expect(counted).toBeGreaterThan(200)
    expect(counts.reduce((sum, ticks) => sum + ticks, 0) + counted).toBe(8_000)
    expect(simulation.snapshot().subtasks.reduce((sum, { lateRecords }) => sum + lateRecords, 0)).toBe(0)
  }
})

test('a consumer that keeps up loses nothing', async () => {
  const out: number[] = []
  const graph = declare((job) => {
    const shed = job.source('ticks', generate(tick, { count: 20_000 })).shed('shed', { policy: 'drop-newest' })
    shed.sink(
      'out',
      forEach(({ id }) => void out.push(id)),
    )
    shed.dropped.sink('dropped', discard())
  })
  const simulation = new Simulation(graph, { workers: 0, parallelism: 1 })
  await simulation.run()
  expect(out).toHaveLength(20_000)
})
