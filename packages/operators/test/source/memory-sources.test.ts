import { expect, expectTypeOf, test } from 'vitest'
import { defineSource } from '../../src/source/define-source.js'
import { fromArray } from '../../src/source/from-array.js'
import { fromAsyncIterable } from '../../src/source/from-async-iterable.js'
import { generate } from '../../src/source/generate.js'
import { interval } from '../../src/source/interval.js'
import { READ_AHEAD_MAX } from '../../src/bridge/read-ahead.js'
import type { Source } from '../../src/source/source.js'
import { readSource, sourceContext } from './read-source.js'

test('fromArray gives its records in order, with plain types', async () => {
  const source = fromArray([{ n: 1 }, { n: 2 }])
  expectTypeOf(source).toEqualTypeOf<Source<{ n: number }>>()
  expect((await readSource(source)).records).toEqual([{ n: 1 }, { n: 2 }])
  expect(source.parallelismMax).toEqual({ value: 1, because: 'an array has one reader' })
  expect((await readSource(fromArray([]))).records).toEqual([])
  expect(() => fromArray('no' as unknown as string[])).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
})

test('generate computes records from indexes, with plain types', async () => {
  const source = generate((index) => ({ n: index * 2 }), { count: 3, rate: 10 })
  expectTypeOf(source).toEqualTypeOf<Source<{ n: number }>>()
  expect((await readSource(source)).records).toEqual([{ n: 0 }, { n: 2 }, { n: 4 }])
  expect(source.spec).toMatchObject({ count: 3, ratePerSecond: 10 })
  expect(source.parallelismMax).toBeUndefined()
})

test.each([{ count: -1 }, { count: 1.5 }, { rate: 0 }, { rate: Number.NaN }, { rate: Number.POSITIVE_INFINITY }])(
  'generate refuses %j',
  (options) => {
    expect(() => generate((index) => index, options)).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
  },
)

test('interval is a paced source of ticks', () => {
  const source = interval('250ms')
  expectTypeOf(source).toEqualTypeOf<Source<number>>()
  expect(source.spec).toMatchObject({ reads: 'index', ratePerSecond: 4, count: undefined })
  expect(() => interval(0)).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
})

test('fromAsyncIterable gives the values of a generator in batches', async () => {
  async function* numbers(): AsyncGenerator<number> {
    for (let value = 0; value < 2_000; value++) yield value
  }
  const source = fromAsyncIterable(numbers)
  expectTypeOf(source).toEqualTypeOf<Source<number>>()
  const { records, batches } = await readSource(source)
  expect(records).toEqual(Array.from({ length: 2_000 }, (_, index) => index))
  expect(batches).toBeLessThan(200)
  expect(source.pinnedToHost).toBe(false)
  expect(fromAsyncIterable(numbers, { pinned: true }).pinnedToHost).toBe(true)
})

test('fromAsyncIterable takes plain iterables too', async () => {
  expect((await readSource(fromAsyncIterable(() => new Set(['a', 'b'])))).records).toEqual(['a', 'b'])
})

test('no more is pulled ahead than the bound', async () => {
  let pulled = 0
  async function* endless(): AsyncGenerator<number> {
    for (;;) yield pulled++
  }
  const { spec } = fromAsyncIterable(endless)
  if (spec.kind !== 'source' || spec.reads !== 'splits') throw new Error('expected splits')
  const reader = await spec.open(undefined, sourceContext())
  const batch = await reader.next()
  expect(batch?.records.length).toBeGreaterThan(0)
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(pulled).toBeLessThanOrEqual(READ_AHEAD_MAX / 2 + 1)
  await reader.close?.()
})

