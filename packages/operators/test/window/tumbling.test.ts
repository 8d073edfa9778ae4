/** Windows side by side: against a naive model, and what happens to late records. */
import { expect, test } from 'vitest'
import { count, fromArray, sum, tumbling, type WindowAssigner, type WindowOptions } from '../../src/index.js'
import { FakeOperatorContext } from '../support/fake-operator-context.js'
import { declare, operatorOf } from '../support/graphs.js'

interface Reading {
  readonly key: string
  readonly value: number
}

function windowed(context: FakeOperatorContext, assigner: WindowAssigner<'lossy'>, options?: WindowOptions) {
  const graph = declare((job) => {
    job
      .source('readings', fromArray<Reading>([]))
      .withTimestamps(() => 0)
      .keyBy((reading) => reading.key)
      .window(assigner, options)
      .aggregate('windows', { n: count(), total: sum((reading) => reading.value) })
  })
  return operatorOf(graph, 'windows', context)
}

test('a window fires once, when the watermark has come to its last millisecond', () => {
  const context = new FakeOperatorContext()
  const operator = windowed(context, tumbling(10))
  operator.process({ key: 'a', value: 1 }, 0, 0)
  operator.process({ key: 'b', value: 2 }, 9, 0)
  operator.process({ key: 'a', value: 3 }, 9, 0)
  operator.process({ key: 'a', value: 4 }, 10, 0)
  context.advanceWatermark(8)
  expect(context.emitted).toEqual([])
  context.advanceWatermark(9)
  const window = { start: 0, end: 10 }
  expect(context.emitted).toEqual([
    { value: { key: 'a', window, n: 2, total: 4 }, timestamp: 9, port: 0 },
    { value: { key: 'b', window, n: 1, total: 2 }, timestamp: 9, port: 0 },
  ])
  context.advanceWatermark(15)
  expect(context.emitted).toHaveLength(2)
})
