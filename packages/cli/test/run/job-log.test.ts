/** The JSON log of real runs against the table of events: nothing undocumented, nothing documented that never comes. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { commonFields, type EventEntry, jobLogEvents } from '../../src/log/events.js'
import { slowJob, throwingJob } from '../support/jobs.js'
import { JobFolder, type LogLine, parseLog, startSluice } from '../support/run-sluice.js'

let folder: JobFolder
let lines: readonly LogLine[]

const loggingJob = slowJob.replace(
  'forEach(async () => {',
  "forEach(async (record, context) => { if (record.id === 0) context.log.warn('seen', { by: 'slow' });",
)

/** Said once the job has warmed up: before that whoever is compiled last may be the slowest. */
const slowHoldsNumbers = /slow \(subtask 0\) is the bottleneck: [\d.]+ of 1 calls under way, [\d.]+ m?s each, holds source numbers back/

const stuckJob = `
import { defineJob, discard, generate } from 'sluice'
export default defineJob({ name: 'stuck', settings: { stuckAfterMs: 100 } }, (job) => {
  job
    .source('ids', generate((id) => ({ id }), { count: 3 }))
    .map((record) => {
      for (const until = Date.now() + 600; Date.now() < until; );
      return record
    }, { name: 'spin' })
    .sink('out', discard())
})
`

/** One source ticks and is idle in between, one holds event time back, one gives records that come too late. */
const timesJob = `
import { defineJob, defineSource, discard, interval, tumbling } from 'sluice'
const waits = defineSource({
  open: (_split, { signal }) => ({ next: () => new Promise((done) => signal.addEventListener('abort', () => done(undefined))) }),
  bounded: true,
})
export default defineJob({ name: 'times' }, (job) => {
  const rare = job.source('rare', interval('500ms')).withTimestamps((tick) => tick, { idleAfter: '100ms' })
  const often = job.source('often', interval('5ms')).withTimestamps((tick) => tick)
  const held = job.source('held', waits).withTimestamps((tick) => tick)
  rare.union(often, held).keyBy((tick) => tick % 3).window(tumbling('1s')).reduce('windows', (left) => left).sink('out', discard())
  job.source('jumps', interval('5ms')).withTimestamps((tick) => (tick % 2) * tick * 1000, { perRecord: true })
    .keyBy(() => 0).window(tumbling('1s')).reduce('by second', (left) => left).sink('seconds', discard())
  job.source('repeats', interval('5ms')).keyBy((tick) => tick % 3).dedupe('once').sink('first', discard())
})
`

/** What it calls is down, some of its records fail, and it listens. */
const bordersJob = `
import { defineJob, discard, fromHttp, generate, interval } from 'sluice'
export default defineJob({ name: 'borders', settings: { stopTimeoutMs: 1 } }, (job) => {
  const payments = job.dependency('payments', { circuitBreaker: { failures: 2, openFor: '1h' } })
  job
    .source('orders', generate((id) => ({ id })))
    .mapAsync('charge', async () => { throw new Error('connect ECONNREFUSED') }, { retry: { delay: 1 }, dependency: payments })
    .sink('charged', discard())
  job.source('requests', fromHttp({ port: 0, path: '/requests' })).sink('taken', discard())
  const odd = (tick) => { throw new RangeError('odd') }
  job.source('ticks', interval('5ms')).map(odd, { name: 'check', onError: 'deadLetter' }).sink('checked', discard())
  job.deadLetters.sink('dead', discard())
})
`

beforeAll(async () => {
  folder = await JobFolder.create()
  await folder.write('slow.ts', loggingJob)
  await folder.write('throwing.ts', throwingJob)
  await folder.write('stuck.ts', stuckJob)
  const slow = startSluice(['run', 'slow.ts', '--log', 'json', '--report', '100ms', '--parallelism', '2'], { cwd: folder.path })
  await slow.said(slowHoldsNumbers)
  slow.process.kill('SIGINT')
  await folder.write('times.ts', timesJob)
  const times = startSluice(['run', 'times.ts', '--log', 'json', '--report', '50ms', '--workers', '1'], { cwd: folder.path })
  for (const event of ['source.idle', 'source.active', 'watermark.stalled', 'records.late', 'records.dropped'])
    await times.said(new RegExp(`"event":"${event}"`))
  times.process.kill('SIGINT')
  await folder.write('borders.ts', bordersJob)
  const borders = startSluice(['run', 'borders.ts', '--log', 'json', '--report', '50ms'], { cwd: folder.path })
  for (const event of ['breaker.changed', 'operator.calls', 'records.deadLettered', 'source.listening'])
    await borders.said(new RegExp(`"event":"${event}"`))
  await borders.said(/the circuit breaker of payments has been open for /)
  borders.process.kill('SIGINT')
  const runs = [
    await slow.ended,
    await times.ended,
    await borders.ended,
    await folder.run('run', 'throwing.ts', '--log', 'json'),
    await folder.run('run', 'stuck.ts', '--log', 'json', '--report', '100ms'),
  ]
  lines = runs.flatMap((run) => parseLog(run.stderr))
})

