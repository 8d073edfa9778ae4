import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JobLock } from '../../dist/checkpoint/job-lock.js'

const moduleUrl = new URL('../../dist/checkpoint/job-lock.js', import.meta.url).href
let folder: string
const children: ChildProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-lock-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) await kill(child)
  await rm(folder, { recursive: true, force: true })
})

/** Another process that tries to get the lock and says how that went; one that has it keeps it. */
function contender(): Promise<{ readonly child: ChildProcess; readonly answer: string }> {
  const script = `
    import { JobLock } from ${JSON.stringify(moduleUrl)}
    try {
      await JobLock.acquire(process.argv[1], 'job')
      console.log('mine')
      setInterval(() => {}, 1_000)
    } catch (error) {
      console.log(error.code)
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  return once(child.stdout, 'data').then(([data]) => ({ child, answer: String(data).trim() }))
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

test('holds off others, and tells who has it', async () => {
  const { child, answer } = await contender()
  expect(answer).toBe('mine')
  await expect(JobLock.acquire(folder, 'job')).rejects.toMatchObject({
    code: 'SLUICE_CHECKPOINT_LOCKED',
    message: expect.stringContaining(`process ${child.pid} `) as string,
  })
  const other = await JobLock.acquire(folder, 'another job')
  await other.release()
})

test('is held once within a process, and given back', async () => {
  const lock = await JobLock.acquire(folder, 'job')
  await expect(JobLock.acquire(folder, 'job')).rejects.toMatchObject({ code: 'SLUICE_CHECKPOINT_LOCKED' })
  await lock.release()
  const again = await JobLock.acquire(folder, 'job')
  await again.release()
  expect(await readdir(join(folder, 'job', '.locks'))).toEqual([])
})

test('is taken over from a process that was killed', async () => {
  const { child } = await contender()
  await kill(child)
  const lock = await JobLock.acquire(folder, 'job')
  expect(await readdir(join(folder, 'job', '.locks'))).toHaveLength(1)
  await lock.release()
})

test('goes to one at most of many that come at the same time', async () => {
  const { child } = await contender()
  await kill(child)
  const answers = await Promise.all(Array.from({ length: 4 }, contender))
  expect(answers.filter((one) => one.answer === 'mine').length).toBeLessThanOrEqual(1)
  expect(answers.every((one) => one.answer === 'mine' || one.answer === 'SLUICE_CHECKPOINT_LOCKED')).toBe(true)
})

test('of another machine counts until it has been silent for a minute', async () => {
  const lock = await JobLock.acquire(folder, 'job')
  await lock.release()
  const path = join(folder, 'job', '.locks', 'foreign.lock')
  await writeFile(path, JSON.stringify({ pid: 1, host: 'elsewhere', start: '', since: '2026-01-01T00:00:00.000Z' }))
  await expect(JobLock.acquire(folder, 'job')).rejects.toMatchObject({
    message: expect.stringContaining('process 1 on elsewhere') as string,
  })
  const silentSince = new Date(Date.now() - 61_000)
  await utimes(path, silentSince, silentSince)
  await (await JobLock.acquire(folder, 'job')).release()
})

test('of a number that another process has now does not count', async () => {
  const lock = await JobLock.acquire(folder, 'job')
  await lock.release()
  const owner = { pid: process.pid, host: hostname(), start: 'another boot/1', since: '' }
  await writeFile(join(folder, 'job', '.locks', 'former.lock'), JSON.stringify(owner))
  const outcome = await JobLock.acquire(folder, 'job').then(
    (taken) => taken.release().then(() => 'taken over'),
    (error: { readonly code: string }) => error.code,
  )
  expect(outcome).toBe(process.platform === 'linux' ? 'taken over' : 'SLUICE_CHECKPOINT_LOCKED')
})
