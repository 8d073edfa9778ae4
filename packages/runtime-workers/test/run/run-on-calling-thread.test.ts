import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { defineJob, forEach, fromArray, generate, type Job, type Stream } from '@sluice/operators'
import { run } from '@sluice/runtime-workers'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'

const squares = defineJob({ name: 'squares', params: z.object({ records: z.number().default(5) }) }, (job, { records }) => {
  const numbers = job.source(
    'numbers',
    generate((index) => ({ index }), { count: records }),
  )
  const squared = numbers.map(({ index }) => index * index)
  return { numbers, squared }
})

/** Numbers without an end; `taken` tells that the source has reached `signalAt`. */
function endlessJob(signalAt: number): { readonly job: Job<unknown, { readonly numbers: Stream<number> }>; readonly taken: Promise<void> } {
  let reached: () => void = () => {}
  const taken = new Promise<void>((resolve) => {
    reached = resolve
  })
  const next = (index: number): number => {
    if (index === signalAt) reached()
    return index
  }
  return { taken, job: defineJob({ name: 'endless' }, (job) => ({ numbers: job.source('numbers', generate(next)) })) }
}

test('the streams that a declaration returned come back by name, typed', async () => {
  const { outputs, recordsIn, stopped, aborted, plan } = await run(squares).finished
  expectTypeOf(outputs.squared).toEqualTypeOf<readonly number[]>()
  expectTypeOf(outputs.numbers).toEqualTypeOf<readonly { index: number }[]>()
  expect(outputs.squared).toEqual([0, 1, 4, 9, 16])
  expect(outputs.numbers.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4])
  expect({ recordsIn, stopped, aborted, workers: plan.workers }).toEqual({ recordsIn: 5, stopped: false, aborted: false, workers: 0 })
})

test('a stream that carried nothing gives an empty array', async () => {
  const { outputs } = await run(squares, { params: { records: 0 } }).finished
  expect(outputs).toEqual({ numbers: [], squared: [] })
})

test('nothing is collected where that is not wanted', async () => {
  const { outputs } = await run(
    defineJob({ name: 'uncollected' }, (job) => {
      const numbers = job.source('numbers', fromArray([1]))
      numbers.sink(
        'out',
        forEach(() => {}),
      )
      return { numbers }
    }),
    { collect: false },
  ).finished
  expect(outputs).toEqual({})
})

test('events come in the order of the life of a job', async () => {
  const seen: string[] = []
  const handle = run(squares)
  for (const event of ['planned', 'started', 'finished', 'failed'] as const) handle.events.on(event, () => seen.push(event))
  expect(handle.metrics()).toBeUndefined()
  await handle.finished
  expect(seen).toEqual(['planned', 'started', 'finished'])
  expect(handle.metrics()?.subtasks.every((subtask) => subtask.finished)).toBe(true)
})

test('whoever asks for workers and gives a job object is told why there are none', async () => {
  const { plan } = await run(squares, { workers: 2 }).finished
  expect(plan.notes.join()).toContain('runs on the calling thread')
  expect((await run(squares).finished).plan.notes.join()).not.toContain('calling thread: a job object')
})

test('wrong params and wrong options arrive at `finished`', async () => {
  const handle = run(squares, { params: { records: 'many' } })
  const failed = new Promise((resolve) => handle.events.once('failed', resolve))
  await expect(handle.finished).rejects.toMatchObject({ code: 'SLUICE_PARAMS_INVALID' })
  expect(await failed).toMatchObject({ code: 'SLUICE_PARAMS_INVALID' })
  await expect(run(squares, { memory: 'much' as never }).finished).rejects.toMatchObject({ code: 'SLUICE_OPTIONS_INVALID' })
  await expect(run(squares, { report: 'often' as never }).finished).rejects.toMatchObject({ code: 'SLUICE_DURATION_INVALID' })
})

