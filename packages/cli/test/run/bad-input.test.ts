/** What goes wrong while a job runs: the code, the operator, the user's line and the way on, whatever was wrong; status 1 and no hang. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { JobFolder, parseLog, runSluice } from '../support/run-sluice.js'

let folder: JobFolder

beforeAll(async () => {
  folder = await JobFolder.create()
  await folder.write('open-quote.csv', 'a,b\n1,2\n3,"4\n5,6\n')
  await folder.write('more-cells.csv', 'a,b\n1,2\n3,4,5\n')
  await folder.write('text.csv', 'a,b\n1,2\n3,many\n5,6\n')
  await folder.write('cut.jsonl', '{"a":1}\n{"a":\n')
  await folder.write('no.parquet', 'PAR1 and then nothing of the kind')
  await folder.write('a-file', '')
})

afterAll(() => folder.remove())

/** `body` begins at line 5. */
const jobOf = (
  body: string,
): string => `import { defineJob, discard, fromCsv, fromJsonLines, fromParquet, generate, toJsonLines } from 'sluice'
import { z } from 'zod'
const Row = z.object({ a: z.int(), b: z.int() })
export default defineJob({ name: 'bad', settings: { maxRecordBytes: 100_000 } }, (job) => {
${body}
})
`
const numbers = (count = 10_000): string => `job.source('numbers', generate((i) => ({ i }), { count: ${count} }))`

interface BadInput {
  readonly name: string
  readonly body: string
  readonly code: string
  readonly operator: RegExp
  /** Of the row `at`. */
  readonly line: number
  readonly says: RegExp
}

