import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { defineJob, fromArray } from '@sluice/operators'
import { run, type RunLogEntry } from '@sluice/runtime-workers'
import { expect, test } from 'vitest'
import { jobFile, jobFolder } from '../support/job-folder.js'

const PARALLEL = `
  import { defineJob, generate } from 'sluice'
  import { z } from 'zod'
  export default defineJob({ name: 'parallel', params: z.object({ records: z.number() }) }, (job, { records }) => {
    const sums = job.source('numbers', generate((index) => ({ key: index % 10, value: index }), { count: records }))
      .keyBy((record) => record.key)
      .reduce('sum', (left, right) => ({ key: left.key, value: left.value + right.value }))
    return { sums }
  })`

test('a job file runs on workers and gives its outputs', async () => {
  const records = 10_000
  const { outputs, plan, recordsIn } = await run(jobFile(PARALLEL), { params: { records }, workers: 2, collect: true }).finished
  expect(plan.workers).toBe(2)
  expect(recordsIn).toBe(records)
  const last = new Map((outputs['sums'] as { key: number; value: number }[]).map(({ key, value }) => [key, value]))
  const expected = Array.from(
    { length: 10 },
    (_, key) => [key, (records / 10) * key + (10 * ((records / 10) * (records / 10 - 1))) / 2] as const,
  )
  expect([...last].sort(([a], [b]) => a - b)).toEqual(expected)
})

test('a job file runs on the calling thread where that is asked for', async () => {
  const { outputs, plan } = await run(jobFile(PARALLEL), { params: { records: 3 }, workers: 0, collect: true }).finished
  expect(plan.workers).toBe(0)
  expect(outputs['sums']).toHaveLength(3)
})

test('a job that wants more workers than there are cores gets them', async () => {
  const file = jobFile(`import { defineJob, generate } from 'sluice'
    export default defineJob({ name: 'wide', workers: 5 }, (job) => ({ out: job.source('numbers', generate((index) => index, { count: 100 })) }))`)
  const { outputs, plan } = await run(file, { collect: true }).finished
  expect(plan.workers).toBe(5)
  expect(new Set(outputs['out']).size).toBe(100)
})

test('a file that never ends loading is given up after a stop', async () => {
  const handle = run(jobFile('await new Promise(() => {})\nexport default 1'), { workers: 1, settings: { stopTimeoutMs: 20 } })
  const failure = handle.finished.catch((error: unknown) => error)
  await handle.stop()
  expect(await failure).toMatchObject({ code: 'SLUICE_INTERRUPTED' })
})

test('a job object runs on workers where it says which module exports it', async () => {
  const file = jobFile(`import { defineJob, generate } from 'sluice'
    export default defineJob({ name: 'here' }, (job) => ({ numbers: job.source('numbers', generate((index) => index, { count: 4 }), { parallelism: 1 }) }))`)
  const { default: job } = (await import(pathToFileURL(file).href)) as { default: Parameters<typeof run>[0] }
  const { outputs, plan } = await run(job as string, { module: pathToFileURL(file), workers: 1 }).finished
  expect(plan.workers).toBe(1)
  expect(outputs).toEqual({ numbers: [0, 1, 2, 3] })
})

test('a module that exports another job is refused', async () => {
  const other = defineJob({ name: 'other' }, (job) => ({ numbers: job.source('numbers', fromArray([1])) }))
  await expect(run(other, { module: pathToFileURL(jobFile(PARALLEL)), workers: 1 }).finished).rejects.toMatchObject({
    code: 'SLUICE_OPTIONS_INVALID',
    message: 'module exports job "parallel" by default, not "other"',
  })
})

test('parameters reach the workers as the coordinator parsed them', async () => {
  const file = jobFile(`
    import { defineJob, generate } from 'sluice'
    import { z } from 'zod'
    const params = z.object({ from: z.coerce.date(), tags: z.array(z.string()).default(['x']) })
    export default defineJob({ name: 'parsed', params }, (job, { from, tags }) => ({
      out: job.source('one', generate(() => 1, { count: 1 })).map(() => [from instanceof Date, from.getTime(), tags]).rebalance().map((value) => value)
    }))`)
  const { outputs } = await run(file, { params: { from: '1970-01-01T00:00:01Z' }, workers: 2, collect: true }).finished
  expect(outputs).toEqual({ out: [[true, 1000, ['x']]] })
})

test('parameters that cannot be sent are refused', async () => {
  const file = jobFile(`
    import { defineJob, discard, generate } from 'sluice'
    import { z } from 'zod'
    export default defineJob({ name: 'parsed', params: z.object({ n: z.number().transform((n) => () => n) }) }, (job) => {
      job.source('one', generate(() => 1, { count: 1 })).sink('out', discard())
    })`)
  await expect(run(file, { params: { n: 1 }, workers: 1 }).finished).rejects.toMatchObject({ code: 'SLUICE_PARAMS_INVALID' })
})

test('log and console of user code arrive with operator, subtask and worker', async () => {
  const file = jobFile(`
    import { defineJob, forEach, generate } from 'sluice'
    console.log('printed while it is loaded')
    export default defineJob({ name: 'talking' }, (job) => {
      job.source('numbers', generate((index) => index, { count: 1 }), { parallelism: 1 })
        .map((value) => { console.warn('at %d', value, { deep: { er: [1] } }); return value }, { name: 'warn' })
        .sink('out', forEach((value, context) => { context.log.info('took', { value }) }))
    })`)
  const entries: RunLogEntry[] = []
  await run(file, { workers: 1, log: (entry) => entries.push(entry) }).finished
  expect(entries).toHaveLength(2)
  expect(entries[0]).toMatchObject({ level: 'warn', message: 'at 0 { deep: { er: [ 1 ] } }', worker: 0, subtask: 0 })
  expect(entries[0]?.operator).toContain('warn')
  expect(entries[1]).toMatchObject({ level: 'info', message: 'took', fields: { value: 0 }, operator: 'out', subtask: 0, worker: 0 })
})

