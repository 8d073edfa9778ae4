/** One job that uses every operator once; each result is a stream that the test looks at. */
import { count, defineJob, discard, forEach, fromArray, generate, mean, sideOutput } from 'sluice'
import { z } from 'zod'

export default defineJob({ name: 'every-operator', params: z.object({ records: z.int().default(1_000) }) }, (job, { records }) => {
  const names = job.resource('names', { open: async () => new Map([[1, 'one']]), close: (map) => map.clear() })
  const numbers = job.source(
    'numbers',
    generate((id) => ({ id, key: `k${id % 3}`, noise: 'x'.repeat(id % 7) }), { count: records }),
  )

  const rejected = sideOutput<{ id: number; name: string | undefined }>('rejected')
  const checked = numbers.process('check', function* (record, context) {
    if (record.id % 100 === 0) yield rejected({ id: record.id, name: context.use(names).get(1) })
    else {
      yield record
      yield record
    }
  })
  const { even, rest } = numbers.split({ even: (record) => record.id % 2 === 0 })
  const keyed = checked.keyBy((record) => record.key)
  const sums = keyed.reduce('sums', (left, right) => ({ ...right, id: left.id + right.id }))
  sums.sink('ignored', discard())
  job.deadLetters.sink(
    'dead',
    forEach(() => {}),
  )

  return {
    rejected: checked.sideOutput(rejected),
    sums,
    statistics: keyed.aggregate('statistics', { records: count(), mean: mean((record) => record.id) }, { emit: 'end' }),
    pairs: checked.keyBy((record) => [record.key, record.id % 2 === 0]).aggregate('pairs', { records: count() }, { emit: '1ms' }),
    batches: even
      .union(rest)
      .batch('batches', { records: 64, time: '1m' })
      .map((batch) => batch.length),
    looked: numbers
      .rebalance()
      .mapAsync('look-up', async (record, context) => ({ id: record.id, name: context.use(names).get(record.id) }), { concurrency: 8 })
      .filter((record) => record.name !== undefined),
    everywhere: job
      .source('few', fromArray([1, 2, 3]))
      .broadcast()
      .process('count-all', {
        onRecord() {},
        *onEnd(context) {
          yield context.subtask.index
        },
      }),
    times: numbers
      .select('id')
      .withTimestamps((record) => record.id * 1_000, { outOfOrderness: '1s' })
      .flatMap((record) => (record.id === 5 ? [record, record] : undefined))
      .process('times', (_record, context) => [context.timestamp]),
    perKey: keyed.process('per-key', (record, context) => (record.id === 7 ? [context.key] : undefined)),
  }
})
