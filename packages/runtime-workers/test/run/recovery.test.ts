/** Real jobs on real threads that fail, stop and go on: what they give is what an undisturbed run gives. */
import type { SluiceError } from '@sluice/engine'
import { defineJob, generate } from '@sluice/operators'
import {
  findCheckpoint,
  type RestartingEvent,
  type RestoredEvent,
  run,
  type RunHandle,
  type RunOptions,
  type RunResult,
} from '@sluice/runtime-workers'
import { existsSync, readdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { jobFolder } from '../support/job-folder.js'

/** Running sums by key; `harm` says what happens once at record 3,000 of the source, or every time. */
const JOB = `
  import { defineJob, generate } from 'sluice'
  import { existsSync, writeFileSync } from 'node:fs'
  import { z } from 'zod'
  const params = z.object({ records: z.number().default(6_000), rate: z.number().default(6_000), harm: z.string().default('none'), mark: z.string() })
  function harmed(harm, mark) {
    if (harm === 'always') throw new Error('poison')
    if (existsSync(mark)) return
    writeFileSync(mark, '')
    if (harm === 'exit') process.exit(3)
    if (harm === 'later') Promise.reject(new Error('nobody handles it'))
    else throw new Error('once')
  }
  export default defineJob({ name: 'sums', params, settings: { stopTimeoutMs: 20_000 } }, (job, { records, rate, harm, mark }) => {
    const sums = job.source('numbers', generate((index) => ({ key: index % 7, value: index }), { count: records, rate }), { parallelism: 1 })
      .map((record) => { if (harm !== 'none' && record.value === 3_000) harmed(harm, mark); return record }, { name: 'harmed', parallelism: 1 })
      .keyBy((record) => record.key)
      .reduce('sum', (left, right) => ({ key: left.key, value: left.value + right.value }))
    return { sums }
  })`

/** Of a run that must not have come to its end before something is asked of it, however slow the disk. */
const UNHURRIED = { rate: 1_000 }

type Sum = { readonly key: number; readonly value: number }

/** What the job gives for so many records, by key in order. */
function expected(records: number): Map<number, number[]> {
  const sums = new Map<number, number[]>()
  for (let value = 0; value < records; value++) {
    const given = sums.get(value % 7) ?? []
    sums.set(value % 7, [...given, (given.at(-1) ?? 0) + value])
  }
  return sums
}

function byKey(sums: readonly Sum[]): Map<number, number[]> {
  const found = new Map<number, number[]>()
  for (const { key, value } of sums) found.set(key, [...(found.get(key) ?? []), value])
  return found
}

/** As one undisturbed run of 6,000 records: the same sums by key in the same order. A difference is told in a line. */
function expectExactly(sums: readonly Sum[]): void {
  const found = byKey(sums)
  const wrong = [...expected(6_000)].flatMap(([key, values]) => {
    const given = found.get(key) ?? []
    const at = values.findIndex((value, index) => given[index] !== value)
    return at < 0 && given.length === values.length
      ? []
      : [{ key, at, given: given.slice(at - 1, at + 2), lengths: [given.length, values.length] }]
  })
  expect(wrong).toEqual([])
}

class Place {
  readonly folder = jobFolder({ 'job.ts': JOB })
  readonly directory = join(this.folder, 'checkpoints')

  start(params: Readonly<Record<string, unknown>> = {}, options: RunOptions = {}): RunHandle<unknown> {
    return run(join(this.folder, 'job.ts'), {
      workers: 2,
      collect: true,
      params: { mark: join(this.folder, 'mark'), ...params },
      checkpoint: { interval: 60, directory: this.directory },
      restart: { strategy: 'exponential', initialDelay: 10, maxDelay: 20 },
      ...options,
    })
  }

  /** Folders of complete checkpoints, oldest first. */
  complete(): readonly string[] {
    const job = join(this.directory, 'sums')
    return readdirSync(job)
      .filter((name) => !name.startsWith('.') && name !== 'savepoints')
      .flatMap((name) => readdirSync(join(job, name)).map((checkpoint) => join(job, name, checkpoint)))
      .filter((path) => existsSync(join(path, 'manifest.json')))
      .sort((a, b) => idOf(a) - idOf(b))
  }
}

const idOf = (path: string): number => Number(path.slice(path.lastIndexOf('-') + 1))
const sumsOf = (result: RunResult<unknown>): readonly Sum[] => (result.outputs as Readonly<Record<string, readonly Sum[]>>)['sums'] ?? []
const completed = (handle: RunHandle<unknown>, count: number): Promise<void> =>
  new Promise((resolve) => {
    let left = count
    handle.events.on('checkpoint', ({ type }) => {
      if (type === 'checkpoint.completed' && --left === 0) resolve()
    })
  })
const failureOf = (handle: RunHandle<unknown>): Promise<SluiceError> =>
  handle.finished.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: unknown) => error as SluiceError,
  )

