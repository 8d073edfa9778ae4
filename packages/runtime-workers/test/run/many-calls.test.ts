/** A thread may host any number of operators that watch for its end. */
import { defineJob, fromArray } from '@sluice/operators'
import { run } from '@sluice/runtime-workers'
import { expect, test } from 'vitest'

test('a job with many protected operators prints no warning of listeners', async () => {
  const warnings: string[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning.name)
  process.on('warning', onWarning)
  try {
    const job = defineJob({ name: 'many' }, (builder) => {
      let stream = builder.source('numbers', fromArray([1, 2, 3]))
      for (let index = 0; index < 12; index++) stream = stream.mapAsync(`call-${index}`, async (value) => value + 1, { retry: {} })
      return { stream }
    })
    const { outputs } = await run(job).finished
    expect(outputs.stream).toEqual([13, 14, 15])
    // Warnings are emitted in a later turn.
    await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.off('warning', onWarning)
  }
  expect(warnings).toEqual([])
})
