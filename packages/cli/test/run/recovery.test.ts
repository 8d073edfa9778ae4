/** The real binary, killed, stopped and started again: the file that it writes is that of an undisturbed run. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { JobFolder, parseLog, runSluice, startSluice } from '../support/run-sluice.js'

const RECORDS = 8_000
const JOB = `
import { defineJob, generate, toJsonLines } from 'sluice'
import { existsSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

const params = z.object({ records: z.number().default(${RECORDS}), rate: z.number().default(4_000), harm: z.boolean().default(false) })
export default defineJob({ name: 'totals', params, checkpoint: { interval: '100ms', directory: 'state' } }, (job, { records, rate, harm }) => {
  job
    .source('numbers', generate((index) => ({ key: index % 7, value: index }), { count: records, rate }), { parallelism: 1 })
    .map((record) => {
      if (harm && record.value === 3_000 && !existsSync('harmed')) {
        writeFileSync('harmed', '')
        throw new Error('once')
      }
      return record
    }, { name: 'harmed', parallelism: 1 })
    .keyBy((record) => record.key)
    .reduce('sum', (left, right) => ({ key: left.key, value: left.value + right.value }))
    .sink('file', toJsonLines('out.jsonl'))
})
`

/** A process that is to be killed or stopped must not have come to its end before, however slow the disk. */
const UNHURRIED = ['--param', 'rate=400']

let folder: JobFolder
let env: Readonly<Record<string, string>>

beforeEach(async () => {
  folder = await JobFolder.create()
  await folder.write('job.ts', JOB)
  // Sockets of this test alone.
  env = { XDG_RUNTIME_DIR: folder.path }
})
afterEach(() => folder.remove())

const sluice = (...args: string[]): ReturnType<typeof runSluice> => runSluice(args, { cwd: folder.path, env })
const start = (...args: string[]): ReturnType<typeof startSluice> => startSluice(args, { cwd: folder.path, env })

/** Every record once, and by key in order. */
async function expectExactly(): Promise<void> {
  const lines = (await readFile(join(folder.path, 'out.jsonl'), 'utf8')).trim().split('\n')
  const next = Array.from({ length: 7 }, (_, key) => ({ value: key, sum: key, count: 0 }))
  const wrong: string[] = []
  for (const line of lines) {
    const { key, value } = JSON.parse(line) as { key: number; value: number }
    const expected = next[key]
    if (expected === undefined || expected.sum !== value) wrong.push(line)
    else next[key] = { value: expected.value + 7, sum: expected.sum + expected.value + 7, count: expected.count + 1 }
  }
  expect(wrong.slice(0, 3)).toEqual([])
  expect(lines).toHaveLength(RECORDS)
}

