/** Running jobs through the real binary: data and log apart, exit status, stop, failures. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { printJob, slowJob, throwingJob } from '../support/jobs.js'
import { JobFolder, runSluice, startSluice } from '../support/run-sluice.js'

let folder: JobFolder

beforeAll(async () => {
  folder = await JobFolder.create()
  await folder.write('numbers.ts', printJob)
  await folder.write('slow.ts', slowJob)
  await folder.write('throwing.ts', throwingJob)
})

afterAll(() => folder.remove())

test('a finished job: data on stdout, the log and the tables on stderr, status 0', async () => {
  const { status, stdout, stderr } = await folder.run('run', 'numbers.ts', '--param', 'records=5')
  expect(status).toBe(0)
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { readonly id: number }).id)
      .toSorted((left, right) => left - right),
  ).toEqual([0, 1, 2, 3, 4])
  expect(stderr).toMatch(/planned .*\n[\s\S]*started .*\n[\s\S]*finished +5 records in, 5 records out in /)
  expect(stderr).toMatch(/\noperators .*busy/)
  expect(stderr).toMatch(/ids/)
})

test('a pipe gets no colour unless it is forced; --no-color wins', async () => {
  const escape = String.fromCharCode(27)
  expect((await folder.run('run', 'numbers.ts')).stderr).not.toContain(escape)
  const forced = { cwd: folder.path, env: { FORCE_COLOR: '1' } }
  expect((await runSluice(['run', 'numbers.ts'], forced)).stderr).toContain(escape)
  expect((await runSluice(['run', 'numbers.ts', '--no-color'], forced)).stderr).not.toContain(escape)
})

test('--quiet in a pipe says nothing where nothing is wrong', async () => {
  const { status, stdout, stderr } = await folder.run('run', 'numbers.ts', '--quiet')
  expect(status).toBe(0)
  expect(stdout.split('\n')).toHaveLength(4)
  expect(stderr).toBe('')
})

test('--quiet still says what failed', async () => {
  const { status, stderr } = await folder.run('run', 'throwing.ts', '--quiet')
  expect(status).toBe(1)
  expect(stderr).toContain('SLUICE_OPERATOR_FAILED')
  expect(stderr).not.toContain('planned')
})

test('a function that throws on a record: operator, subtask and the line of the user, status 1', async () => {
  const { status, stderr } = await folder.run('run', 'throwing.ts', '--parallelism', '2')
  expect(status).toBe(1)
  expect(stderr).toContain('SLUICE_OPERATOR_FAILED')
  expect(stderr).toMatch(/operator names, subtask [01]/)
  expect(stderr).toMatch(/at +throwing\.ts:4:\d+/)
  expect(stderr).toMatch(/> 4 \| {3}return record\.id === 2000 \? record\.customer!\.name : 'fine'/)
  expect(stderr).toMatch(/declared +throwing\.ts:10:\d+/)
  expect(stderr).toMatch(/cause +TypeError: Cannot read properties of undefined/)
  expect(stderr).toMatch(/hint +\S/)
})

test('output that exists is refused with the way on, and --overwrite is that way', async () => {
  await folder.write('file.ts', printJob.replace('print', 'toJsonLines').replace('print()', "toJsonLines('out/ids.jsonl')"))
  await folder.write('out/ids.jsonl', 'precious\n')
  const refused = await folder.run('run', 'file.ts')
  expect(refused.stderr).toContain('SLUICE_OUTPUT_EXISTS')
  expect(refused.stderr).toContain('ids.jsonl')
  expect(refused.stderr).toMatch(/hint.*--overwrite/)
  expect(refused.status).toBe(1)
  expect(await readFile(join(folder.path, 'out/ids.jsonl'), 'utf8')).toBe('precious\n')
  expect((await folder.run('run', 'file.ts', '--overwrite')).status).toBe(0)
  expect((await readFile(join(folder.path, 'out/ids.jsonl'), 'utf8')).trim().split('\n')).toHaveLength(3)
})

test('Ctrl-C stops cleanly: it says so, what is in flight flows out, status 130', async () => {
  const job = startSluice(['run', 'slow.ts', '--parallelism', '2'], { cwd: folder.path })
  await job.said(/started/)
  job.process.kill('SIGINT')
  const { status, stderr } = await job.ended
  expect(stderr).toMatch(/stopping +SIGINT: sources stop, what is in flight flows out within \d+ s; once more exits now/)
  expect(stderr).toMatch(/finished +stopped: [\d,]+ records in/)
  expect(status).toBe(130)
})

test('a reader that leaves, as head does, stops the job without a complaint', async () => {
  const job = startSluice(['run', 'numbers.ts', '--param', 'records=1000000000'], { cwd: folder.path })
  job.process.stdout?.once('data', () => job.process.stdout?.destroy())
  const { status, stderr } = await job.ended
  expect(stderr).toMatch(/stopping +nobody reads the output any more/)
  expect(stderr).not.toMatch(/failed|SLUICE_/)
  expect(status).toBe(141)
})

test('Ctrl-C ends a job whose function never returns, after the time limit, and says which one it was', async () => {
  const spins = slowJob
    .replace('ringBytes: 4096', 'stuckAfterMs: 100, stopTimeoutMs: 200')
    .replace('.keyBy(', ".map((record) => { for (;;); return record }, { name: 'spin' })\n    .keyBy(")
  await folder.write('spin.ts', spins)
  const job = startSluice(['run', 'spin.ts'], { cwd: folder.path })
  await job.said(/stuck +.*spin.* has been inside one call/)
  job.process.kill('SIGINT')
  const { status, stderr } = await job.ended
  expect(stderr).toMatch(/SLUICE_INTERRUPTED.* did not flow out within 200 ms .*spin.*had not returned/)
  expect(status).toBe(1)
})

/** Before a job whose functions say that they were called. */
const SAYS = "import { writeSync } from 'node:fs'\n"
const INSIDE = 'writeSync(2, "inside\\n")'

