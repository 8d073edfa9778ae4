import { expect, test } from 'vitest'
import type { JobLogLine } from '../../src/log/events.js'
import { JobLog } from '../../src/log/job-log.js'
import { Redactor } from '../../src/log/redact.js'

function makeLog(options: { readonly format: 'pretty' | 'json'; readonly quiet?: boolean }) {
  const lines: string[] = []
  const clock = { ms: Date.UTC(2026, 0, 2, 3, 4, 5, 6) }
  const log = new JobLog({
    job: 'orders.ts',
    format: options.format,
    quiet: options.quiet ?? false,
    printer: { print: (line) => `words: ${String(line['msg'])}\n` },
    write: (text) => void lines.push(text),
    nowMs: () => clock.ms,
  })
  return { log, lines, clock }
}

const started: JobLogLine = { level: 'info', event: 'job.started', msg: 'started', fields: { attempt: 1, startupMs: 150 } }

test('a line of JSON has the level as text, the time as ISO 8601, job, event, msg and the fields', async () => {
  const { log, lines } = makeLog({ format: 'json' })
  log.write(started)
  await log.flush()
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/\}\n$/)
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    level: 'info',
    time: '2026-01-02T03:04:05.006Z',
    job: 'orders.ts',
    event: 'job.started',
    attempt: 1,
    startupMs: 150,
    msg: 'started',
  })
})

test('what was written before the logger was loaded keeps its order, its time and its job', async () => {
  const { log, lines, clock } = makeLog({ format: 'json' })
  log.write(started)
  clock.ms += 1000
  log.identify('orders', new Redactor())
  log.write({ ...started, msg: 'second' })
  await log.flush()
  log.write({ ...started, msg: 'third' })
  expect(lines.map((line) => JSON.parse(line) as Record<string, unknown>).map(({ msg, job, time }) => [msg, job, time])).toEqual([
    ['started', 'orders.ts', '2026-01-02T03:04:05.006Z'],
    ['second', 'orders', '2026-01-02T03:04:06.006Z'],
    ['third', 'orders', '2026-01-02T03:04:06.006Z'],
  ])
})

test('the plan waits for the start of the job, or for the end of the log', async () => {
  const { log, lines } = makeLog({ format: 'json' })
  log.write({ ...started, event: 'job.planned', msg: 'planned' })
  await log.flush()
  log.write(started)
  expect(lines.map((line) => (JSON.parse(line) as { readonly msg: string }).msg)).toEqual(['planned', 'started'])
})

test('pretty goes through the printer', async () => {
  const { log, lines } = makeLog({ format: 'pretty' })
  log.write(started)
  await log.flush()
  expect(lines).toEqual(['words: started\n'])
})

test('quiet keeps errors alone', async () => {
  const { log, lines } = makeLog({ format: 'json', quiet: true })
  log.write(started)
  log.write({ ...started, level: 'warn' })
  log.write({ ...started, level: 'error', msg: 'broken' })
  await log.flush()
  expect(lines.map((line) => (JSON.parse(line) as { readonly msg: string }).msg)).toEqual(['broken'])
})

test('secrets are hidden in messages and fields', async () => {
  const { log, lines } = makeLog({ format: 'json' })
  log.identify('orders', new Redactor(['hunter22']))
  log.write({ level: 'error', event: 'user.log', msg: 'token hunter22', fields: { fields: { url: 'x?hunter22' } } })
  await log.flush()
  expect(lines[0]).not.toContain('hunter22')
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'token ***', fields: { url: 'x?***' } })
})

test('no field hides what is on every line', async () => {
  const { log, lines } = makeLog({ format: 'json' })
  log.write({ level: 'info', event: 'user.log', msg: 'x', fields: { level: 'HIGH', time: 0, job: 'other', operator: 'map' } })
  await log.flush()
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', job: 'orders.ts', event: 'user.log', msg: 'x', operator: 'map' })
})
