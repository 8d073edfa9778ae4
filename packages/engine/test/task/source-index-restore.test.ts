import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compileChain } from '../../src/task/chain-drivers.js'
import { createIndexPhases, INDEX_SPLITS, indexesBelow } from '../../src/task/source-cursor.js'
import { IndexSource, NOTHING_TAKEN, type SourceState } from '../../src/task/source-driver.js'
import { createDriver, type Leg, readInLegs, type ReadSoFar } from '../support/source-legs.js'
import { indexSource, range } from '../support/specs.js'

const leg: fc.Arbitrary<Leg> = fc.record({
  parallelism: fc.integer({ min: 1, max: 6 }),
  takes: fc.array(fc.record({ subtask: fc.nat(5), limit: fc.oneof(fc.nat(10), fc.nat(400)) }), { maxLength: 12 }),
})

function source(count: number | undefined, ratePerSecond?: number) {
  const spec = indexSource(count, (index) => index, ratePerSecond)
  if (spec.kind !== 'source' || spec.reads !== 'index') throw new Error('expected a source of indexes')
  return spec
}

const nothing = (): ReadSoFar => ({ records: [], letters: [], dropped: 0 })

it('gives every index once, ascending per subtask and per index-split, over any number of restores at any parallelism', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(3_000), fc.array(leg, { minLength: 1, maxLength: 6 }), async (count, legs) => {
      const all = await readInLegs(source(count), legs, (reads) => {
        for (const { records } of reads) expect(records).toEqual([...(records as number[])].sort((left, right) => left - right))
      })
      // A stable sort: what it gives is only in order where each index-split was.
      const bySplit = (left: number, right: number) => (left % INDEX_SPLITS) - (right % INDEX_SPLITS)
      expect((all.records as number[]).toSorted(bySplit)).toEqual(range(count).toSorted(bySplit))
    }),
    { numRuns: 100 },
  )
})

it('says where it stands by one number where its index-splits are in step', async () => {
  const states: (SourceState | undefined)[] = []
  const takes = [
    { subtask: 0, limit: 300 },
    { subtask: 1, limit: 30 },
  ]
  const legs = [
    { parallelism: 2, takes },
    { parallelism: 1, takes: [{ subtask: 0, limit: 100 }] },
    { parallelism: 1, takes: [] },
  ]
  await readInLegs(source(1_000), legs, (_reads, given) => states.push(...given))
  expect(states.slice(0, 2)).toEqual([
    { reads: 'index', subtask: 0, parallelism: 2, next: 600 },
    { reads: 'index', subtask: 1, parallelism: 2, next: 61 },
  ])
  // The odd index-splits have caught up by one round, the even ones have waited.
  const next = range(INDEX_SPLITS).map((split) => (split % 2 === 1 ? 128 + split : split < 88 ? 640 + split : 512 + split))
  expect(states[2]).toEqual({ reads: 'index', subtask: 0, parallelism: 1, next })
  // All are in step in the end.
  expect(states[3]).toEqual({ reads: 'index', subtask: 0, parallelism: 1, next: 1_000 })
})

it('after a restore, indexes are due by their distance from the first that was left', () => {
  const spec = source(undefined, 1_000)
  const first = createDriver(spec, 0, 2, nothing())
  first.take(0, 0)
  expect(first.take(1_000, 9)).toBe(5)
  const second = createDriver(spec, 1, 2, nothing())
  expect(second.take(1_000, 0)).toBe(NOTHING_TAKEN)
  const states = [first.snapshot(), second.snapshot()].filter((state) => state !== undefined)

  const read = nothing()
  const restored = createDriver(spec, 0, 1, read)
  restored.restore(states)
  const startMs = 5_000
  restored.take(1_000, startMs)
  // Index 1 is the first that was left; 3 is due 2 ms later.
  expect(read.records).toEqual([1])
  expect(restored.deadlineMs).toBe(startMs + 2)
  expect(restored.ready(startMs + 1)).toBe(false)
  for (let taken = 0; taken !== NOTHING_TAKEN; ) taken = restored.take(1_000, startMs + 13)
  expect(read.records).toEqual([1, 3, 5, 7, 9, 10, 11, 12, 13, 14])
})

it('refuses to go on where records were read that the source no longer has', () => {
  const read = nothing()
  const before = createDriver(source(1_000), 0, 1, read)
  before.take(700, 0)
  const states = [before.snapshot()].filter((state) => state !== undefined)
  expect(() => createDriver(source(699), 0, 1, nothing()).restore(states)).toThrow(
    expect.objectContaining({ code: 'SLUICE_INPUT_CHANGED', message: expect.stringContaining('699 records') }),
  )
  const same = createDriver(source(700), 0, 1, nothing())
  same.restore(states)
  expect(same.exhausted).toBe(true)
})

it('goes on with what was added behind the end', async () => {
  const states: SourceState[] = []
  await readInLegs(source(200), [{ parallelism: 3, takes: [{ subtask: 1, limit: 50 }] }], (_reads, given) => {
    states.push(...given.filter((state) => state !== undefined))
  })
  const read = nothing()
  const driver = createDriver(source(500), 0, 1, read)
  driver.restore(states)
  while (!driver.exhausted) driver.take(1_000, 0)
  expect((read.records as number[]).toSorted((left, right) => left - right)).toEqual(range(300, 200))
})

it('is the same with generated loops', () => {
  const records: number[] = []
  const spec = source(1_000)
  const node = { id: 'numbers', name: 'numbers', spec, ports: [{}] }
  const parts = {
    nodes: [{ node, targets: [[{ emit: (record: number) => records.push(record) }]] }],
    gate: { closed: 0 },
    timed: false,
    inputs: 0,
    fail: (_position: number, error: unknown) => {
      throw error
    },
    sampling: { on: false },
  }
  const drivers = compileChain(parts as unknown as Parameters<typeof compileChain>[0])
  const states: SourceState[] = [
    { reads: 'index', subtask: 0, parallelism: 2, next: 600 },
    { reads: 'index', subtask: 1, parallelism: 2, next: 61 },
  ]
  const driver = new IndexSource(spec, drivers, 0, 1)
  driver.restore(states)
  while (!driver.exhausted) driver.take(37, 0)
  expect(records).toEqual(range(1_000).filter((index) => index >= 600 || (index % 2 === 1 && index >= 61)))
})

it('has nothing to read where there are more subtasks than index-splits', () => {
  const [phase] = createIndexPhases(200, 256)
  expect(phase?.cursor.offsets).toEqual([])
  expect(phase && indexesBelow(phase.cursor, 10_000)).toBe(0)
  expect(createDriver(source(undefined), 200, 256, nothing()).exhausted).toBe(true)
})
