import { expect, test } from 'vitest'
import { fromArray, sideOutput } from '../../src/index.js'
import { FakeOperatorContext } from '../support/fake-operator-context.js'
import { declare, nodeOf, operatorOf } from '../support/graphs.js'

test('arrays, generators and nothing are expanded with the timestamp of the record', () => {
  const context = new FakeOperatorContext()
  const graph = declare((job) => {
    job.source('numbers', fromArray([1])).process('repeat', function* (value) {
      for (let index = 0; index < value; index++) yield value
    })
    job.source('others', fromArray([1])).process('keep', (value) => (value > 1 ? [value] : undefined))
  })
  const repeat = operatorOf(graph, 'repeat', context)
  repeat.process(2, 5, 0)
  repeat.process(0, 6, 0)
  const keep = operatorOf(graph, 'keep', context)
  keep.process(1, 7, 0)
  keep.process(9, 8, 0)
  expect(context.emitted).toEqual([
    { value: 2, timestamp: 5, port: 0 },
    { value: 2, timestamp: 5, port: 0 },
    { value: 9, timestamp: 8, port: 0 },
  ])
})

test('handlers keep their this, start before the first record and end after the last', async () => {
  const context = new FakeOperatorContext()
  const graph = declare((job) => {
    const handlers = {
      seen: 0,
      onStart(c: { log: { info(message: string): void } }) {
        c.log.info(`started with ${this.seen}`)
      },
      onRecord(_value: number) {
        this.seen++
      },
      *onEnd() {
        yield this.seen
      },
    }
    job.source('numbers', fromArray([1])).process('counted', handlers)
  })
  const operator = operatorOf(graph, 'counted', context)
  await operator.open?.()
  operator.process(1, Number.NaN, 0)
  operator.process(2, Number.NaN, 0)
  await context.end()
  expect(context.logged).toEqual(['started with 0'])
  expect(context.take()).toEqual([2])
})

test('the context tells timestamp and key, and gives log, metrics, time and resources', () => {
  const context = new FakeOperatorContext()
  context.resources.set('table', new Map([['a', 'Anna']]))
  const seen: unknown[] = []
  const graph = declare((job) => {
    const table = job.resource('table', { open: () => new Map<string, string>() })
    job
      .source('names', fromArray([{ id: 'a' }]))
      .keyBy((record) => record.id)
      .process('look-up', (record, c) => {
        c.metrics.count('looked', 2)
        seen.push([c.key, c.timestamp, c.now(), c.operator, c.job, c.subtask.index, c.use(table).get(record.id)])
      })
  })
  const operator = operatorOf(graph, 'look-up', context)
  operator.process({ id: 'a' }, 42, 0)
  operator.process({ id: 'b' }, Number.NaN, 0)
  expect(seen).toEqual([
    ['a', 42, 1_000, 'operator', 'test', 0, 'Anna'],
    ['b', undefined, 1_000, 'operator', 'test', 0, undefined],
  ])
  expect(context.counts.get('looked')).toBe(4)
})

test('side outputs leave by their tag, and have a port once somebody reads them', () => {
  const context = new FakeOperatorContext()
  const rejected = sideOutput<{ why: string }>('rejected')
  const ignored = sideOutput<number>('ignored')
  const graph = declare((job) => {
    const checked = job.source('numbers', fromArray([1])).process('check', function* (value) {
      if (value < 0) yield rejected({ why: 'negative' })
      else if (value === 0) yield ignored(value)
      else yield value
    })
    checked.sideOutput(rejected).map((record) => record.why)
    checked.sideOutput(rejected).map((record) => record.why.length)
  })
  expect(nodeOf(graph, 'check').ports).toEqual(['out', 'rejected'])
  const operator = operatorOf(graph, 'check', context)
  for (const value of [1, -1, 0]) operator.process(value, Number.NaN, 0)
  expect(context.emitted.map(({ value, port }) => [value, port])).toEqual([
    [1, 0],
    [{ why: 'negative' }, 'rejected'],
    [0, 'ignored'],
  ])
})