test("a function that throws fails the job with its operator and the user's line", async () => {
  const job = defineJob({ name: 'failing' }, (job) => {
    const checked = job
      .source(
        'numbers',
        generate((index) => index, { count: 10 }),
      )
      .map(
        (value) => {
          if (value === 7) throw new RangeError('seven')
          return value
        },
        { name: 'check' },
      )
    return { checked }
  })
  await expect(run(job).finished).rejects.toMatchObject({
    code: 'SLUICE_OPERATOR_FAILED',
    message: expect.stringMatching(/seven.*run-on-calling-thread\.test\.ts:\d+:\d+\)$/) as string,
    coordinates: { operator: 'check', subtask: 0 },
    cause: expect.objectContaining({ name: 'RangeError', message: 'seven' }) as Error,
  })
})

test('stop ends sources without an end, and what is in flight flows out', async () => {
  const { job, taken } = endlessJob(1_000)
  const handle = run(job)
  await taken
  await handle.stop()
  const { outputs, stopped, aborted, recordsIn } = await handle.finished
  expect({ stopped, aborted }).toEqual({ stopped: true, aborted: false })
  expect(recordsIn).toBeGreaterThan(1_000)
  expect(outputs.numbers).toEqual(Array.from({ length: recordsIn }, (_, index) => index))
})

test('drain ends it as well', async () => {
  const { job, taken } = endlessJob(10)
  const handle = run(job)
  await taken
  await handle.drain()
  const { outputs, stopped, recordsIn } = await handle.finished
  expect(stopped).toBe(true)
  expect(outputs.numbers).toHaveLength(recordsIn)
})

test('stop before the start ends the job as soon as it starts', async () => {
  const handle = run(endlessJob(1).job)
  await handle.stop()
  expect(await handle.finished).toMatchObject({ stopped: true, aborted: false })
})

test('what does not flow out in time is given up', async () => {
  let took: () => void = () => {}
  const taken = new Promise<void>((resolve) => {
    took = resolve
  })
  const held = defineJob({ name: 'held', settings: { stopTimeoutMs: 20 } }, (job) => {
    const hold = (): Promise<never> => {
      took()
      return new Promise(() => {})
    }
    job
      .source(
        'numbers',
        generate((index) => index),
      )
      .sink('held', forEach(hold))
  })
  const handle = run(held)
  await taken
  await handle.stop()
  expect(await handle.finished).toMatchObject({ stopped: true, aborted: true })
})

test('`await using` stops the job at the end of its block', async () => {
  let result: Promise<{ readonly stopped: boolean }>
  {
    await using handle = run(
      defineJob({ name: 'endless' }, (job) => ({
        numbers: job.source(
          'numbers',
          generate((index) => index),
        ),
      })),
    )
    result = handle.finished
  }
  expect(await result).toMatchObject({ stopped: true })
})

test('a stop after the end does nothing and leaves no timer', async () => {
  const handle = run(squares)
  await handle.finished
  const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
  const before = timers()
  await handle.stop()
  await handle[Symbol.asyncDispose]()
  expect(timers()).toBe(before)
})

test('a run leaves no handlers behind and needs none', async () => {
  const counts = (): number[] =>
    ['unhandledRejection', 'uncaughtException', 'SIGINT', 'SIGTERM', 'exit'].map((name) => process.listenerCount(name))
  const before = counts()
  const handle = run(squares)
  let during: number[] = []
  handle.events.on('started', () => {
    during = counts()
  })
  await handle.finished
  expect(during).toEqual(before)
  expect(counts()).toEqual(before)
})

/** Runs a program of its own: what it does to its process is the test. */
async function runProgram(name: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(new URL(`./programs/${name}`, import.meta.url))])
  return stdout
}

test('a listener that throws surfaces as an uncaught exception, and the job goes on', async () => {
  expect(await runProgram('throwing-listener.mjs')).toBe('uncaught: of a listener\noutputs: 3\n')
})

test('a rejection that nobody handles fails a job on the calling thread, and no handler stays', async () => {
  expect(await runProgram('unhandled-rejection.mjs')).toBe(
    'SLUICE_UNHANDLED_REJECTION a promise was rejected and nobody handled it: Error: unseen\nhandlers: 0\n',
  )
})

test('a program whose own work is done stays alive until the job has ended', async () => {
  expect(await runProgram('idle-job.mjs')).toBe('took 0, 1, 2\nended\n')
})