test('metrics of user code are in the result', async () => {
  const file = jobFile(`
    import { defineJob, forEach, generate } from 'sluice'
    export default defineJob({ name: 'counting' }, (job) => {
      job.source('numbers', generate((index) => index, { count: 100 })).rebalance()
        .sink('out', forEach((_value, context) => { context.metrics.count('seen') }, { concurrency: 2 }))
    })`)
  const { userMetrics } = await run(file, { workers: 2 }).finished
  expect(userMetrics.map(({ operator, name, kind }) => `${operator} ${name} ${kind}`)).toEqual(Array(2).fill('out seen count'))
  expect(userMetrics.reduce((sum, { value }) => sum + value, 0)).toBe(100)
})

test('a file that declares something else in each thread fails before anything is opened', async () => {
  const folder = jobFolder({
    'job.ts': `
      import { defineJob, generate, toJsonLines } from 'sluice'
      import { threadId } from 'node:worker_threads'
      export default defineJob({ name: 'fickle' }, (job) => {
        job.source('numbers', generate((index) => index, { count: 1 })).filter(() => true, { name: threadId === 0 ? 'here' : 'there' })
          .sink('out', toJsonLines(new URL('./out.jsonl', import.meta.url).pathname))
      })`,
  })
  await expect(run(join(folder, 'job.ts'), { workers: 2 }).finished).rejects.toMatchObject({
    code: 'SLUICE_JOB_NOT_DETERMINISTIC',
    message: expect.stringContaining('operator 2 is "here" in one and "there" in the other') as string,
  })
  expect(existsSync(join(folder, 'out.jsonl'))).toBe(false)
})

test('a file that throws only in workers fails with its line', async () => {
  const file = jobFile(`import { defineJob, discard, generate } from 'sluice'
import { isMainThread } from 'node:worker_threads'
if (!isMainThread) throw new Error('not in workers')
export default defineJob({ name: 'fickle' }, (job) => {
  job.source('numbers', generate((index) => index, { count: 1 })).sink('out', discard())
})
`)
  await expect(run(file, { workers: 1 }).finished).rejects.toMatchObject({
    code: 'SLUICE_JOB_THREW',
    message: expect.stringContaining(`Error: not in workers (at ${file}:3:26)`) as string,
  })
})

test('a failure in a worker keeps code, coordinates, causes, properties and the lines of the user', async () => {
  const file = jobFile(`import { defineJob, discard, generate } from 'sluice'
export default defineJob({ name: 'failing' }, (job) => {
  job.source('numbers', generate((index) => index, { count: 1_000 }), { parallelism: 1 })
    .map((value) => {
      if (value === 500) throw Object.assign(new Error('outer', { cause: new TypeError('inner') }), { code: 'E_OUTER', status: 503 })
      return value
    }, { name: 'check' })
    .sink('out', discard())
})
`)
  const error: unknown = await run(file, { workers: 2 }).finished.catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    code: 'SLUICE_OPERATOR_FAILED',
    message: expect.stringContaining(`(at ${file}:5:`) as string,
    coordinates: { operator: 'check', subtask: 0, declaredAt: expect.stringContaining(`${file}:4:`) as string },
    hint: expect.any(String) as string,
    cause: { message: 'outer', code: 'E_OUTER', status: 503, cause: { name: 'TypeError', message: 'inner' } },
  })
  expect((error as { cause: Error }).cause.stack).toContain(`${file}:5:`)
})

test('stop lets what is in flight flow out of all workers', async () => {
  const file = jobFile(`
    import { defineJob, generate } from 'sluice'
    export default defineJob({ name: 'endless' }, (job) => ({ out: job.source('numbers', generate((index) => index)).rebalance().map((value) => value) }))`)
  const handle = run(file, { workers: 2, collect: true, report: 5 })
  // Some records have gone all the way.
  await new Promise<void>((resolve) => {
    handle.events.on('report', ({ edges }) => {
      if (edges.every((edge) => edge.recordsPerSecond > 0)) resolve()
    })
  })
  await handle.stop()
  const { outputs, recordsIn, stopped, aborted } = await handle.finished
  expect({ stopped, aborted }).toEqual({ stopped: true, aborted: false })
  expect(recordsIn).toBeGreaterThan(0)
  expect(outputs['out']).toHaveLength(recordsIn)
  expect(new Set(outputs['out']).size).toBe(recordsIn)
})

test('reports come at the interval and cover every edge', async () => {
  const file = jobFile(`
    import { defineJob, discard, generate } from 'sluice'
    export default defineJob({ name: 'endless' }, (job) => { job.source('numbers', generate((index) => index)).rebalance().sink('out', discard()) })`)
  const handle = run(file, { workers: 2, report: 10 })
  const report = await new Promise<{ edges: readonly unknown[]; intervalMs: number }>((resolve) => handle.events.once('report', resolve))
  expect(report.intervalMs).toBeGreaterThan(0)
  expect(report.edges).toHaveLength(1)
  await handle.stop()
})