describe('a job that fails goes on from its last checkpoint', () => {
  test.each([
    ['a function throws', 'throw', 'SLUICE_OPERATOR_FAILED', 'aligned'],
    ['a worker ends', 'exit', 'SLUICE_WORKER_EXITED', 'aligned'],
    ['a promise is rejected', 'later', 'SLUICE_UNHANDLED_REJECTION', 'aligned'],
    ['a function throws, unaligned', 'throw', 'SLUICE_OPERATOR_FAILED', 'unaligned'],
  ] as const)('%s', async (_what, harm, code, mode) => {
    const place = new Place()
    const handle = place.start({ harm }, { checkpoint: { interval: 60, directory: place.directory, mode } })
    const restarts: RestartingEvent[] = []
    const attempts: number[] = []
    handle.events.on('restarting', (event) => restarts.push(event)).on('started', ({ attempt }) => attempts.push(attempt))
    const result = await handle.finished
    expect(restarts).toMatchObject([{ attempt: 2, error: { code } }])
    expect(attempts).toEqual([1, 2])
    expect(result.restarts).toBe(1)
    expectExactly(sumsOf(result))
  })

  test('also where no checkpoint was complete yet', async () => {
    const place = new Place()
    const handle = place.start({ harm: 'throw', rate: 1_000_000 }, { checkpoint: { interval: '1h', directory: place.directory } })
    const restarts: RestartingEvent[] = []
    handle.events.on('restarting', (event) => restarts.push(event))
    expectExactly(sumsOf(await handle.finished))
    expect(restarts).toMatchObject([{ checkpoint: undefined }])
  })

  test('also on the calling thread', async () => {
    let harmed = false
    const job = defineJob({ name: 'here', restart: { strategy: 'fixed', attempts: 1, delay: 1 } }, (builder) => ({
      sums: builder
        .source(
          'numbers',
          generate((index) => ({ key: index % 7, value: index }), { count: 3_000, rate: 10_000 }),
        )
        .map((record) => {
          if (record.value === 2_000 && !harmed) {
            harmed = true
            throw new Error('once')
          }
          return record
        })
        .keyBy((record) => record.key)
        .reduce('sum', (left, right) => ({ key: left.key, value: left.value + right.value })),
    }))
    const { outputs, restarts } = await run(job, { checkpoint: { interval: 20, directory: join(jobFolder({}), 'c') } }).finished
    expect(restarts).toBe(1)
    expect(byKey(outputs.sums)).toEqual(expected(3_000))
  })

  test('the same record again and again ends it, with the last cause and the way on', async () => {
    const place = new Place()
    // Nothing completes in between: the first attempt has the only checkpoints.
    const handle = place.start({ harm: 'always', rate: 1_000_000 }, { checkpoint: { interval: '1h', directory: place.directory } })
    let restarts = 0
    handle.events.on('restarting', () => restarts++)
    const error = await failureOf(handle)
    expect(error).toMatchObject({ code: 'SLUICE_OPERATOR_FAILED', coordinates: { operator: 'harmed' }, cause: { message: 'poison' } })
    expect(error.hint).toContain('it failed 3 times at the same place with no checkpoint in between')
    expect(restarts).toBe(2)
  })

  test('the strategy ends it', async () => {
    const handle = new Place().start({ harm: 'always', rate: 1_000_000 }, { restart: { strategy: 'none' } })
    expect((await failureOf(handle)).hint).toContain('the restart strategy is none')
  })

  test('not while it is being stopped', async () => {
    const handle = new Place().start({ harm: 'always', rate: 2_000 }, { restart: { strategy: 'fixed', attempts: 3, delay: '10m' } })
    handle.events.once('restarting', () => void handle.stop())
    await expect(handle.finished).rejects.toMatchObject({
      message: expect.stringContaining('poison') as string,
      hint: expect.stringContaining('not started again: it was being stopped. --restore latest goes on from checkpoint') as string,
    })
  })

  test('while it waits to start again it answers', async () => {
    const handle = new Place().start({ harm: 'throw' }, { restart: { strategy: 'fixed', attempts: 3, delay: '1h' } })
    const restarting = new Promise<RestartingEvent>((resolve) => void handle.events.once('restarting', resolve))
    const failure = failureOf(handle)
    await restarting
    expect(handle.status().state).toBe('restarting')
    await expect(handle.savepoint()).rejects.toMatchObject({
      code: 'SLUICE_SAVEPOINT_FAILED',
      message: expect.stringContaining('about to start again') as string,
    })
    await handle.stop()
    expect(await failure).toMatchObject({ code: 'SLUICE_OPERATOR_FAILED' })
  })

  test('what it goes on from must be readable: otherwise it ends with the failure that it had', async () => {
    const place = new Place()
    const handle = place.start({ harm: 'throw', rate: 2_000 })
    const failure = failureOf(handle)
    const damage = (): void => {
      for (const path of place.complete()) {
        try {
          truncateSync(join(path, 'manifest.json'), 20)
        } catch (error) {
          // Removed in between, because there are newer ones.
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        }
      }
    }
    handle.events.on('checkpoint', ({ type }) => {
      if (type === 'checkpoint.completed') damage()
    })
    const error = await failure
    expect(error).toMatchObject({ code: 'SLUICE_OPERATOR_FAILED', cause: { message: 'once' } })
    expect(error.hint).toContain('what it goes on from cannot be read: no checkpoint of job "sums" can be restored')
  })

  test('not without checkpoints', async () => {
    const handle = new Place().start({ harm: 'throw' }, { checkpoint: false })
    let restarts = 0
    handle.events.on('restarting', () => restarts++)
    expect(await failureOf(handle)).toMatchObject({ code: 'SLUICE_OPERATOR_FAILED' })
    expect(restarts).toBe(0)
  })
})

