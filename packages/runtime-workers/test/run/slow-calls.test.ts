/** Jobs on real threads whose calls are slow for one reason each: what the reports say of it, while they run and at the end. */
import type { Bottleneck, IntervalReport, MetricsSnapshot } from '@sluice/engine'
import { run } from '@sluice/runtime-workers'
import { expect, test } from 'vitest'
import { jobFile } from '../support/job-folder.js'

interface Told {
  readonly bottleneck: Bottleneck
  readonly report: IntervalReport
  /** The same of the pressure graph, since the report before. */
  readonly causes: readonly string[]
}

/** The first report that blames `enrich` in these words. */
async function blameOf(words: RegExp, job: string, workers = 2): Promise<Told> {
  const handle = run(
    jobFile(`import { CallError, defineJob, discard, generate } from 'sluice'
      const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
      const numbers = generate((id) => ({ id }))
      export default defineJob({ name: 'calls', settings: { ringBytes: 4096 } }, (job) => { ${job} })`),
    { workers, parallelism: 1, report: 50, settings: { chaining: false, stopTimeoutMs: 1 } },
  )
  const told = new Promise<Told>((resolve) => {
    let before: MetricsSnapshot | undefined
    handle.events.on('report', (report) => {
      const since = before
      before = handle.metrics()
      const { bottleneck } = report
      if (bottleneck === undefined || !words.test(bottleneck.message)) return
      const { sources } = handle.pressure(since) ?? { sources: [] }
      resolve({ bottleneck, report, causes: sources.flatMap(({ on }) => on.map((cause) => `${cause.kind} ${cause.operator}`)) })
    })
  })
  const failed = handle.finished.then(() => Promise.reject(new Error('the job ended')))
  try {
    return await Promise.race([told, failed])
  } finally {
    failed.catch(() => {})
    // What hangs is given up.
    await handle.stop()
    await handle.finished.catch(() => {})
  }
}

const words = (reason: string): RegExp =>
  new RegExp(`^enrich \\(subtask 0\\) is the bottleneck: ${reason}, holds source orders back \\d+ % of the time through orders -> enrich$`)

test('a slow dependency has as many calls under way as may be', async () => {
  const { bottleneck, causes, report } = await blameOf(
    words('4 of 4 calls of payments under way, \\d+ ms each'),
    `const payments = job.dependency('payments', { concurrency: 4 })
     job.source('orders', numbers).mapAsync('enrich', async (order) => { await after(40); return order }, { concurrency: 4, dependency: payments }).sink('out', discard())`,
  )
  expect(bottleneck).toMatchObject({ kind: 'calls', calls: { dependency: 'payments', limit: 4, waiting: 0, error: undefined } })
  expect(causes).toContain('calls enrich')
  expect(report.calls).toMatchObject([{ operator: 'enrich', dependency: 'payments', failures: 0, retries: 0, breaker: undefined }])
})

test('an open circuit breaker that waits holds records, and says since when and why', async () => {
  const { bottleneck, causes, report } = await blameOf(
    words('its circuit breaker has been open for [\\d.]+ m?s \\(connect ECONNREFUSED\\)'),
    `job.source('orders', numbers).mapAsync('enrich', async () => { throw new Error('connect ECONNREFUSED') }, {
       concurrency: 4, retry: { attempts: 'unlimited', delay: 1 }, circuitBreaker: { failures: 3, openFor: '10m' },
     }).sink('out', discard())`,
  )
  expect(bottleneck).toMatchObject({ kind: 'breaker', calls: { breaker: { state: 'open' }, error: 'connect ECONNREFUSED' } })
  expect(causes).toContain('breaker enrich')
  expect(report.calls).toMatchObject([{ operator: 'enrich', breaker: 'open' }])
})

test('a retry that stalls an ordered stream is told with its record and what waits behind it', async () => {
  const { bottleneck, causes } = await blameOf(
    words('record enrich/0/20 is in its \\d+(st|nd|rd|th) attempt \\(503\\), and 7 finished results wait behind it since [\\d.]+ m?s'),
    `job.source('orders', numbers).mapAsync('enrich', async (order) => { await after(1); if (order.id === 20) throw new Error('503'); return order }, {
       concurrency: 8, retry: { attempts: 'unlimited', delay: 20, delayMax: 20, budget: false },
     }).sink('out', discard())`,
  )
  expect(bottleneck).toMatchObject({ kind: 'retry', calls: { record: { id: 'enrich/0/20', behind: 7 } } })
  expect(causes).toContain('retry enrich')
})

test('the delay between attempts, the retry budget and a pause that was asked for are told apart', async () => {
  const job = (error: string, retry: string): string =>
    `job.source('orders', numbers).mapAsync('enrich', async () => { throw ${error} }, {
       concurrency: 4, ordered: false, retry: { attempts: 'unlimited', ${retry} },
     }).sink('out', discard())`
  const delay = job(`new Error('no')`, `delay: '10m', delayMax: '10m', budget: false`)
  expect(await blameOf(words('4 records wait for another attempt \\(no\\)'), delay)).toMatchObject({ bottleneck: { kind: 'retry' } })
  const budget = job(`new Error('no')`, `delay: 1, budget: { share: 0, perSecond: 1 }`)
  expect(await blameOf(words('its retry budget is used up, 4 records wait for it \\(no\\)'), budget)).toMatchObject({
    bottleneck: { kind: 'budget' },
  })
  const pause = job(`new CallError('429', { status: 429, retryAfterMs: 60_000 })`, `delay: 1, budget: false`)
  expect(await blameOf(words('what it calls asked for a pause, 4 records wait for its end \\(429\\)'), pause)).toMatchObject({
    bottleneck: { kind: 'retryAfter' },
  })
})

test('a dependency that others fill is told with who has its places', async () => {
  const { bottleneck } = await blameOf(
    words('7 records wait for a place among the calls of payments: 1 of its own is under way, 1 of refund'),
    `const payments = job.dependency('payments', { concurrency: 2 })
     job.source('refunds', generate((id) => id, { count: 1 })).mapAsync('refund', () => after(3_600_000), { dependency: payments, timeout: '2h' }).sink('ends', discard())
     job.source('orders', numbers).mapAsync('enrich', async (order) => { await after(20); return order }, { concurrency: 8, dependency: payments }).sink('out', discard())`,
    1,
  )
  expect(bottleneck).toMatchObject({ kind: 'bulkhead', calls: { others: [{ operator: 'refund' }] } })
})
