/** Where params come from, which one wins, and that secrets stay secret: through the real binary. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { paramsJob } from '../support/jobs.js'
import { JobFolder, parseLog, runSluice } from '../support/run-sluice.js'

let folder: JobFolder

beforeAll(async () => {
  folder = await JobFolder.create()
  await folder.write('job.ts', paramsJob)
  await folder.write('params.json', JSON.stringify({ input: 'from file', limit: 2, tags: ['file'] }))
  await folder.write('.env', 'SLUICE_PARAM_INPUT="from env file"\nSLUICE_PARAM_LIMIT=1\nSLUICE_PARAM_DRY=true\n')
})

afterAll(() => folder.remove())

async function given(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const { status, stdout, stderr } = await runSluice(['run', 'job.ts', '--workers', '1', ...args], { cwd: folder.path, env })
  expect(stderr).not.toContain('failed')
  expect(status).toBe(0)
  return JSON.parse(stdout)
}

const nothing = { limit: 10, dry: false, tags: [], tokenLength: 0 }

test('flags are coerced by the schema: numbers, booleans, lists, objects', async () => {
  const flags = ['input=1', 'limit=2.5', 'dry=true', 'tags=a', 'tags=b', 'point={"x":3}'].flatMap((flag) => ['--param', flag])
  expect(await given(flags)).toEqual({ input: '1', limit: 2.5, dry: true, tags: ['a', 'b'], point: { x: 3 }, tokenLength: 0 })
})

test('one value makes a list of one', async () => {
  expect(await given(['--param', 'input=x', '--param', 'tags=a'])).toEqual({ ...nothing, input: 'x', tags: ['a'] })
})

test('flags win over the file, the file over the environment, the environment over the env file, that over the defaults', async () => {
  const args = ['--env-file', '.env', '--params', 'params.json', '--param', 'limit=3']
  expect(await given(args)).toEqual({ ...nothing, input: 'from file', limit: 3, tags: ['file'], dry: true })
  expect(await given(['--env-file', '.env'], { SLUICE_PARAM_INPUT: 'from env' })).toEqual({
    ...nothing,
    input: 'from env',
    limit: 1,
    dry: true,
  })
})

test('a secret prints as *** in the log and in the plan', async () => {
  const args = ['job.ts', '--param', 'input=a', '--param', 'token=hunter22']
  const run = await runSluice(['run', ...args, '--log', 'json'], { cwd: folder.path })
  expect(run.status).toBe(0)
  expect(JSON.parse(run.stdout)).toMatchObject({ tokenLength: 8 })
  expect(run.stderr).not.toContain('hunter22')
  expect(parseLog(run.stderr).find((line) => line.event === 'job.planned')).toMatchObject({ params: { input: 'a', token: '***' } })
  const plan = await runSluice(['plan', ...args], { cwd: folder.path })
  expect(plan.status).toBe(0)
  expect(plan.stdout + plan.stderr).not.toContain('hunter22')
})