describe('a job that was stopped goes on', () => {
  test('at another parallelism and worker count, and again when it has finished', async () => {
    const place = new Place()
    const handle = place.start(UNHURRIED, { parallelism: 2 })
    await completed(handle, 2)
    await handle.stop()
    const first = await handle.finished
    expect(first).toMatchObject({ stopped: true, aborted: false, checkpoints: { last: { final: 'stopped' } } })
    expect(sumsOf(first).length).toBeLessThan(6_000)
    const restored: RestoredEvent[] = []
    const second = place.start({}, { parallelism: 3, workers: 1, restore: 'latest' })
    second.events.on('restored', (event) => restored.push(event))
    const rest = await second.finished
    expect(restored).toMatchObject([
      { run: first.checkpoints?.run, id: first.checkpoints?.last?.id, skipped: [], warnings: ['param rate was 1000 and is 6000'] },
    ])
    expectExactly([...sumsOf(first), ...sumsOf(rest)])
    expect(rest.checkpoints).toMatchObject({ run: first.checkpoints?.run, last: { final: 'finished' } })
    // Nothing is left to do.
    const third = await place.start({}, { restore: 'latest' }).finished
    expect(sumsOf(third)).toEqual([])
    expect(third).toMatchObject({ recordsIn: 0, checkpoints: { last: { final: 'finished' } } })
  })

  test('from a savepoint that was moved', async () => {
    const place = new Place()
    const handle = place.start(UNHURRIED)
    await completed(handle, 1)
    const moved = join(jobFolder({}), 'somewhere')
    const path = await handle.savepoint({ directory: moved, stop: true })
    expect(path).toBe(moved)
    const first = await handle.finished
    const elsewhere = { checkpoint: { interval: 60, directory: join(jobFolder({}), 'other') } }
    const rest = await place.start({}, { ...elsewhere, restore: moved }).finished
    expectExactly([...sumsOf(first), ...sumsOf(rest)])
  })

  test('a savepoint that could not be written does not stop it', async () => {
    const place = new Place()
    const handle = place.start({ rate: 2_000 })
    await completed(handle, 1)
    await expect(handle.savepoint({ directory: place.folder, stop: true })).rejects.toMatchObject({ code: 'SLUICE_SAVEPOINT_FAILED' })
    expect(handle.status().state).toBe('running')
    await handle.savepoint({ name: 'taken' })
    await expect(handle.savepoint({ name: 'taken', stop: true })).rejects.toMatchObject({ code: 'SLUICE_SAVEPOINT_FAILED' })
    expectExactly(sumsOf(await handle.finished))
  })

  test('from the savepoint that it was drained with, in which nothing is open any more', async () => {
    const place = new Place()
    const handle = place.start(UNHURRIED)
    await completed(handle, 1)
    const path = await handle.savepoint({ name: 'drained', stop: 'drain' })
    const { checkpoints } = await handle.finished
    expect(checkpoints?.last).toMatchObject({ final: 'drained' })
    const { manifest } = await findCheckpoint(place.directory, 'sums', path)
    expect(manifest).toMatchObject({ kind: 'savepoint', final: 'drained', id: checkpoints?.last?.id })
  })

  test('from the one before where the newest is damaged, and says so', async () => {
    const place = new Place()
    const handle = place.start(UNHURRIED)
    await completed(handle, 3)
    await handle.stop()
    await handle.finished
    const [before = '', newest = ''] = place.complete().slice(-2)
    const file = readdirSync(newest).find((name) => name.startsWith('state-')) ?? ''
    truncateSync(join(newest, file), 20)
    const restored: RestoredEvent[] = []
    const second = place.start({ records: 6_001 }, { restore: 'latest' })
    second.events.on('restored', (event) => restored.push(event))
    await second.finished
    expect(restored).toMatchObject([
      {
        id: idOf(before),
        skipped: [{ path: newest }],
        warnings: ['param rate was 1000 and is 6000', 'param records was 6000 and is 6001'],
      },
    ])
  })
})