const badInputs: readonly BadInput[] = [
  {
    name: 'a sink whose folder cannot be made',
    body: `  ${numbers(1)}\n    .sink('out', toJsonLines('a-file/below/out.jsonl'))`,
    code: 'SLUICE_OUTPUT_UNWRITABLE',
    operator: /out, subtask 0/,
    line: 6,
    says: /a-file\/below\/out\.jsonl cannot be written[\s\S]*hint +Check that the path/,
  },
  {
    name: 'a sink of parts whose folder cannot be made',
    body: `  ${numbers(1)}\n    .sink('out', toJsonLines('a-file/below/'))`,
    code: 'SLUICE_OUTPUT_UNWRITABLE',
    operator: /out, subtask [01]/,
    line: 6,
    says: /a-file\/below\/ cannot be written/,
  },
  {
    name: 'a key function that throws',
    body: `  ${numbers()}\n    .keyBy((record) => {\n      if (record.i === 777) throw new Error('no key')\n      return record.i\n    })\n    .reduce('last', (_left, right) => right).sink('out', discard())`,
    code: 'SLUICE_OPERATOR_FAILED',
    operator: /last, subtask [01]/,
    line: 7,
    says: /no key[\s\S]*edge +numbers -> last/,
  },
  {
    name: 'a key that can be none',
    body: `  ${numbers()}\n    .keyBy((record) => (record.i === 777 ? Number.NaN : record.i))\n    .reduce('last', (_left, right) => right).sink('out', discard())`,
    code: 'SLUICE_KEY_INVALID',
    operator: /last, subtask [01]/,
    line: 7,
    says: /NaN[\s\S]*edge +numbers -> last/,
  },
  {
    name: 'a value thrown that is no error',
    body: `  ${numbers()}\n    .filter((record) => {\n      if (record.i === 777) throw 'just text'\n      return true\n    })\n    .sink('out', discard())`,
    code: 'SLUICE_OPERATOR_FAILED',
    operator: /filter, subtask [01]/,
    line: 6,
    says: /threw just text/,
  },
  {
    name: 'a function of mapAsync that rejects',
    body: `  ${numbers()}\n    .mapAsync('look', async (record) => {\n      if (record.i === 777) throw new Error('not found')\n      return record\n    }, { concurrency: 8 })\n    .sink('out', discard())`,
    code: 'SLUICE_OPERATOR_FAILED',
    operator: /look, subtask [01]/,
    line: 7,
    says: /not found/,
  },
  {
    name: 'a function of mapAsync that takes too long',
    body: `  ${numbers(1)}\n    .mapAsync('look', () => new Promise<number>(() => {}), { concurrency: 8, timeout: '50ms' })\n    .sink('out', discard())`,
    code: 'SLUICE_TIMEOUT',
    operator: /look, subtask [01]/,
    line: 6,
    says: /within 50 ms[\s\S]*hint +Raise its timeout/,
  },
  {
    name: 'a Promise on record 5,000 at a sink of the same chain',
    body: `  ${numbers()}\n    .map((record) => (record.i === 5000 ? Promise.resolve(record) : record) as typeof record)\n    .sink('out', discard())`,
    code: 'SLUICE_RECORD_PROMISE',
    operator: /out, subtask [01]/,
    line: 7,
    says: /A Promise reached[\s\S]*hint +Use mapAsync/,
  },
  {
    name: 'a Promise on record 5,000 at an edge',
    body: `  ${numbers()}\n    .map((record) => (record.i === 5000 ? Promise.resolve(record) : record) as typeof record, { name: 'sometimes' })\n    .rebalance().sink('out', discard())`,
    code: 'SLUICE_RECORD_PROMISE',
    operator: /sometimes, subtask [01]/,
    line: 6,
    says: /record is a Promise[\s\S]*edge +sometimes -> out[\s\S]*hint +Use mapAsync/,
  },
  {
    name: 'a record with a function',
    body: `  ${numbers()}\n    .map(({ i }) => ({ i, deep: { list: [1, i < 300 ? 2 : () => 3] } }), { name: 'make' })\n    .rebalance().sink('out', discard())`,
    code: 'SLUICE_RECORD_NOT_ENCODABLE',
    operator: /make, subtask [01]/,
    line: 6,
    says: /record\.deep\.list\[1\] is a function[\s\S]*edge +make -> out/,
  },
  {
    name: 'a record with a symbol',
    body: `  ${numbers()}\n    .map(({ i }) => ({ i, tag: i < 300 ? 'a' : Symbol('b') }), { name: 'make' })\n    .rebalance().sink('out', discard())`,
    code: 'SLUICE_RECORD_NOT_ENCODABLE',
    operator: /make, subtask [01]/,
    line: 6,
    says: /record\.tag is a symbol/,
  },
  {
    name: 'a record above the size limit',
    body: `  ${numbers()}\n    .map(({ i }) => ({ text: 'x'.repeat(i * 1000) }), { name: 'grow' })\n    .rebalance().sink('out', discard())`,
    code: 'SLUICE_RECORD_TOO_LARGE',
    operator: /grow, subtask [01]/,
    line: 6,
    says: /100000 bytes[\s\S]*edge +grow -> out[\s\S]*hint +Raise maxRecordBytes/,
  },
  {
    name: 'a CSV file with an open quote',
    body: `  job.source('rows', fromCsv('open-quote.csv')).sink('out', discard())`,
    code: 'SLUICE_INPUT_MALFORMED',
    operator: /rows, subtask 0/,
    line: 5,
    says: /open-quote\.csv line 3: [\s\S]*input +open-quote\.csv line 3/,
  },
  {
    name: 'a CSV row with more cells than columns',
    body: `  job.source('rows', fromCsv('more-cells.csv')).sink('out', discard())`,
    code: 'SLUICE_INPUT_MALFORMED',
    operator: /rows, subtask 0/,
    line: 5,
    says: /more-cells\.csv line 3: the row has 3 cells, and there are 2 columns/,
  },
  {
    name: 'a JSON line that is cut off',
    body: `  job.source('rows', fromJsonLines('cut.jsonl')).sink('out', discard())`,
    code: 'SLUICE_INPUT_MALFORMED',
    operator: /rows, subtask [01]/,
    line: 5,
    says: /cut\.jsonl line 2: not JSON/,
  },
  {
    name: 'a Parquet file that is none',
    body: `  job.source('rows', fromParquet('no.parquet')).sink('out', discard())`,
    code: 'SLUICE_INPUT_MALFORMED',
    operator: /rows, subtask [01]/,
    line: 5,
    says: /no\.parquet: not a Parquet file/,
  },
  {
    name: 'an input that is not there',
    body: `  job.source('rows', fromCsv('none.csv')).sink('out', discard())`,
    code: 'SLUICE_INPUT_MISSING',
    operator: /rows, subtask 0/,
    line: 5,
    says: /none\.csv[\s\S]*hint +Check the path/,
  },
  {
    name: 'a record that does not fit its schema',
    body: `  job.source('rows', fromCsv('text.csv', { schema: Row })).sink('out', discard())`,
    code: 'SLUICE_RECORD_INVALID',
    operator: /rows, subtask 0/,
    line: 5,
    says: /text\.csv line 3: b \("many"\)[\s\S]*hint .*onInvalid/,
  },
]

test.each(badInputs)('$name', async ({ body, code, operator, line, says }) => {
  await folder.write('bad.ts', jobOf(body))
  const { status, stdout, stderr } = await folder.run('run', 'bad.ts', '--workers', '2')
  expect(stderr).toContain(`\n${code}  `)
  expect(stderr).toMatch(says)
  expect(stderr).toMatch(new RegExp(`operator +${operator.source}`))
  expect(stderr).toMatch(new RegExp(`at +bad\\.ts:${line}:\\d+`))
  expect(stderr).toMatch(/hint +\S/)
  expect(status).toBe(1)
  expect(stdout).toBe('')
})

