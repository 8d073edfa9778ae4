import { expect, test } from 'vitest'
import { type BatchOptions, count, forEach, fromArray, tumbling } from '../../src/index.js'
import { Simulation } from '../../../engine/test/support/simulation.js'
import { FakeOperatorContext } from '../support/fake-operator-context.js'
import { declare, operatorOf } from '../support/graphs.js'

function batchOperator(context: FakeOperatorContext, options: BatchOptions) {
  return operatorOf(
    declare((job) => {
      job.source('numbers', fromArray([1])).batch('batches', options)
    }),
    'batches',
    context,
  )
}

test('a batch is full at its number of records and has the latest of their timestamps', async () => {
  const context = new FakeOperatorContext()
  const operator = batchOperator(context, { records: 3 })
  for (const [value, timestamp] of [
    [1, 5],
    [2, 9],
    [3, 7],
    [4, 1],
  ] as const)
    operator.process(value, timestamp, 0)
  expect(context.emitted).toEqual([{ value: [1, 2, 3], timestamp: 9, port: 0 }])
  context.take()
  await context.end()
  expect(context.take()).toEqual([[4]])
})

test('a batch waits no longer than its time, counted from its first record', () => {
  const context = new FakeOperatorContext()
  const operator = batchOperator(context, { records: 3, time: '1s' })
  operator.process(1, Number.NaN, 0)
  context.advance(999)
  operator.process(2, Number.NaN, 0)
  expect(context.take()).toEqual([])
  context.advance(1)
  expect(context.take()).toEqual([[1, 2]])
  context.advance(5_000)
  expect(context.take()).toEqual([])
})

test('a full batch takes its deadline along', () => {
  const context = new FakeOperatorContext()
  const operator = batchOperator(context, { records: 2, time: 100 })
  operator.process(1, Number.NaN, 0)
  operator.process(2, Number.NaN, 0)
  expect(context.deadlineMs).toBeUndefined()
  operator.process(3, Number.NaN, 0)
  expect(context.deadlineMs).toBe(1_100)
  expect(context.take()).toEqual([[1, 2]])
})

test('an emitted batch does not change afterwards, and an empty one is never emitted', async () => {
  const context = new FakeOperatorContext()
  const operator = batchOperator(context, { records: 1 })
  operator.process(1, Number.NaN, 0)
  operator.process(2, Number.NaN, 0)
  await context.end()
  expect(context.take()).toEqual([[1], [2]])
})

test('event time does not pass a batch that waits', async () => {
  const context = new FakeOperatorContext()
  const operator = batchOperator(context, { records: 3 })
  operator.process(1, 5, 0)
  context.advanceWatermark(4)
  expect(context.take()).toEqual([])
  operator.process(2, 6, 0)
  context.advanceWatermark(5)
  expect(context.take()).toEqual([])
  context.advanceWatermark(6)
  expect(context.emitted).toEqual([{ value: [1, 2], timestamp: 6, port: 0 }])
  context.take()
  context.advanceWatermark(100)
  await context.end()
  expect(context.take()).toEqual([])
})

test('what a stop finds in a batch flows on, with its time', () => {
  const context = new FakeOperatorContext()
  const operator = batchOperator(context, { records: 3 })
  operator.process(1, 5, 0)
  operator.onStop?.()
  expect(context.emitted).toEqual([{ value: [1], timestamp: 5, port: 0 }])
})

test.each([1, 3])('no record of a batch is late for the windows behind it, parallelism %i', async (parallelism) => {
  const events = Array.from({ length: 1000 }, (_, index) => ({ at: index * 10, kind: index % 17 === 0 ? 'rare' : 'usual' }))
  const counted: unknown[] = []
  const graph = declare((job) => {
    job
      .source('events', fromArray(events), { parallelism: 1 })
      .withTimestamps(({ at }) => at, { monotonous: true, perRecord: true })
      .keyBy(({ kind }) => kind)
      .process('same', (event) => [event])
      .batch('batches', { records: 7 })
      .flatMap((batch) => batch)
      .keyBy(({ kind }) => kind)
      .window(tumbling('1s'))
      .aggregate('counts', { events: count() })
      .sink(
        'out',
        forEach((result) => void counted.push(result)),
      )
  })
  const simulation = new Simulation(graph, { parallelism, workers: 2, chaining: false, ringBytes: 4096 })
  await simulation.run()
  expect(simulation.snapshot().subtasks.reduce((sum, { lateRecords }) => sum + lateRecords, 0)).toBe(0)
  expect((counted as { events: number }[]).reduce((sum, { events: number }) => sum + number, 0)).toBe(events.length)
})
