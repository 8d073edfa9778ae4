import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ErrorCode, SluiceError, type SluiceErrorOptions } from '@sluice/engine'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeColours } from '../../src/format/colours.js'
import { formatErrorBlock } from '../../src/report/error-block.js'
import { failureFields, readErrorFacts, toSluiceError } from '../../src/report/error-facts.js'

let folder: string
let job: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-block-'))
  job = join(folder, 'job.ts')
  await writeFile(job, 'job.source("orders")\n  .map((order) => order.customer.name)\n  .sink("out")\n')
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** As if it came out of the engine: no frame of its stack is in a file of the user. */
function raised(code: ErrorCode, message: string, options: SluiceErrorOptions = {}): SluiceError {
  return Object.assign(new SluiceError(code, message, options), { stack: `SluiceError: ${message}\n    at node:internal/x:1:1` })
}

function failure(): SluiceError {
  const cause = new TypeError("Cannot read properties of undefined (reading 'name')")
  cause.stack = `TypeError: ${cause.message}\n    at map (file://${job}:2:37)\n    at node:internal/x:1:1`
  return raised('SLUICE_OPERATOR_FAILED', `the function of map threw: ${cause.message}`, {
    operator: 'map',
    subtask: 1,
    declaredAt: `${job}:2:4`,
    position: 'orders.csv line 12',
    cause,
  })
}

test('the block says what, where, the line of the user, why and what to do', () => {
  const block = formatErrorBlock(readErrorFacts(failure()), makeColours(false), folder)
  expect(block.split('\n')).toEqual([
    "SLUICE_OPERATOR_FAILED  the function of map threw: Cannot read properties of undefined (reading 'name')",
    '',
    '  operator map, subtask 1',
    '  input    orders.csv line 12',
    '  at       job.ts:2:37',
    '',
    '    1 | job.source("orders")',
    '  > 2 |   .map((order) => order.customer.name)',
    `      | ${' '.repeat(36)}^`,
    '    3 |   .sink("out")',
    '',
    '  declared job.ts:2:4',
    "  cause    TypeError: Cannot read properties of undefined (reading 'name')  at job.ts:2:37",
    '  hint     Repair the function at the line shown.',
    '',
  ])
})

test('without a stack of the user, the declaration is the place', () => {
  const error = raised('SLUICE_DUPLICATE_NAME', 'two operators are called map', { declaredAt: `${job}:2:4` })
  const block = formatErrorBlock(readErrorFacts(error), makeColours(false), folder)
  expect(block).toContain('  at       job.ts:2:4\n')
  expect(block).not.toContain('declared')
})

test('a place that the message ends with is not said twice', () => {
  const error = raised('SLUICE_JOB_THREW', `job.ts threw: Error: no (at ${job}:2:4)`, { declaredAt: `${job}:2:4` })
  expect(formatErrorBlock(readErrorFacts(error), makeColours(false), folder).split('\n')[0]).toBe(
    'SLUICE_JOB_THREW  job.ts threw: Error: no',
  )
})

test('control characters in messages are made visible', () => {
  const error = raised('SLUICE_INPUT_MALFORMED', `bad ${String.fromCharCode(27)}[2J`)
  expect(formatErrorBlock(readErrorFacts(error), makeColours(true), folder)).toContain('bad \\x1b[2J')
})

test('the fields of job.failed carry the same', () => {
  expect(failureFields(readErrorFacts(failure()), 12, folder)).toEqual({
    durationMs: 12,
    code: 'SLUICE_OPERATOR_FAILED',
    hint: 'Repair the function at the line shown.',
    operator: 'map',
    subtask: 1,
    position: 'orders.csv line 12',
    source: 'job.ts:2:37',
    declaredAt: `${job}:2:4`,
    error: {
      name: 'SluiceError',
      code: 'SLUICE_OPERATOR_FAILED',
      message: expect.stringContaining('the function of map threw') as string,
      stack: expect.any(String) as string,
      cause: { name: 'TypeError', message: expect.any(String) as string, stack: expect.any(String) as string },
    },
  })
})

test('what has no code is reported as a defect, with its stack; an error of another copy keeps its code', () => {
  expect(toSluiceError(new RangeError('x'))).toMatchObject({ code: 'SLUICE_ASSERTION', message: 'x' })
  expect(toSluiceError('text')).toMatchObject({ code: 'SLUICE_ASSERTION', message: 'thrown value: text' })
  expect(formatErrorBlock(readErrorFacts(new RangeError('x')), makeColours(false), folder)).toContain('RangeError: x\n')
  const foreign = Object.assign(new Error('exists'), {
    name: 'SluiceError',
    code: 'SLUICE_OUTPUT_EXISTS',
    hint: 'go on',
    coordinates: { operator: 'out' },
  })
  expect(toSluiceError(foreign)).toMatchObject({
    code: 'SLUICE_OUTPUT_EXISTS',
    hint: 'go on',
    coordinates: { operator: 'out' },
    exitStatus: 1,
  })
})
