import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SplitSourceSpec } from '../../src/graph/operator-spec.js'
import type { SourceState, SplitSourceState } from '../../src/task/source-contract.js'
import { createDriver, type Leg, readInLegs, type ReadSoFar, readOn, turn } from '../support/source-legs.js'
import { range } from '../support/specs.js'

/** What stands in a split: records, letters and dropped ones, in an order. */
type Item = 'record' | 'letter' | 'dropped'

interface Input {
  readonly splits: readonly (readonly Item[])[]
  /** Lengths of batches, one after the other; other readers begin elsewhere in the list. */
  readonly cuts: readonly number[]
  readonly positions: 'all' | 'some' | 'none'
  readonly asynchronous: boolean
  readonly listsLate: boolean
  readonly ordered: boolean
}

/** A source of these splits; each opening cuts its batches otherwise. */
function sourceOf({ splits, cuts, positions, asynchronous, listsLate, ordered }: Input): SplitSourceSpec {
  let cut = 0
  return {
    kind: 'source',
    reads: 'splits',
    splits: () => (listsLate ? turn().then(() => range(splits.length)) : range(splits.length)),
    open: (split, _context, position) => {
      const items = splits[split as number] as readonly Item[]
      let at = (position ?? 0) as number
      let batches = 0
      const read = () => {
        if (at >= items.length) return undefined
        const start = at
        at = Math.min(items.length, at + (cuts[cut++ % cuts.length] as number))
        const inBatch = (kind: Item) => range(at - start, start).filter((item) => items[item] === kind)
        const positioned = positions === 'all' || (positions === 'some' && batches++ % 2 === 1)
        return {
          records: inBatch('record').map((item) => `${split as number}:${item}`),
          deadLetters: inBatch('letter').map((item) => ({
            operator: 'input',
            input: `${split as number}:${item}`,
            reason: 'bad',
            position: undefined,
          })),
          dropped: inBatch('dropped').length,
          position: positioned ? start : undefined,
        }
      }
      return { next: () => (asynchronous ? turn().then(read) : read()) }
    },
    replayable: true,
    orderedSplits: ordered,
  }
}

const input: fc.Arbitrary<Input> = fc.record({
  splits: fc.array(fc.array(fc.constantFrom<Item>('record', 'record', 'record', 'letter', 'dropped'), { maxLength: 40 }), { maxLength: 9 }),
  cuts: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 }),
  positions: fc.constantFrom<Input['positions']>('all', 'some', 'none'),
  asynchronous: fc.boolean(),
  listsLate: fc.boolean(),
  ordered: fc.boolean(),
})

const leg: fc.Arbitrary<Leg> = fc.record({
  parallelism: fc.integer({ min: 1, max: 5 }),
  takes: fc.array(fc.record({ subtask: fc.nat(4), limit: fc.integer({ min: 1, max: 15 }) }), { maxLength: 40 }),
})

const idsOf = ({ splits }: Input, kind: Item): string[] =>
  splits.flatMap((items, split) => range(items.length).flatMap((item) => (items[item] === kind ? [`${split}:${item}`] : [])))

/** By split, in the order in which they came. */
function bySplit(ids: readonly unknown[]): string[] {
  return (ids as string[]).toSorted((left, right) => Number.parseInt(left, 10) - Number.parseInt(right, 10))
}

const nothing = (): ReadSoFar => ({ records: [], letters: [], dropped: 0 })

function stateOf(driver: { snapshot(): SourceState | undefined }): SplitSourceState {
  const state = structuredClone(driver.snapshot())
  if (state?.reads !== 'splits') throw new Error('expected the state of a source of splits')
  return state
}