test.each([
  ['drop', { dropped: 1, deadLetters: 0 }, /^$/],
  ['deadLetter', { dropped: 0, deadLetters: 1 }, /"input":"3,many".*"position":"text\.csv line 3"/],
])('a record that does not fit its schema, onInvalid %s: counted, and the others go on', async (onInvalid, counted, deadLetters) => {
  const source = `job.source('rows', fromCsv('text.csv', { schema: Row, onInvalid: '${onInvalid}' })).sink('out', toJsonLines('rows.jsonl'))`
  await folder.write('bad.ts', jobOf(`  ${source}\n  job.deadLetters.sink('dead', toJsonLines('dead.jsonl'))`))
  const { status, stderr } = await folder.run('run', 'bad.ts', '--overwrite', '--log', 'json')
  expect(status).toBe(0)
  const subtasks = parseLog(stderr).at(-1)!['subtasks'] as readonly { readonly dropped: number; readonly deadLetters: number }[]
  const sum = (field: 'dropped' | 'deadLetters'): number => subtasks.reduce((total, subtask) => total + subtask[field], 0)
  expect({ dropped: sum('dropped'), deadLetters: sum('deadLetters') }).toEqual(counted)
  expect(await readFile(join(folder.path, 'rows.jsonl'), 'utf8')).toBe('{"a":1,"b":2}\n{"a":5,"b":6}\n')
  expect(await readFile(join(folder.path, 'dead.jsonl'), 'utf8')).toMatch(deadLetters)
})

test('two workers that declare differently: what differs, and where it was declared', async () => {
  const chosen = `(isMainThread ? { name: 'here' } : { name: 'there' })`
  const text = jobOf(`  ${numbers()}\n    .map((record) => record, ${chosen})\n    .sink('out', discard())`)
  await folder.write('bad.ts', text.replace("from 'sluice'", "from 'sluice'; import { isMainThread } from 'node:worker_threads'"))
  const { status, stderr } = await folder.run('run', 'bad.ts')
  expect(stderr).toContain('\nSLUICE_JOB_NOT_DETERMINISTIC  ')
  expect(stderr).toMatch(/operator 2 is "here" in one and "there" in the other/)
  expect(stderr).toMatch(/operator here\n +at +bad\.ts:6:6/)
  expect(stderr).toMatch(/hint +Declare the same operators/)
  expect(status).toBe(2)
})

test('a stream of another job: both jobs and the line', async () => {
  const other = `const other = defineJob({ name: 'other' }, (job) => {\n  const stream = job.source('b', generate((i) => i))\n  kept ??= stream\n  stream.sink('out', discard())\n})`
  const text = jobOf("  other.declare({}, { collect: false })\n  kept!.sink('out', discard())")
  await folder.write(
    'bad.ts',
    text.replace('export default', `let kept: import('sluice').Stream<number> | undefined\n${other}\nexport default`),
  )
  const { status, stderr } = await folder.run('run', 'bad.ts')
  expect(stderr).toMatch(/^SLUICE_STREAM_FOREIGN {2}stream "b" of job other is used in job bad/)
  expect(stderr).toMatch(/at +bad\.ts:12:\d+/)
  expect(status).toBe(2)
})

test('a worker that runs out of memory: the operator that was running, and a hint that helps', async () => {
  const keeps = `.map((record) => {\n      for (let at = 0; at < 1000; at++) kept.push({ at })\n      return record\n    }, { name: 'keeps' })`
  await folder.write('bad.ts', jobOf(`  const kept: unknown[] = []\n  ${numbers(1e9)}\n    ${keeps}\n    .sink('out', discard())`))
  const small = { cwd: folder.path, env: { NODE_OPTIONS: '--max-old-space-size=48' } }
  const { status, stderr } = await runSluice(['run', 'bad.ts', '--workers', '1'], small)
  expect(stderr).toMatch(/\nSLUICE_WORKER_OUT_OF_MEMORY {2}worker 0 \(numbers, keeps, out\) ran out of memory/)
  expect(stderr).toMatch(/operator (numbers -> keeps -> out|keeps), subtask 0\n +at +bad\.ts:[67]:/)
  expect(stderr).toMatch(/hint .*--max-old-space-size/)
  expect(status).toBe(1)
})

test('a rejection that nobody handles: the operators of its worker and the line', async () => {
  const rejects = `.map((record) => {\n      if (record.i === 50) void Promise.reject(new Error('unseen'))\n      return record\n    }, { name: 'rejects' })`
  await folder.write('bad.ts', jobOf(`  ${numbers(1e9)}\n    ${rejects}\n    .sink('out', discard())`))
  const { status, stderr } = await folder.run('run', 'bad.ts', '--workers', '1')
  expect(stderr).toMatch(/\nSLUICE_UNHANDLED_REJECTION {2}.*nobody handled it in worker 0 \(numbers, rejects, out\): Error: unseen/)
  expect(stderr).toMatch(/at +bad\.ts:7:\d+/)
  expect(status).toBe(1)
})
