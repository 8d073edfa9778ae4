import type { TimestampsSpec } from '@sluice/engine'
import { describe, expect, test } from 'vitest'
import type { Source } from '../../src/source/source.js'
import {
  defineSource,
  discard,
  fromArray,
  fromAsyncIterable,
  fromCsv,
  fromJsonLines,
  fromParquet,
  fromReadable,
  fromText,
  fromWebStream,
  generate,
  interval,
  type TimestampOptions,
} from '../../src/index.js'
import { declare, nodeOf } from '../support/graphs.js'

function timestampsOf(options: TimestampOptions<number>) {
  const graph = declare((job) =>
    job
      .source('ticks', interval('1s'))
      .withTimestamps((tick) => tick, options)
      .sink('out', discard()),
  )
  const node = nodeOf(graph, 'timestamps')
  return { node, watermarks: (node.spec as TimestampsSpec).watermarks }
}

describe('withTimestamps', () => {
  test('waits for silent inputs for 30 s, for as long as is said, or for ever', () => {
    expect(timestampsOf({}).watermarks).toMatchObject({ idleAfterMs: 30_000, perRecord: false, alignment: undefined })
    expect(timestampsOf({ idleAfter: '2m' }).watermarks.idleAfterMs).toBe(120_000)
    expect(timestampsOf({ idleAfter: false }).watermarks.idleAfterMs).toBe(undefined)
    expect(timestampsOf({ idleAfter: false }).node.options).toMatchObject({ idleAfterMs: null })
  })

  test('takes a bound, nothing at all, or a strategy', () => {
    expect(timestampsOf({ outOfOrderness: '5s' }).watermarks.strategy).toEqual({ outOfOrdernessMs: 5000 })
    expect(timestampsOf({ monotonous: true }).watermarks.strategy).toEqual({ outOfOrdernessMs: 0 })
    const watermark = () => ({ onRecord: () => {}, watermark: () => 0 })
    expect(timestampsOf({ watermark }).watermarks.strategy).toEqual({ create: watermark })
    expect(timestampsOf({ watermark }).node.functions).toEqual([watermark])
  })

  test('takes an alignment', () => {
    const alignment = { group: 'orders', maxDrift: '1m' } as const
    expect(timestampsOf({ alignment }).watermarks.alignment).toEqual({ group: 'orders', maxDriftMs: 60_000 })
    expect(timestampsOf({ alignment }).node.options).toMatchObject({ alignment: { group: 'orders', maxDriftMs: 60_000 } })
  })

  test.each<[string, object, string]>([
    ['two strategies', { outOfOrderness: 1, monotonous: true }, 'SLUICE_OPTIONS_INVALID'],
    ['an idleAfter of 0', { idleAfter: 0 }, 'SLUICE_OPTIONS_INVALID'],
    ['an idleAfter that is no duration', { idleAfter: '10 parsecs' }, 'SLUICE_DURATION_INVALID'],
    ['an alignment without a group', { alignment: { group: '', maxDrift: '1s' } }, 'SLUICE_OPTIONS_INVALID'],
    ['a drift below 0', { alignment: { group: 'a', maxDrift: -1 } }, 'SLUICE_DURATION_INVALID'],
  ])('refuses %s', (_name, options, code) => {
    expect(() => timestampsOf(options as TimestampOptions<number>)).toThrow(expect.objectContaining({ code }) as Error)
  })
})

describe('what a source says of its end', () => {
  const isBounded = ({ spec }: Source<unknown>): boolean =>
    spec.kind === 'source' && (spec.reads === 'index' ? spec.count !== undefined : spec.bounded === true)

  test.each<[string, Source<unknown>]>([
    ['fromArray', fromArray([1])],
    ['generate with a count', generate((index) => index, { count: 3 })],
    ['fromText', fromText('a.txt')],
    ['fromCsv', fromCsv('a.csv')],
    ['fromJsonLines', fromJsonLines('a.jsonl')],
    ['fromParquet', fromParquet('a.parquet')],
    ['defineSource that says so', defineSource({ open: async function* () {}, bounded: true })],
  ])('%s ends by itself: it is never idle', (_name, source) => expect(isBounded(source)).toBe(true))

  test.each<[string, Source<unknown>]>([
    ['generate', generate((index) => index)],
    ['interval', interval('1s')],
    ['fromAsyncIterable', fromAsyncIterable(async function* () {})],
    ['fromReadable', fromReadable(() => process.stdin)],
    ['fromWebStream', fromWebStream(() => new ReadableStream())],
    ['defineSource', defineSource({ open: async function* () {} })],
  ])('%s may fall silent and come back', (_name, source) => expect(isBounded(source)).toBe(false))

  test('the order of splits reaches the engine', () => {
    for (const source of [
      fromText('a', { orderedSplits: true }),
      fromCsv('a', { orderedSplits: true }),
      fromJsonLines('a', { orderedSplits: true }),
      fromParquet('a', { orderedSplits: true }),
      defineSource({ open: async function* () {}, orderedSplits: true }),
    ])
      expect(source.spec).toMatchObject({ orderedSplits: true })
    expect(fromCsv('a').spec).toMatchObject({ orderedSplits: undefined })
  })
})
