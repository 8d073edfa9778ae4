/** The example of protected calls, run as a user runs it: every order that can be paid is, once, in spite of an outage. */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JobFolder } from '../support/run-sluice.js'

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
}, 60_000)
