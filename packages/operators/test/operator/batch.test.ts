import { expect, test } from 'vitest'
import { type BatchOptions, fromArray } from '../../src/index.js'
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
