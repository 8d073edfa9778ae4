/** Jobs of users that crash: what was committed is there once. */
import { defineJob, discard, fromArray, valueState } from '@sluice/operators'
import { expect, test } from 'vitest'
import { simulate } from '../../src/index.js'

const job = defineJob({ name: 'sums' }, (builder) => {
  const sums = builder
    .source('numbers', fromArray<number>([]))
    .keyBy((number) => number % 5)
    .process('sum', {
      state: { sum: valueState<number>({ default: 0 }) },
      onRecord(number, context) {
        context.state.sum.set(context.state.sum.get() + number)
        return [{ number, sum: context.state.sum.get() }]
      },
    })
  sums.sink('out', discard())
  return { sums }
})

const numbers = Array.from({ length: 400 }, (_, number) => number)

test('outputs are those of an undisturbed run, whatever crashes', async () => {
  const byNumber = (records: readonly { readonly number: number }[]): unknown[] =>
    [...records].sort((left, right) => left.number - right.number)
  const { outputs: expected } = await simulate(job, { inputs: { numbers } })
  let crashes = 0
  for (let seed = 1; seed <= 10; seed++) {
    const { outputs, sinks, crashes: injected } = await simulate(job, { seed, inputs: { numbers }, crashes: 2 })
    expect(byNumber(outputs.sums)).toEqual(byNumber(expected.sums))
    expect(sinks['out']).toHaveLength(numbers.length)
    crashes += injected
  }
  expect(crashes).toBeGreaterThanOrEqual(10)
})

test('a crash may be asked for by the step of the protocol', async () => {
  const crashes = [{ step: 'manifest-rename' }, { of: 'worker', step: 'restore', occurrence: 2 }] as const
  const { outputs, attempts } = await simulate(job, { seed: 3, inputs: { numbers }, checkpoint: { interval: 10 }, crashes })
  expect(outputs.sums).toHaveLength(numbers.length)
  expect(attempts).toBeGreaterThanOrEqual(2)
})
