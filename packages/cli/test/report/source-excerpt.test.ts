import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { excerptSource, findUserFrame, formatLocation, parseLocation } from '../../src/report/source-excerpt.js'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-excerpt-'))
  await writeFile(join(folder, 'job.ts'), ['const a = 1', '\tstream.map((r) => r.a.b)', 'const c = 3', ''].join('\n'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

test('a location is read from paths, URLs and Windows paths', () => {
  expect(parseLocation('/a/b.ts:3:14')).toEqual({ file: '/a/b.ts', line: 3, column: 14 })
  expect(parseLocation('file:///a/b%20c.ts:3:14')).toEqual({ file: '/a/b c.ts', line: 3, column: 14 })
  expect(parseLocation('C:\\a\\b.ts:3:14')).toEqual({ file: 'C:\\a\\b.ts', line: 3, column: 14 })
  expect(parseLocation('/a/b.ts:3')).toEqual({ file: '/a/b.ts', line: 3, column: 1 })
  expect(parseLocation('no place')).toBeUndefined()
})

test('the user frame is the first one that is not of Node, a dependency, generated code or Sluice', () => {
  const stack = [
    'TypeError: x',
    '    at Array.map (<anonymous>)',
    '    at eval (eval at compile (/sluice/packages/engine/dist/a.js:1:1), <anonymous>:3:5)',
    '    at driver (file:///sluice/packages/engine/dist/driver.js:10:5)',
    '    at node:internal/process/task_queues:95:5',
    '    at parse (/home/me/node_modules/csv-parse/index.js:1:2)',
    '    at async file:///home/me/job.ts:12:31',
    '    at Object.fn (/home/me/other.ts:1:1)',
  ].join('\n')
  expect(findUserFrame(stack, (file) => file.startsWith('/sluice/'))).toEqual({ file: '/home/me/job.ts', line: 12, column: 31 })
  expect(findUserFrame(undefined)).toBeUndefined()
})

test('a frame of this checkout is not taken for a line of the user', () => {
  const engine = import.meta.resolve('@sluice/engine')
  expect(findUserFrame(`Error: x\n    at fail (${engine}:1:1)\n    at /home/me/job.ts:2:3`)).toEqual({
    file: '/home/me/job.ts',
    line: 2,
    column: 3,
  })
})

test('the excerpt shows the line with its neighbours and a caret below the column, tabs kept', () => {
  expect(excerptSource({ file: 'job.ts', line: 2, column: 21 }, folder)).toEqual([
    '  1 | const a = 1',
    '> 2 | \tstream.map((r) => r.a.b)',
    `    | \t${' '.repeat(19)}^`,
    '  3 | const c = 3',
  ])
})

test('no excerpt where the file or the line is not there', () => {
  expect(excerptSource({ file: 'none.ts', line: 1, column: 1 }, folder)).toBeUndefined()
  expect(excerptSource({ file: 'job.ts', line: 99, column: 1 }, folder)).toBeUndefined()
})

test('a location is shown relative to the working directory where that is inside', () => {
  expect(formatLocation({ file: join(folder, 'job.ts'), line: 1, column: 2 }, folder)).toBe('job.ts:1:2')
  expect(formatLocation({ file: '/elsewhere/job.ts', line: 1, column: 2 }, folder)).toBe('/elsewhere/job.ts:1:2')
})
