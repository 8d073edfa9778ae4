import { expect, test } from 'vitest'
import { count, fromArray, max, mean, sum } from '../../src/index.js'
import type { RunningAggregateOptions } from '../../src/index.js'
import { compileReduction } from '../../src/operator/reduce-operator.js'
import type { RunningReduceOptions } from '../../src/stream/options.js'
import { FakeOperatorContext } from '../support/fake-operator-context.js'
import { declare, operatorOf } from '../support/graphs.js'

interface Reading {
  readonly sensor: string
  readonly value: number
}

const none: readonly Reading[] = []

function reduceOperator(context: FakeOperatorContext, options?: RunningReduceOptions) {
  const graph = declare((job) => {
    job
      .source('readings', fromArray(none))
      .keyBy((reading) => reading.sensor)
      .reduce('total', (left, right) => ({ ...right, value: left.value + right.value }), options)
  })
  return operatorOf(graph, 'total', context)
}

function aggregateOperator(context: FakeOperatorContext, options?: RunningAggregateOptions) {
  const graph = declare((job) => {
    job
      .source('readings', fromArray(none))
      .keyBy((reading) => reading.sensor)
      .aggregate('stats', { readings: count(), mean: mean((reading) => reading.value) }, options)
  })
  return operatorOf(graph, 'stats', context)
}

test('reduce emits the running result of each key with the timestamp of the record, the first record as it is', () => {
  const context = new FakeOperatorContext()
  const operator = reduceOperator(context)
  const first = { sensor: 'a', value: 1 }
  operator.process(first, 10, 0)
  operator.process({ sensor: 'b', value: 5 }, 11, 0)
  operator.process({ sensor: 'a', value: 2 }, 12, 0)
  expect(context.emitted).toEqual([
    { value: { sensor: 'a', value: 1 }, timestamp: 10, port: 0 },
    { value: { sensor: 'b', value: 5 }, timestamp: 11, port: 0 },
    { value: { sensor: 'a', value: 3 }, timestamp: 12, port: 0 },
  ])
  expect(first).toEqual({ sensor: 'a', value: 1 })
})

test('a reduction that gives undefined is not mistaken for a key that was never seen', () => {
  const context = new FakeOperatorContext()
  const graph = declare((job) => {
    job
      .source<number | undefined>('numbers', fromArray<number | undefined>([]))
      .keyBy(() => 'k')
      .reduce('gone', () => undefined)
  })
  const operator = operatorOf(graph, 'gone', context)
  operator.process(1, Number.NaN, 0)
  operator.process(2, Number.NaN, 0)
  operator.process(3, Number.NaN, 0)
  expect(context.take()).toEqual([1, undefined, undefined])
})

test("reduce with emit 'end' gives the last result of each key, as late as the latest record of the key and behind the watermark", async () => {
  const context = new FakeOperatorContext()
  const operator = reduceOperator(context, { emit: 'end' })
  operator.process({ sensor: 'b', value: 5 }, 30, 0)
  operator.process({ sensor: 'a', value: 1 }, 12, 0)
  operator.process({ sensor: 'a', value: 2 }, 10, 0)
  context.advanceWatermark(20)
  expect(context.emitted).toEqual([])
  await context.end()
  expect(context.emitted).toEqual([
    { value: { sensor: 'b', value: 5 }, timestamp: 30, port: 0 },
    { value: { sensor: 'a', value: 3 }, timestamp: 21, port: 0 },
  ])
})

test('reduce with a duration gives the keys that changed since, and the rest at the end', async () => {
  const context = new FakeOperatorContext()
  const operator = reduceOperator(context, { emit: '1s' })
  for (const value of [1, 2]) operator.process({ sensor: 'a', value }, Number.NaN, 0)
  expect(context.take()).toEqual([])
  context.advance(1_000)
  expect(context.take()).toEqual([{ sensor: 'a', value: 3 }])
  context.advance(1_000)
  expect(context.take()).toEqual([])
  operator.process({ sensor: 'a', value: 4 }, Number.NaN, 0)
  await context.end()
  expect(context.take()).toEqual([{ sensor: 'a', value: 7 }])
})

test('generated and interpreted reductions are the same', () => {
  const compile = (generate: boolean) =>
    compileReduction(
      (record: never) => (record as Reading).sensor,
      (left: never, right: never) => `${left}${right}`,
      generate,
    )
  const run = (generate: boolean): unknown => {
    const rows = compile(generate)
    const table = new FakeOperatorContext().keyTable('rows', rows.columns)
    const records = ['a', 'b', 'a', '', 'b'].map((sensor) => ({ sensor, toString: () => sensor }))
    return records.map((record) => String(rows.result(table, rows.update(table, record))))
  }
  expect(run(true)).toEqual(['a', 'b', 'aa', '', 'bb'])
  expect(run(false)).toEqual(run(true))
})

test('what is due goes out one by one: the engine may stop between two results', () => {
  const context = new FakeOperatorContext()
  const operator = aggregateOperator(context, { emit: 'end' })
  for (const sensor of ['a', 'b']) operator.process({ sensor, value: 1 }, Number.NaN, 0)
  expect(operator.fire?.()).toBe(false)
  operator.onEnd?.()
  expect([operator.fire?.(), context.take().length]).toEqual([true, 1])
  expect([operator.fire?.(), context.take().length]).toEqual([true, 1])
  expect([operator.fire?.(), context.take().length]).toEqual([false, 0])
  expect(operator.fire?.()).toBe(false)
})