test('what the iterable throws is the cause, after the values before it', async () => {
  const failure = new Error('cursor lost')
  async function* failing(): AsyncGenerator<number> {
    yield 1
    throw failure
  }
  const seen: unknown[] = []
  await expect(readSource(fromAsyncIterable(failing), { onBatch: (records) => seen.push(...records) })).rejects.toMatchObject({
    code: 'SLUICE_SOURCE_FAILED',
    cause: failure,
    coordinates: { operator: 'input' },
  })
  expect(seen).toEqual([1])
})

test('a stop ends a read that waits, and returns the iterator', async () => {
  let returned = false
  let asked = 0
  const silent: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        asked++
        return new Promise(() => undefined)
      },
      return: () => {
        returned = true
        return Promise.resolve({ done: true as const, value: undefined })
      },
    }),
  }
  const controller = new AbortController()
  const reading = readSource(
    fromAsyncIterable(() => silent),
    { context: sourceContext(controller) },
  )
  while (asked === 0) await new Promise((resolve) => setImmediate(resolve))
  controller.abort()
  expect((await reading).records).toEqual([])
  expect(returned).toBe(true)
})

test('defineSource reads splits with readers or generators', async () => {
  const closed: number[] = []
  const source = defineSource<number, number>({
    splits: () => [10, 20],
    open: (first) => {
      let at = first
      return {
        next: () => (at < first + 3 ? [at++] : undefined),
        close: () => {
          closed.push(first)
        },
      }
    },
    replayable: true,
  })
  expectTypeOf(source).toEqualTypeOf<Source<number>>()
  expect(await readSource(source)).toMatchObject({ records: [10, 11, 12, 20, 21, 22], splits: 2 })
  expect(closed).toEqual([10, 20])
  expect(source).toMatchObject({ replayable: true, delivery: 'exactly-once', parallelismMax: undefined })

  const generated = defineSource({
    splits: () => [0, 100],
    open: async function* (first) {
      yield first
      yield first + 1
    },
  })
  expectTypeOf(generated).toEqualTypeOf<Source<number>>()
  expect((await readSource(generated)).records).toEqual([0, 1, 100, 101])
})

test('defineSource tells a reader what was taken and covered', async () => {
  class Reader {
    readonly told: string[] = []
    next(): undefined {
      return undefined
    }
    taken(records: number, deadLetters: number): void {
      this.told.push(`taken ${records} ${deadLetters}`)
    }
    covered(records: number, deadLetters: number): void {
      this.told.push(`covered ${records} ${deadLetters}`)
    }
  }
  const reader = new Reader()
  const { spec, delivery, colocation } = defineSource({ open: () => reader, delivery: 'at-least-once', colocation: 'a port' })
  expect({ delivery, colocation }).toEqual({ delivery: 'at-least-once', colocation: 'a port' })
  const opened = spec.reads === 'splits' ? await spec.open(undefined, sourceContext(), undefined) : undefined
  opened?.taken?.(3, 1)
  await opened?.covered?.(2, 0)
  expect(reader.told).toEqual(['taken 3 1', 'covered 2 0'])
  const plain = defineSource({ open: () => ({ next: () => undefined }) })
  expect(plain.delivery).toBe('at-most-once')
  // What wants to hear nothing costs nothing.
  expect(plain.spec.reads === 'splits' ? await plain.spec.open(undefined, sourceContext(), undefined) : {}).not.toHaveProperty('taken')
  expect(() => defineSource({ open: () => reader, delivery: 'exactly-once' })).toThrow('the source is not replayable')
})

test('defineSource passes dead letters and counts on', async () => {
  let left = 1
  const source = defineSource<string>({
    open: () => ({
      next: () =>
        left-- > 0
          ? { records: ['a'], dropped: 2, deadLetters: [{ operator: 'input', input: 'x', reason: 'bad', position: undefined }] }
          : undefined,
    }),
  })
  expect(await readSource(source)).toMatchObject({ records: ['a'], dropped: 2, deadLetters: [{ input: 'x' }] })
  expect(source.parallelismMax).toEqual({ value: 1, because: 'a source without splits has one reader' })
})