afterAll(() => folder.remove())

const linesOf = (event: string): readonly LogLine[] => lines.filter((line) => line.event === event)

test('every line has level, time, job, event and msg', () => {
  for (const line of lines) {
    expect(['debug', 'info', 'warn', 'error']).toContain(line['level'])
    expect(new Date(line['time'] as string).toISOString()).toBe(line['time'])
    expect(line['job']).toMatch(/^(slow|times|borders|throwing|stuck)$/)
    expect(line['msg']).toEqual(expect.any(String))
  }
})

/** They need a job that takes checkpoints, fails and goes on: see recovery.test.ts and lines.test.ts. */
const ofCheckpoints = [
  'checkpoint.completed',
  'checkpoint.failed',
  'checkpoint.leftover',
  'checkpoint.progress',
  'job.restarting',
  'job.restored',
]

test('every event that comes is documented, and every documented one comes', () => {
  expect([...new Set(lines.map((line) => line.event)), ...ofCheckpoints].toSorted()).toEqual(Object.keys(jobLogEvents).toSorted())
})

test.each<[string, EventEntry]>(Object.entries(jobLogEvents))('%s carries the documented fields and no others', (event, { fields }) => {
  const required = Object.keys(fields).filter((name) => fields[name]?.optional !== true)
  for (const line of linesOf(event)) {
    const carried = Object.keys(line).filter((name) => !Object.hasOwn(commonFields, name))
    expect(Object.keys(fields)).toEqual(expect.arrayContaining(carried))
    expect(carried).toEqual(expect.arrayContaining(required))
  }
})

test('the slow sink is the bottleneck and the source is held back', () => {
  const line = linesOf('job.bottleneck').find(({ msg }) => slowHoldsNumbers.test(String(msg)))
  expect(line).toMatchObject({ operator: 'slow', subtask: 0, because: ['numbers -> sum', 'sum -> slow'] })
  expect(Object.keys(line!['heldBackMsPerSecond'] as object)).toEqual(['numbers'])
  expect(linesOf('edge.pressure').some((edge) => edge['pressure'] === 'HIGH')).toBe(true)
})

test('a report has a line for every edge of the plan', () => {
  const planned = (linesOf('job.planned')[0]!['edges'] as readonly { readonly edge: string }[]).map(({ edge }) => edge)
  expect(
    [
      ...new Set(
        linesOf('edge.pressure')
          .filter((line) => line['job'] === 'slow')
          .map((line) => String(line['edge'])),
      ),
    ].toSorted(),
  ).toEqual(planned.toSorted())
})

test('the function that does not return is named', () => {
  expect(linesOf('operator.stuck')[0]).toMatchObject({
    level: 'warn',
    job: 'stuck',
    // Its chain: which function of a fused chain runs is not known.
    operator: expect.stringContaining('spin') as string,
    subtask: expect.any(Number) as number,
  })
})

test('lines of user code carry operator, subtask and fields', () => {
  expect(linesOf('user.log')[0]).toMatchObject({ level: 'warn', msg: 'seen', operator: 'slow', subtask: 0, fields: { by: 'slow' } })
})

test('a stopped job says so', () => {
  expect(linesOf('job.stopping')[0]).toMatchObject({ signal: 'SIGINT', stopTimeoutMs: expect.any(Number) as number })
  expect(linesOf('job.finished').find((line) => line['job'] === 'slow')).toMatchObject({ stopped: true })
})

test('a failed job carries code, place and the chain of causes', () => {
  expect(linesOf('job.failed').find((line) => line['job'] === 'throwing')).toMatchObject({
    level: 'error',
    job: 'throwing',
    code: 'SLUICE_OPERATOR_FAILED',
    operator: 'names',
    source: expect.stringMatching(/throwing\.ts:4:\d+$/) as string,
    error: { name: 'SluiceError', cause: { name: 'TypeError' } },
  })
})