describe('a restored source of splits', () => {
  it('gives every record, letter and dropped one once, per split in order, whatever the cut points and parallelisms', async () => {
    await fc.assert(
      fc.asyncProperty(input, fc.array(leg, { minLength: 1, maxLength: 5 }), async (given, legs) => {
        const read = await readInLegs(sourceOf(given), legs)
        expect(bySplit(read.records)).toEqual(idsOf(given, 'record'))
        expect(bySplit(read.letters)).toEqual(idsOf(given, 'letter'))
        expect(read.dropped).toBe(idsOf(given, 'dropped').length)
      }),
      { numRuns: 500 },
    )
  })

  it('opens the split at the position of the batch at hand, and none that are done', async () => {
    const opened: unknown[] = []
    const spec: SplitSourceSpec = {
      kind: 'source',
      reads: 'splits',
      splits: () => ['a', 'b', 'c'],
      open: (split, _context, position) => {
        opened.push([split, position])
        let at = (position as number | undefined) ?? 0
        return {
          next: () => {
            const start = at
            at += 10
            return start >= 30 ? undefined : { records: range(10, start), position: start }
          },
        }
      },
      replayable: true,
    }
    const driver = createDriver(spec, 0, 1, nothing())
    // All of split a, and 14 records of split b.
    for (let left = 44; left > 0; await turn()) left -= Math.max(0, driver.take(Math.min(left, 10), 0))
    const state = stateOf(driver)
    expect(state).toEqual({
      reads: 'splits',
      subtask: 0,
      parallelism: 1,
      begun: [{ index: 1, split: 'b', position: 10, records: 4, letters: 0, dropped: 0 }],
      remaining: [{ index: 2, split: 'c' }],
      unlisted: [],
    })
    opened.length = 0
    const read = nothing()
    const restored = createDriver({ ...spec, splits: () => Promise.reject(new Error('was asked again')) }, 0, 1, read)
    restored.restore([state])
    await readOn(restored)
    expect(read.records).toEqual([...range(16, 14), ...range(30)])
    expect(opened).toEqual([
      ['b', 10],
      ['c', undefined],
    ])
  })

  it('a batch that was read ahead is not state', async () => {
    const given: Input = {
      splits: [range(20).map(() => 'record')],
      cuts: [5],
      positions: 'all',
      asynchronous: true,
      listsLate: false,
      ordered: false,
    }
    const driver = createDriver(sourceOf(given), 0, 1, nothing())
    while (driver.take(5, 0) <= 0) await turn()
    // The next batch is there.
    for (let turns = 0; turns < 10; turns++) await turn()
    expect(stateOf(driver).begun).toEqual([{ index: 0, split: 0, position: 0, records: 5, letters: 0, dropped: 0 }])
  })

  it('what a reader had not given when the job stopped is read after the restore', async () => {
    const controller = new AbortController()
    const spec: SplitSourceSpec = {
      kind: 'source',
      reads: 'splits',
      splits: () => ['only', 'next'],
      open: (split, context, position) => {
        let at = (position as number | undefined) ?? 0
        return {
          // As a stream does: the stop ends it.
          next: async () => {
            await turn()
            if (context.signal.aborted || at >= 4) return undefined
            return { records: [`${split as string}${at}`], position: at++ }
          },
        }
      },
      replayable: true,
    }
    const before = nothing()
    const driver = createDriver(spec, 0, 1, before, controller.signal)
    while (before.records.length < 2) {
      await turn()
      driver.take(1, 0)
    }
    expect(driver.pending).toBe(true)
    controller.abort()
    for (let turns = 0; turns < 10; turns++) await turn()
    await driver.close()
    const after = nothing()
    const restored = createDriver(spec, 0, 1, after)
    restored.restore([stateOf(driver)])
    await readOn(restored)
    expect([...before.records, ...after.records]).toEqual(['only0', 'only1', 'only2', 'only3', 'next0', 'next1', 'next2', 'next3'])
  })

  it('splits in order stay so, also among those that were begun', async () => {
    const given: Input = {
      splits: range(6).map(() => range(10).map(() => 'record' as const)),
      cuts: [5],
      positions: 'all',
      asynchronous: false,
      listsLate: false,
      ordered: true,
    }
    const spec = sourceOf(given)
    const drivers = range(2).map((subtask) => createDriver(spec, subtask, 2, nothing()))
    // Subtask 1 is in its last split, subtask 0 in its first.
    for (const [driver, count] of [
      [drivers[0], 3],
      [drivers[1], 23],
    ] as const)
      for (let left = count; left > 0; await turn()) left -= Math.max(0, driver?.take(Math.min(left, 5), 0) ?? 0)
    const read = nothing()
    const restored = createDriver(spec, 0, 1, read)
    restored.restore(drivers.map(stateOf))
    await readOn(restored)
    const order = (read.records as string[]).map((id) => Number.parseInt(id, 10))
    expect(order).toEqual(order.toSorted((left, right) => left - right))
    expect(order).toHaveLength(60 - 26)
  })

  it('a source that cannot be read again has no state', async () => {
    const given: Input = { splits: [['record']], cuts: [1], positions: 'all', asynchronous: false, listsLate: false, ordered: false }
    const driver = createDriver({ ...sourceOf(given), replayable: false }, 0, 1, nothing())
    await readOn(driver)
    expect(driver.snapshot()).toBeUndefined()
  })

  it.each([
    ['a split', { splits: () => [new URL('file:///a')] }, 'split 0 of input'],
    ['a position', { open: () => ({ next: () => ({ records: [1, 2], position: () => 0 }) }) }, 'position in split 0 of input'],
  ])('%s that is no plain data is a coded error at the snapshot', async (_name, wrong, where) => {
    const given: Input = {
      splits: [['record', 'record']],
      cuts: [2],
      positions: 'all',
      asynchronous: false,
      listsLate: false,
      ordered: false,
    }
    const spec: SplitSourceSpec = { ...sourceOf(given), open: () => ({ next: () => ({ records: [1, 2] }) }), ...wrong }
    const driver = createDriver(spec, 0, 1, nothing())
    while (driver.take(1, 0) <= 0) await turn()
    expect(() => driver.snapshot()).toThrow(
      expect.objectContaining({ code: 'SLUICE_STATE_VALUE', message: expect.stringContaining(where) }),
    )
  })
})