describe('refused before anything is opened', () => {
  test('a fresh start over checkpoints; --overwrite removes them', async () => {
    const place = new Place()
    await place.start({ records: 10 }).finished
    const error = await failureOf(place.start({ records: 10 }))
    expect(error.code).toBe('SLUICE_CHECKPOINT_EXISTS')
    expect(error.hint).toMatch(/--restore latest .* --overwrite/)
    const { run: name } = (await place.start({ records: 10 }, { overwrite: true }).finished).checkpoints ?? {}
    expect(place.complete().every((path) => path.includes(name ?? '?'))).toBe(true)
  })

  test.each<[string, RunOptions, string]>([
    ['nothing to restore', { restore: 'latest' }, 'SLUICE_CHECKPOINT_MISSING'],
    ['no such id', { restore: 12 }, 'SLUICE_CHECKPOINT_MISSING'],
    ['no such path', { restore: './nowhere' }, 'SLUICE_CHECKPOINT_MISSING'],
    ['no checkpoints at all', { restore: 'latest', checkpoint: false }, 'SLUICE_CHECKPOINTS_OFF'],
    ['a wrong mode', { checkpoint: { mode: 'fast' as 'aligned' } }, 'SLUICE_OPTIONS_INVALID'],
    ['a wrong strategy', { restart: { strategy: 'often' as 'none' } }, 'SLUICE_OPTIONS_INVALID'],
  ])('%s', async (_what, options, code) => {
    const place = new Place()
    const given = options.checkpoint === undefined ? { ...options, checkpoint: { interval: 60, directory: place.directory } } : options
    expect(await failureOf(place.start({}, given))).toMatchObject({ code })
  })

  test('a second process on one directory', async () => {
    const place = new Place()
    const handle = place.start({ records: 1_000_000_000 })
    await completed(handle, 1)
    const error = await failureOf(place.start({}, { restore: 'latest' }))
    expect(error.code).toBe('SLUICE_CHECKPOINT_LOCKED')
    expect(error.message).toContain(String(process.pid))
    await handle.stop()
  })

  test('a savepoint of a job that takes no checkpoints', async () => {
    const handle = new Place().start({}, { checkpoint: false })
    await new Promise<void>((resolve) => void handle.events.once('started', () => resolve()))
    await expect(handle.savepoint()).rejects.toMatchObject({ code: 'SLUICE_CHECKPOINTS_OFF' })
    await handle.stop()
  })
})
