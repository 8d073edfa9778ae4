/** `sluice plan` through the real binary. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { slowJob } from '../support/jobs.js'
import { JobFolder } from '../support/run-sluice.js'

let folder: JobFolder

beforeAll(async () => {
  folder = await JobFolder.create()
  await folder.write('slow.ts', slowJob)
})

afterAll(() => folder.remove())

test.each([
  ['text', /numbers[\s\S]*sum[\s\S]*slow/],
  ['mermaid', /^(flowchart|graph) /],
  ['dot', /^digraph /],
])('--format %s prints the plan to stdout and runs nothing', async (format, pattern) => {
  const { status, stdout, stderr } = await folder.run('plan', 'slow.ts', '--format', format, '--parallelism', '2', '--workers', '2')
  expect(stderr).toBe('')
  expect(stdout).toMatch(pattern)
  expect(stdout).toMatch(/\n$/)
  expect(status).toBe(0)
})

test('--format json is JSON and follows --parallelism', async () => {
  const of = async (parallelism: string): Promise<string> => {
    const { status, stdout } = await folder.run('plan', 'slow.ts', '--format', 'json', '--parallelism', parallelism, '--workers', '2')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toEqual(expect.any(Object))
    return stdout
  }
  expect(await of('1')).not.toBe(await of('2'))
})