test("emit 'update', the default, gives key and aggregates for every record", () => {
  const context = new FakeOperatorContext()
  const operator = aggregateOperator(context)
  operator.process({ sensor: 'a', value: 1 }, 7, 0)
  operator.process({ sensor: 'a', value: 2 }, 8, 0)
  expect(context.emitted).toEqual([
    { value: { key: 'a', readings: 1, mean: 1 }, timestamp: 7, port: 0 },
    { value: { key: 'a', readings: 2, mean: 1.5 }, timestamp: 8, port: 0 },
  ])
})

test("emit 'end' gives each key once, when the input has ended", async () => {
  const context = new FakeOperatorContext()
  const operator = aggregateOperator(context, { emit: 'end' })
  for (const sensor of ['b', 'a', 'b']) operator.process({ sensor, value: 3 }, Number.NaN, 0)
  expect(context.take()).toEqual([])
  await context.end()
  expect(context.take()).toEqual([
    { key: 'b', readings: 2, mean: 3 },
    { key: 'a', readings: 1, mean: 3 },
  ])
})

test('emit of a duration gives the keys that changed since, once each, and the rest at the end', async () => {
  const context = new FakeOperatorContext()
  const operator = aggregateOperator(context, { emit: '10s' })
  operator.process({ sensor: 'a', value: 1 }, 5, 0)
  context.advance(4_000)
  operator.process({ sensor: 'b', value: 1 }, 9, 0)
  operator.process({ sensor: 'a', value: 3 }, 6, 0)
  context.advance(5_999)
  expect(context.take()).toEqual([])
  context.advance(1)
  expect(context.emitted.map(({ timestamp }) => timestamp)).toEqual([9, 9])
  expect(context.take()).toEqual([
    { key: 'a', readings: 2, mean: 2 },
    { key: 'b', readings: 1, mean: 1 },
  ])
  expect(context.deadlineMs).toBeUndefined()
  operator.process({ sensor: 'b', value: 3 }, 12, 0)
  expect(context.deadlineMs).toBe(context.timeMs + 10_000)
  await context.end()
  expect(context.take()).toEqual([{ key: 'b', readings: 2, mean: 2 }])
})

test('results that waited are never behind the watermark', async () => {
  const context = new FakeOperatorContext()
  const operator = aggregateOperator(context, { emit: '1s' })
  operator.process({ sensor: 'a', value: 1 }, 5, 0)
  context.advanceWatermark(99)
  context.advance(1_000)
  operator.process({ sensor: 'a', value: 1 }, 120, 0)
  context.advance(1_000)
  operator.process({ sensor: 'b', value: 1 }, 7, 0)
  context.advanceWatermark(199)
  await context.end()
  expect(context.emitted.map(({ timestamp }) => timestamp)).toEqual([100, 120, 200])
})

test('keys that are equal by content are one key, keys of different types are not', async () => {
  const context = new FakeOperatorContext()
  const graph = declare((job) => {
    job
      .source('keys', fromArray<{ key: string | number | boolean | null | readonly string[] | Date }>([]))
      .keyBy((record) => record.key)
      .aggregate('counts', { count: count() }, { emit: 'end' })
  })
  const operator = operatorOf(graph, 'counts', context)
  for (const key of [1, '1', true, null, 'null', ['a', 'b'], ['a', 'b'], ['ab'], 0, -0, new Date(1), new Date(1)]) {
    operator.process({ key }, Number.NaN, 0)
  }
  await context.end()
  expect(context.take()).toEqual([
    { key: 1, count: 1 },
    { key: '1', count: 1 },
    { key: true, count: 1 },
    { key: null, count: 1 },
    { key: 'null', count: 1 },
    { key: ['a', 'b'], count: 2 },
    { key: ['ab'], count: 1 },
    { key: 0, count: 2 },
    { key: new Date(1), count: 2 },
  ])
})

test('a key that is undefined or NaN is a coded error', () => {
  const graph = declare((job) => {
    job
      .source('numbers', fromArray([1]))
      .keyBy((value) => value)
      .aggregate('sums', { sum: sum((value) => value), largest: max((value) => value) })
  })
  const operator = operatorOf(graph, 'sums', new FakeOperatorContext())
  for (const key of [Number.NaN, undefined]) {
    expect(() => operator.process(key, Number.NaN, 0)).toThrow(expect.objectContaining({ code: 'SLUICE_KEY_INVALID' }))
  }
})

test('two subtasks of one operator share nothing', () => {
  const graph = declare((job) => {
    job
      .source('readings', fromArray(none))
      .keyBy((reading) => reading.sensor)
      .aggregate('counts', { count: count() })
  })
  const contexts = [new FakeOperatorContext(), new FakeOperatorContext()]
  for (const context of contexts) operatorOf(graph, 'counts', context).process({ sensor: 'a', value: 1 }, Number.NaN, 0)
  for (const context of contexts) expect(context.take()).toEqual([{ key: 'a', count: 1 }])
})
