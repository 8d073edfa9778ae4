/** Losses of real jobs: what the log says of them adds up to what was lost, however the job ends. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { JobFolder, type LogLine, parseLog } from '../support/run-sluice.js'

let folder: JobFolder

/** Every id comes four times; the rate lets some reports come in between. */
const repeats = (then: string): string => `
import { defineJob, discard, generate } from 'sluice'
export default defineJob({ name: 'repeats' }, (job) => {
  job
    .source('ids', generate((index) => ({ id: Math.floor(index / 4) }), { count: 4_000, rate: 20_000 }))
    .keyBy((record) => record.id)
    .dedupe('once')
    .map((record) => { ${then}; return record }, { name: 'after' })
    .sink('out', discard())
})
`

beforeAll(async () => {
  folder = await JobFolder.create()
  await folder.write('ends.ts', repeats(''))
  await folder.write('fails.ts', repeats("if (record.id === 700) throw new Error('enough')"))
  await folder.write('dies.ts', repeats('if (record.id === 700) process.exit(3)'))
})

afterAll(() => folder.remove())

const dropped = (lines: readonly LogLine[]) => lines.filter(({ event }) => event === 'records.dropped')
const sum = (lines: readonly LogLine[]): number => lines.reduce((total, line) => total + (line['count'] as number), 0)

test.each([
  ['ends', 0, 3_000],
  ['fails', 1, 2_100],
  ['dies', 1, 2_100],
])('a job that %s: the lines add up to every loss', async (name, status, losses) => {
  const run = await folder.run('run', `${name}.ts`, '--log', 'json', '--report', '20ms', '--workers', '1', '--parallelism', '1')
  expect(run.status).toBe(status)
  const lines = parseLog(run.stderr)
  expect(sum(dropped(lines))).toBe(losses)
  const last = dropped(lines).at(-1)!
  expect(last).toMatchObject({ operator: 'once', reason: 'duplicate', edge: 'ids -> once', total: losses })
  const end = lines.at(-1)!
  if (status === 0)
    expect(end).toMatchObject({
      event: 'job.finished',
      dropped: [{ operator: 'once', reason: 'duplicate', edge: 'ids -> once', total: losses }],
    })
  else expect(end.event).toBe('job.failed')
})

test('the summary has a table of them', async () => {
  const run = await folder.run('run', 'ends.ts')
  expect(run.stderr).toMatch(/losses +reason +records +edge\nonce +duplicate +3,000 +ids -> once\n/)
})
