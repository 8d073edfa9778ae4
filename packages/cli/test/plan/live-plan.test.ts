/** `sluice plan --live`: what it draws, and what it says where it cannot. */
import { createServer } from 'node:net'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeColours } from '../../src/format/colours.js'
import { describePressure } from '../../src/plan/describe-pressure.js'
import { formatHeldTable } from '../../src/report/pressure-tables.js'
import { slowJob } from '../support/jobs.js'
import { pressureOf } from '../support/reports.js'
import { type Ended, JobFolder, runSluice, type Started, startSluice } from '../support/run-sluice.js'

const plain = makeColours(false)
const live = (blockedMs: number) => ({ job: 'flights', pid: 7, state: 'running', attempt: 1, pressure: pressureOf(blockedMs) }) as const
const escape = String.fromCharCode(27)

test('text has every edge and operator, and marks the way to the bottleneck', () => {
  const text = describePressure(live(714), 'text', plain)
  expect(text).toMatch(/^flights \(process 7, running, attempt 1\), the last 1 s$/m)
  expect(text).toMatch(/^\* {2}flights -> sum +hash, 4 channels +1\.2 M rec\/s +97\.7 KiB +100 % +\S+ \S+ +HIGH +71 % +sum$/m)
  expect(text).toMatch(/^ {3}sum -> out +rebalance, 2 channels .* OK +0 % +-$/m)
  expect(text).toMatch(/^\* {2}flights +1 +2 +29 % +71 %$/m)
  expect(text).toMatch(/^flights waited 71 % of the time: for sum 71 %$/m)
  expect(describePressure(live(0), 'text', plain)).toMatch(/^nobody is held back$/m)
  expect(text).not.toContain(escape)
  expect(describePressure(live(714), 'text', makeColours(true))).toContain(escape)
})

test('drawings and JSON carry the same', () => {
  const mermaid = describePressure(live(714), 'mermaid', plain)
  expect(mermaid).toContain('n0(["flights<br/>busy 29 %"])')
  expect(mermaid).toContain('n0 -->|"1.2 M rec/s<br/>100 % of 97.7 KiB<br/>HIGH, held 71 %"| n1')
  expect(mermaid).toContain('linkStyle 0 stroke')
  const dot = describePressure(live(714), 'dot', plain)
  expect(dot).toContain('n0 -> n1 [label="1.2 M rec/s\\n100 % of 97.7 KiB\\nHIGH, held 71 %", color=red, penwidth=2]')
  expect(JSON.parse(describePressure(live(714), 'json', plain))).toEqual(live(714))
  expect(describePressure(live(714), 'json', plain, true)).not.toContain('\n')
})

test('the summary leaves edges out that held nobody for more than a hundredth of the time', () => {
  expect(formatHeldTable(pressureOf(714), plain)).toMatch(
    /^who held whom +held +time +longest stall +because of\nflights -> sum +71 % +714 ms +12 ms +sum\nflights waited 71 % of the time: for sum 71 %$/,
  )
  expect(formatHeldTable(pressureOf(9), plain)).toBeUndefined()
})

let folder: JobFolder
let env: Record<string, string>
let running: Started
const plan = (...args: string[]): Promise<Ended> => runSluice(['plan', '--live', ...args], { cwd: folder.path, env })

beforeAll(async () => {
  folder = await JobFolder.create()
  // Jobs of other tests run beside these.
  env = { XDG_RUNTIME_DIR: folder.path }
  await folder.write('slow.ts', slowJob)
  running = startSluice(['run', 'slow.ts', '--workers', '1', '--report', '100ms'], { cwd: folder.path, env })
  await running.said(/slow \(subtask 0\) is the bottleneck/)
})

afterAll(async () => {
  running.process.kill('SIGKILL')
  await running.ended
  await folder.remove()
})

test('a running job is drawn, by name, by file and by process', async () => {
  const named = await plan('slow', '--report', '300ms')
  expect(named).toMatchObject({ status: 0, stderr: '' })
  expect(named.stdout).toMatch(/^\* {2}sum -> slow +.* HIGH .* slow \(calls\)$/m)
  expect(named.stdout).toMatch(/^numbers waited \d+ % of the time: for slow \(calls\) \d+ %/m)
  const byFile = await plan('slow.ts', '--report', '100ms', '--format', 'json')
  const { job, pressure } = JSON.parse(byFile.stdout) as ReturnType<typeof live>
  expect([job as string, pressure.bottleneck?.operator]).toEqual(['slow', 'slow'])
  expect((await plan(String(running.process.pid), '--format', 'dot', '--report', '50ms')).stdout).toMatch(/^digraph "slow" \{/)
})

test('it says what is wrong', async () => {
  expect(await plan('fast')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/SLUICE_JOB_NOT_RUNNING.*fast.*running are slow/) as string,
  })
  expect(await plan('slow', '--report', '2h')).toMatchObject({ status: 2, stderr: expect.stringContaining('1 ms to 60 s') as string })
  expect((await plan('slow', '--against', 'latest')).status).toBe(2)
  const withoutLive = await runSluice(['plan', 'slow.ts', '--watch'], { cwd: folder.path, env })
  expect(withoutLive).toMatchObject({ status: 2, stderr: expect.stringContaining('Add --live') as string })
})

test('a job of an older version is told apart from one that is gone', async () => {
  const old = join(folder.path, 'sluice-jobs')
  await mkdir(old, { recursive: true })
  const server = createServer((socket) => {
    socket.setEncoding('utf8').once('data', (line: string) => {
      const { command } = JSON.parse(line) as { readonly command: string }
      const status = { job: 'old', pid: process.pid, file: '/old.ts', startedAt: new Date().toISOString(), state: 'running', attempt: 1 }
      const error = { code: 'SLUICE_USAGE', message: `a running job knows no command "${command}"`, hint: '' }
      socket.end(`${JSON.stringify(command === 'status' ? { ok: true, value: status } : { ok: false, error })}\n`)
    })
  })
  await new Promise<void>((resolve) => server.listen(join(old, `old-${process.pid}.sock`), resolve))
  try {
    expect(await plan('old')).toMatchObject({ status: 2, stderr: expect.stringContaining('older version of Sluice') as string })
    expect((await runSluice(['status', 'old'], { cwd: folder.path, env })).stdout).toMatch(/old +\d+ +running .* 1 +- +takes none/)
  } finally {
    server.close()
  }
})

test('--watch goes on until the job ends', async () => {
  const watching = startSluice(['plan', '--live', 'slow', '--watch', '--report', '50ms', '--format', 'json'], { cwd: folder.path, env })
  const shown = new Promise<void>((resolve) => {
    let lines = 0
    watching.process.stdout?.on('data', (text: string) => {
      lines += text.split('\n').length - 1
      if (lines >= 3) resolve()
    })
  })
  await shown
  running.process.kill('SIGINT')
  const { status, stdout } = await watching.ended
  expect(status).toBe(0)
  for (const line of stdout.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ job: 'slow' })
  expect((await running.ended).stderr).toMatch(/who held whom .*\n.*slow \(calls\)\n/)
})
