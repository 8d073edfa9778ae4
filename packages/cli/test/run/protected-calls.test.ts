/** The example of protected calls, run as a user runs it: every order that can be paid is, once, in spite of an outage. */
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JobFolder, startSluice } from '../support/run-sluice.js'

const example = resolve(import.meta.dirname, '../../../../examples/protected-calls.ts')

let folder: JobFolder
beforeEach(async () => {
  folder = await JobFolder.create()
})
afterEach(() => folder.remove())

test('an outage of two seconds loses nothing', async () => {
  const { status, stderr } = await folder.run('run', example, '--parallelism', '1', '--workers', '1')
  expect(status).toBe(0)
  const lines = (await readFile(join(folder.path, 'paid.jsonl'), 'utf8')).trimEnd().split('\n')
  const ids = lines.map((line) => (JSON.parse(line) as { id: number }).id)
  expect(ids).toEqual(Array.from({ length: 2_000 }, (_none, id) => id).filter((id) => id % 500 !== 7))
  expect(stderr).toMatch(/The circuit breaker of payments is open after \d+ ms closed: payments answered 503/)
  expect(stderr).toMatch(/The circuit breaker of payments is closed after \d+ ms half-open/)
})

const waits = [
  [
    'an open breaker',
    "circuitBreaker: { failures: 2, openFor: '1h' }",
    /call \(subtask 0\) had \d+ records waiting for its circuit breaker, which was open \(down\)/,
  ],
  [
    'another attempt',
    "retry: { attempts: 'unlimited', delay: '1h', delayMax: '1h' }",
    /call \(subtask 0\) had 4 records waiting for another attempt \(down\)/,
  ],
] as const

async function writeJob(protection: string, stopTimeoutMs = 10_000): Promise<void> {
  await folder.write(
    'down.ts',
    `import { existsSync } from 'node:fs'
import { defineJob, generate, toJsonLines } from 'sluice'
const checkpoint = { interval: '100ms', directory: 'state' } as const
export default defineJob({ name: 'down', checkpoint, settings: { stopTimeoutMs: ${stopTimeoutMs}, chaining: false } }, (job) => {
  job.source('orders', generate((id) => ({ id }), { count: 400, rate: 2_000 }))
    .mapAsync('call', async (order) => { if (order.id >= 100 && !existsSync('up')) throw new Error('down'); return order },
      { concurrency: 4, ordered: false, ${protection.includes('retry') ? '' : "retry: { attempts: 'unlimited', delay: '1ms', delayMax: '1ms' }, "}${protection} })
    .sink('out', toJsonLines('out/'))
})
`,
  )
}

/** Calls have failed, and nothing comes to them any more. */
const STANDS = /attempts? failed[^]*orders -> call +forward 1x1 +0 rec/

const args = ['run', 'down.ts', '--parallelism', '1', '--workers', '1', '--report', '200ms']

test.each(waits)(
  'Ctrl-C ends a job with checkpoints that waits for %s: its last one has what waits, and a restore goes on with it',
  async (_what, protection) => {
    await writeJob(protection)
    const job = startSluice(args, { cwd: folder.path })
    await job.said(STANDS)
    job.process.kill('SIGINT')
    const { status, stderr } = await job.ended
    expect(stderr).toMatch(/checkpoint +\d+ \(the last one: stopped\) unaligned/)
    expect(stderr).toMatch(
      /[\d.]+ (K|M)?i?B of records between operators, 4 calls did not flow out: checkpoint \d+ has it, and --restore latest goes on with it/,
    )
    expect(status).toBe(130)

    await folder.write('up', '')
    expect(await folder.run(...args, '--restore', 'latest')).toMatchObject({ status: 0 })
    const out = join(folder.path, 'out')
    const parts = await Promise.all(
      (await readdir(out)).filter((name) => name.endsWith('.jsonl')).map((name) => readFile(join(out, name), 'utf8')),
    )
    const ids = parts.flatMap((text) => text.trimEnd().split('\n')).map((line) => (JSON.parse(line) as { id: number }).id)
    expect(ids.sort((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_none, id) => id))
  },
)

test.each(waits)('without checkpoints Ctrl-C gives up what waits for %s, and says what was waited for', async (_what, protection, says) => {
  await writeJob(protection, 200)
  const [command, file, ...rest] = args
  const job = startSluice([command!, file!, '--no-checkpoint', ...rest], { cwd: folder.path })
  await job.said(STANDS)
  job.process.kill('SIGINT')
  const { status, stderr } = await job.ended
  expect(stderr).toMatch(says)
  expect(stderr).toMatch(/hint +Raise stopTimeoutMs/)
  expect(status).toBe(1)
})
