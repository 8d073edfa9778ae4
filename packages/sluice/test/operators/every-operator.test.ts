/** Every operator in one job: on the calling thread, and over two workers. */
import { run } from 'sluice'
import { expect, test } from 'vitest'
import type everyOperator from './jobs/every-operator.js'

type Outputs = NonNullable<(typeof everyOperator)['outputs']>

test.each([
  { workers: 0, parallelism: 1 },
  { workers: 2, parallelism: 2 },
])('every operator over $workers workers', async ({ workers, parallelism }) => {
  const target = new URL('./jobs/every-operator.ts', import.meta.url)
  const { outputs } = await run<Outputs>(target, { workers, parallelism, collect: true, params: { records: 1_000 } }).finished

  expect(outputs.rejected.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, at) => at * 100))
  expect(new Set(outputs.rejected.map(({ name }) => name))).toEqual(new Set(['one']))

  // Ids that are no multiple of 100, by key, each of them twice.
  const kept = Array.from({ length: 1_000 }, (_, id) => id).filter((id) => id % 100 !== 0)
  for (const rest of [0, 1, 2]) {
    const ids = kept.filter((id) => id % 3 === rest)
    const sum = 2 * ids.reduce((left, right) => left + right, 0)
    const key = `k${rest}`
    expect(outputs.statistics.filter((row) => row.key === key)).toEqual([{ key, records: 2 * ids.length, mean: sum / (2 * ids.length) }])
    const running = outputs.sums.filter((row) => row.key === key).map(({ id }) => id)
    expect(running).toHaveLength(2 * ids.length)
    expect(running.at(-1)).toBe(sum)
    expect(running).toEqual(running.toSorted((a, b) => a - b))
    for (const even of [true, false]) {
      const last = outputs.pairs.filter((row) => row.key[0] === key && row.key[1] === even).at(-1)
      expect(last?.records).toBe(2 * ids.filter((id) => (id % 2 === 0) === even).length)
    }
  }

  expect(outputs.batches.reduce((left, right) => left + right, 0)).toBe(1_000)
  expect(Math.max(...outputs.batches)).toBe(64)
  expect(outputs.batches.filter((size) => size < 64).length).toBeLessThanOrEqual(parallelism)
  expect(outputs.looked).toEqual([{ id: 1, name: 'one' }])
  expect(outputs.everywhere.toSorted((a, b) => a - b)).toEqual(Array.from({ length: parallelism }, (_, index) => index))
  expect(outputs.times).toEqual([5_000, 5_000])
  expect(outputs.perKey).toEqual(['k1', 'k1'])
})