test.each([
  [
    'a call that never settles',
    `forEach(() => { ${INSIDE}; return new Promise<void>(() => {}) })`,
    '',
    /: slow \(subtask \d\) waited for an asynchronous call/,
  ],
  [
    'a generator that never ends',
    'discard()',
    `.flatMap(function* () { ${INSIDE}; for (;;) yield { key: 1 } })`,
    /\(subtask \d\) had more to give/,
  ],
])('Ctrl-C ends %s after the time limit, and says whose it was', async (_what, sink, operator, says) => {
  const text = `${SAYS}${slowJob}`
    .replace('ringBytes: 4096', 'stopTimeoutMs: 200')
    .replace('defineJob, forEach', 'defineJob, discard, forEach')
    .replace(/\n {4}\.keyBy[\s\S]*\)\)/, `${operator}.rebalance().sink('slow', ${sink})`)
  await folder.write('endless.ts', text)
  const job = startSluice(['run', 'endless.ts', '--parallelism', '2'], { cwd: folder.path })
  await job.said(/inside/)
  job.process.kill('SIGINT')
  const { status, stderr } = await job.ended
  expect(stderr).toMatch(/SLUICE_INTERRUPTED.* did not flow out within 200 ms/)
  expect(stderr).toMatch(says)
  expect(status).toBe(1)
})

test('Ctrl-C ends the loading of a job file that loops for ever', async () => {
  await folder.write('loop.ts', "import { writeSync } from 'node:fs'\nwriteSync(2, 'looping')\nfor (;;) {}\nexport default 1\n")
  const job = startSluice(['run', 'loop.ts'], { cwd: folder.path })
  await job.said(/looping/)
  job.process.kill('SIGINT')
  await job.ended
  expect(job.process.signalCode).toBe('SIGINT')
})

test('a second Ctrl-C exits at once, even where a function of the job never returns', async () => {
  const stuck = slowJob.replace('concurrency: 1', 'concurrency: 1, timeout: "1h"').replace('setTimeout(resolve, 1)', `{ ${INSIDE} }`)
  await folder.write('stuck.ts', `${SAYS}${stuck}`)
  const job = startSluice(['run', 'stuck.ts'], { cwd: folder.path })
  await job.said(/inside/)
  // Somebody leans on the keys: the process ends long before the time limit of a clean stop.
  const pressing = setInterval(() => job.process.kill('SIGINT'), 50)
  const { status, stderr } = await job.ended.finally(() => clearInterval(pressing))
  expect(stderr).toMatch(/stopping/)
  expect(stderr).not.toMatch(/finished/)
  expect(status).toBe(130)
})
