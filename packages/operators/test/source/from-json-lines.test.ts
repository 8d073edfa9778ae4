import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { SPLIT_BYTES } from '../../src/source/file-splits.js'
import { fromJsonLines } from '../../src/source/from-json-lines.js'
import type { Source } from '../../src/source/source.js'
import { readSource, temporaryFolder } from './read-source.js'

async function write(text: string): Promise<string> {
  const path = join(await temporaryFolder(), 'input.jsonl')
  await writeFile(path, text)
  return path
}

test('values of any kind, blank lines skipped', async () => {
  const path = await write('\uFEFF{"a":1}\r\n\n  \n[1,"😀"]\n"text"\nnull\n42')
  const source = fromJsonLines(path)
  expectTypeOf(source).toEqualTypeOf<Source<unknown>>()
  expect((await readSource(source)).records).toEqual([{ a: 1 }, [1, '😀'], 'text', null, 42])
  expect((await readSource(fromJsonLines(await write('')))).records).toEqual([])
})

test('a schema gives the type, strips unknown keys, and turns text into dates and bigints', async () => {
  const Row = z.object({ id: z.int(), at: z.date(), big: z.bigint(), small: z.bigint().nullable() })
  const path = await write(
    '{"extra":1,"at":"2024-01-02T03:04:05.678Z","id":1,"big":"9007199254740993","small":7}\n{"id":2,"at":"2024-01-02","big":"1","small":null}',
  )
  const source = fromJsonLines(path, { schema: Row })
  expectTypeOf(source).toEqualTypeOf<Source<z.output<typeof Row>>>()
  expect((await readSource(source)).records).toEqual([
    { id: 1, at: new Date('2024-01-02T03:04:05.678Z'), big: 9007199254740993n, small: 7n },
    { id: 2, at: new Date('2024-01-02T00:00:00Z'), big: 1n, small: null },
  ])
})

test.each([
  ['text that is not JSON', '{"id":1}\n\n{"id":\n', 'SLUICE_INPUT_MALFORMED', 3],
  ['a record that does not fit', '{"id":1}\n{"id":"x"}\n', 'SLUICE_RECORD_INVALID', 2],
])('%s fails with file, line and reason', async (_name, text, code, line) => {
  const path = await write(text)
  await expect(readSource(fromJsonLines(path, { schema: z.object({ id: z.int() }) }))).rejects.toMatchObject({
    code,
    coordinates: { operator: 'input', position: `${path} line ${line}` },
  })
})

test('what does not fit is dropped and counted, or becomes a dead letter', async () => {
  const path = await write('{"id":1}\nno json\n{"id":"x"}\n{"id":4}')
  const schema = z.object({ id: z.int() })
  expect(await readSource(fromJsonLines(path, { schema, onInvalid: 'drop' }))).toMatchObject({
    records: [{ id: 1 }, { id: 4 }],
    dropped: 2,
  })
  expect(await readSource(fromJsonLines(path, { schema, onInvalid: 'deadLetter' }))).toMatchObject({
    records: [{ id: 1 }, { id: 4 }],
    deadLetters: [
      { operator: 'input', input: 'no json', reason: expect.stringContaining('not JSON'), position: `${path} line 2` },
      { operator: 'input', input: '{"id":"x"}', reason: expect.stringContaining('id ("x")'), position: `${path} line 3` },
    ],
  })
})

test('a large file is read in parallel; every subtask knows the numbers of its lines', async () => {
  const rows = Array.from({ length: 3_000 }, (_, index) => JSON.stringify({ id: index, text: '日'.repeat(2_000) }))
  rows[2_900] = 'broken'
  const path = await write(`${rows.join('\n')}\n`)
  const source = fromJsonLines<{ id: number }>(path, { onInvalid: 'deadLetter' })
  const parts = await Promise.all([0, 1].map((index) => readSource(source, { subtask: { index, parallelism: 2 } })))
  expect(rows.join('\n').length * 3).toBeGreaterThan(2 * SPLIT_BYTES)
  expect(parts.every((part) => part.records.length > 500)).toBe(true)
  const ids = parts.flatMap((part) => part.records.map((record) => record.id)).sort((left, right) => left - right)
  expect(ids).toEqual([...rows.keys()].filter((index) => index !== 2_900))
  expect(parts.flatMap((part) => part.deadLetters)).toMatchObject([{ position: `${path} line 2901` }])
})

test('a schema that validates asynchronously is refused', async () => {
  const schema = z.object({ id: z.int().refine(() => Promise.resolve(true)) })
  await expect(readSource(fromJsonLines(await write('{"id":1}'), { schema }))).rejects.toMatchObject({ code: 'SLUICE_OPTIONS_INVALID' })
})

test('schemas that are not zod work too', async () => {
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'own',
      validate: (value: unknown) => (typeof value === 'number' ? { value: value * 2 } : { issues: [{ message: 'no number' }] }),
      types: undefined as { readonly input: number; readonly output: number } | undefined,
    },
  }
  const source = fromJsonLines(await write('1\n"x"\n2'), { schema, onInvalid: 'drop' })
  expectTypeOf(source).toEqualTypeOf<Source<number>>()
  expect(await readSource(source)).toMatchObject({ records: [2, 4], dropped: 1 })
})
