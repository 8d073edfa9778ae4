/** Wrong usage and wrong jobs: nothing runs, the message says what and where, the status is 2. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { paramsJob, printJob } from '../support/jobs.js'
import { JobFolder } from '../support/run-sluice.js'

let folder: JobFolder

beforeAll(async () => {
  folder = await JobFolder.create()
})

afterAll(() => folder.remove())

const minimal = (body: string): string => `
import { defineJob, discard, fromArray, generate } from 'sluice'
export default defineJob({ name: 'minimal' }, (job) => {
${body}
})
`

interface BadJob {
  readonly name: string
  readonly text: string
  readonly code: string
  readonly says: readonly RegExp[]
}

const badJobs: readonly BadJob[] = [
  {
    name: 'does not parse',
    text: 'export default defineJob({ name: "x" }, (job) => {\n  job.source(\n',
    code: 'SLUICE_JOB_FILE_INVALID',
    says: [/job\.ts:[23]/],
  },
  {
    name: 'has no default export',
    text: 'export const job = 1\n',
    code: 'SLUICE_NO_DEFAULT_EXPORT',
    says: [/job\.ts has no default export/, /export default defineJob/],
  },
  {
    name: 'exports something else',
    text: 'export default { name: "not a job" }\n',
    code: 'SLUICE_NOT_A_JOB',
    says: [/Export what defineJob/],
  },
  {
    name: 'throws while it is imported',
    text: 'const settings: { port?: { value: number } } = {}\nexport default settings.port!.value\n',
    code: 'SLUICE_JOB_THREW',
    says: [/> 2 \| export default settings\.port!\.value/, /TypeError/],
  },
  {
    name: 'throws while it declares',
    text: minimal("  throw new Error('no luck')"),
    code: 'SLUICE_JOB_THREW',
    says: [/no luck/, /> 4 \|\s+throw new Error\('no luck'\)/],
  },
  {
    name: 'imports a package that is not there',
    text: "import 'no-such-package-anywhere'\nexport default 1\n",
    code: 'SLUICE_JOB_FILE_INVALID',
    says: [/no-such-package-anywhere/],
  },
  {
    name: 'gives two operators one name',
    text: minimal("  const a = job.source('a', fromArray([1]))\n  a.sink('out', discard())\n  a.sink('out', discard())"),
    code: 'SLUICE_DUPLICATE_NAME',
    says: [/out/, /job\.ts:6/],
  },
  { name: 'has no sink', text: minimal("  job.source('a', fromArray([1]))"), code: 'SLUICE_GRAPH_EMPTY', says: [/sink/] },
  {
    name: 'gives map an async function',
    text: minimal("  job.source('a', fromArray([1])).map((async (n: number) => n) as never).sink('out', discard())"),
    code: 'SLUICE_ASYNC_FUNCTION',
    says: [/mapAsync/, /job\.ts:4/],
  },
]

test.each(badJobs)('a job file that $name', async ({ text, code, says }) => {
  await folder.write('job.ts', text)
  const { status, stdout, stderr } = await folder.run('run', 'job.ts')
  expect(stderr).toContain(code)
  for (const pattern of says) expect(stderr).toMatch(pattern)
  expect(stderr).toMatch(/hint +\S/)
  expect(status).toBe(2)
  expect(stdout).toBe('')
})

test('plan says the same of a wrong job', async () => {
  await folder.write('job.ts', minimal("  throw new Error('no luck')"))
  const [run, plan] = await Promise.all([folder.run('run', 'job.ts'), folder.run('plan', 'job.ts')])
  expect(plan).toEqual(run)
})

test('a job file that is not there', async () => {
  const { status, stderr } = await folder.run('run', 'none.ts')
  expect(stderr).toMatch(/SLUICE_JOB_FILE_INVALID.*none\.ts does not exist/)
  expect(status).toBe(2)
})

test.each([
  [['rnu', 'job.ts'], /Did you mean run\?/],
  [['run', 'job.ts', '--memroy', '1gb'], /Did you mean --memory\?/],
  [['run', 'job.ts', '--report', 'soon'], /SLUICE_DURATION_INVALID.*--report is "soon"/],
  [['run', 'job.ts', '--memory', 'much'], /SLUICE_OPTIONS_INVALID.*--memory is "much"/],
  [['run', 'job.ts', '--param', 'records'], /SLUICE_USAGE.*name=value/],
  [['run', 'job.ts', '--params', 'none.json'], /SLUICE_USAGE.*none\.json/],
])('wrong usage: %j', async (args, says) => {
  await folder.write('job.ts', printJob)
  const { status, stdout, stderr } = await folder.run(...args)
  expect(stderr).toMatch(says)
  expect(status).toBe(2)
  expect(stdout).toBe('')
})

test('as JSON a wrong job is one line, with the file where the job has no name yet', async () => {
  await folder.write('job.ts', 'export const job = 1\n')
  const { status, stderr } = await folder.run('run', 'job.ts', '--log', 'json')
  expect(JSON.parse(stderr)).toMatchObject({
    level: 'error',
    event: 'job.failed',
    job: 'job.ts',
    code: 'SLUICE_NO_DEFAULT_EXPORT',
    durationMs: 0,
  })
  expect(status).toBe(2)
})

test.each([
  ['missing', [], /param input: missing, string: the file to read/],
  ['unknown', ['input=a', 'limt=3'], /param limt: unknown \(did you mean limit\?\)[\s\S]*params takes input \(string, required\)/],
  ['of the wrong type', ['input=a', 'limit=many'], /limit/],
  ['a boolean that is none', ['input=a', 'dry=perhaps'], /dry/],
])('a param that is %s', async (_name, params, says) => {
  await folder.write('job.ts', paramsJob)
  const { status, stdout, stderr } = await folder.run('run', 'job.ts', ...params.flatMap((param) => ['--param', param]))
  expect(stderr).toContain('SLUICE_PARAMS_INVALID')
  expect(stderr).toMatch(says)
  expect(status).toBe(2)
  expect(stdout).toBe('')
})

test('a secret that is wrong does not show', async () => {
  await folder.write('job.ts', paramsJob.replace('token: z.string()', 'token: z.string().regex(/^k-/)'))
  const { status, stderr } = await folder.run('run', 'job.ts', '--param', 'input=a', '--param', 'token=hunter22')
  expect(stderr).toContain('SLUICE_PARAMS_INVALID')
  expect(stderr).toContain('token')
  expect(stderr).not.toContain('hunter22')
  expect(status).toBe(2)
})