describe('recovery', () => {
  test('a process that is killed again and again loses and doubles nothing', async () => {
    let restore: string[] = []
    for (let kill = 0; kill < 2; kill++) {
      const started = start('run', 'job.ts', '--workers', '2', ...UNHURRIED, ...restore)
      await started.said(/checkpoint {2}\d+ aligned[^]*checkpoint {2}\d+ aligned/)
      started.process.kill('SIGKILL')
      await started.ended
      restore = ['--restore', 'latest']
    }
    const { status, stderr } = await sluice('run', 'job.ts', '--workers', '1', '--parallelism', '3', ...restore)
    expect(stderr).toMatch(/restored {4}goes on from checkpoint \d+/)
    expect(status).toBe(0)
    await expectExactly()
  })

  test('a job that fails once goes on by itself; its log says so', async () => {
    const { status, stderr } = await sluice(
      'run',
      'job.ts',
      '--workers',
      '2',
      '--param',
      'harm=true',
      '--log',
      'json',
      '--restart',
      'fixed:3:10',
    )
    expect(status).toBe(0)
    const events = parseLog(stderr)
    expect(events.find(({ event }) => event === 'job.restarting')).toMatchObject({
      level: 'warn',
      attempt: 2,
      code: 'SLUICE_OPERATOR_FAILED',
    })
    expect(events.filter(({ event }) => event === 'job.started')).toMatchObject([{ attempt: 1 }, { attempt: 2 }])
    expect(events.findLast(({ event }) => event === 'checkpoint.completed')).toMatchObject({ purpose: 'final', final: 'finished' })
    expect(events.at(-1)).toMatchObject({ event: 'job.finished', restarts: 1 })
    await expectExactly()
  })

  test('Ctrl-C takes a last checkpoint; a fresh start over it is refused; a restore finishes', async () => {
    const started = start('run', 'job.ts', '--workers', '2', ...UNHURRIED)
    await started.said(/checkpoint {2}\d+ aligned/)
    started.process.kill('SIGINT')
    const stopped = await started.ended
    expect(stopped.status).toBe(130)
    expect(stopped.stderr).toMatch(/checkpoint {2}\d+ \(the last one: stopped\)/)
    const fresh = await sluice('run', 'job.ts', '--workers', '2')
    expect(fresh.status).toBe(1)
    expect(fresh.stderr).toMatch(/SLUICE_CHECKPOINT_EXISTS[^]*--restore latest[^]*--overwrite/)
    expect((await sluice('run', 'job.ts', '--workers', '2', '--restore', 'latest')).status).toBe(0)
    await expectExactly()
  })

  // A dozen processes, one behind the other.
  test('a running job is asked for a savepoint and stopped; what it left is listed, verified, read and compared', {
    timeout: 120_000,
  }, async () => {
    const started = start('run', 'job.ts', '--workers', '2', '--param', 'rate=300')
    await started.said(/checkpoint {2}\d+ aligned/)
    expect((await sluice('status')).stdout).toMatch(/totals +\d+ +running/)
    const savepoint = await sluice('savepoint', 'totals', '--dir', 'kept')
    expect(savepoint).toMatchObject({ status: 0, stdout: `${join(folder.path, 'kept')}\n` })
    const other = await sluice('stop', 'orders')
    expect(other).toMatchObject({ status: 1 })
    expect(other.stderr).toMatch(/SLUICE_JOB_NOT_RUNNING {2}no running job answers to orders: running are totals \(process \d+\)/)
    const stop = await sluice('stop', 'job.ts', '--savepoint', '--name', 'last')
    expect(stop).toMatchObject({ status: 0, stdout: `${join(folder.path, 'state/totals/savepoints/last')}\n` })
    expect((await started.ended).status).toBe(0)
    expect((await sluice('status')).stdout).toBe('no job runs\n')

    expect((await sluice('checkpoints', 'list', '--dir', 'state')).stdout).toMatch(/totals +\d+ +savepoint, stopped/)
    expect((await sluice('checkpoints', 'show', 'kept')).stdout).toMatch(/what {4}savepoint \d+, aligned/)
    expect(await sluice('checkpoints', 'verify', '--dir', 'state')).toMatchObject({ status: 0 })
    const read = await sluice('checkpoints', 'read', 'latest', '--dir', 'state', '--operator', 'sum')
    const rows = read.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly key?: unknown; readonly section?: string })
    expect(
      rows
        .filter(({ section }) => section === undefined)
        .map(({ key }) => key)
        .toSorted((a, b) => Number(a) - Number(b)),
    ).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect((await sluice('checkpoints', 'diff', 'kept', 'latest', '--dir', 'state')).stdout).toMatch(/"change":"changed"/)

    await folder.write('renamed.ts', JOB.replace("reduce('sum'", "reduce('total'"))
    const renamed = await sluice('plan', 'renamed.ts', '--against', 'latest')
    expect(renamed.status).toBe(1)
    expect(renamed.stdout).toMatch(/dropped +sum[^]*a restore fails: [^]*--drop-state sum/)
    expect((await sluice('plan', 'renamed.ts', '--against', 'latest', '--drop-state', 'sum')).status).toBe(0)
    expect(await sluice('plan', 'job.ts', '--against', 'latest')).toMatchObject({ status: 0 })
    const refused = await sluice('run', 'renamed.ts', '--workers', '1', '--restore', 'latest')
    expect(refused.stderr).toMatch(/SLUICE_CHECKPOINT_INCOMPATIBLE/)
    const rest = await sluice('run', 'job.ts', '--workers', '2', '--restore', 'latest')
    expect(rest.stderr).toContain('param rate was 300 and is 4000')
    expect(rest.status).toBe(0)
    await expectExactly()
  })
})
