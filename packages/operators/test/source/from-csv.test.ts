import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { fromCsv } from '../../src/source/from-csv.js'
import type { Source } from '../../src/source/source.js'
import { readSource, temporaryFolder } from './read-source.js'

async function write(text: string): Promise<string> {
  const path = join(await temporaryFolder(), 'input.csv')
  await writeFile(path, text)
  return path
}

test.each([
  [
    'a header and rows',
    'a,b\n1,2\n3,4\n',
    [
      { a: '1', b: '2' },
      { a: '3', b: '4' },
    ],
  ],
  [
    'CRLF, a byte order mark and no line break at the end',
    '\uFEFFa,b\r\n1,2\r\n3,4',
    [
      { a: '1', b: '2' },
      { a: '3', b: '4' },
    ],
  ],
  ['quotes, delimiters and line breaks in cells', 'a,b\n"x,""y""","1\n2"\n', [{ a: 'x,"y"', b: '1\n2' }]],
  ['empty lines and empty cells', 'a,b\n\n,2\n\n', [{ a: '', b: '2' }]],
  ['an empty file', '', []],
  ['a header alone', 'a,b\n', []],
])('%s', async (_name, text, rows) => {
  expect((await readSource(fromCsv(await write(text)))).records).toEqual(rows)
})

test('delimiter, quote, comment, trim and given names', async () => {
  const path = await write("# a comment\n 1 ;'x;y'\n2;z\n")
  const source = fromCsv(path, { header: ['n', 's'], delimiter: ';', quote: "'", comment: '#', trim: true })
  expect((await readSource(source)).records).toEqual([
    { n: '1', s: 'x;y' },
    { n: '2', s: 'z' },
  ])
})

test('cells are converted to what a zod schema says', async () => {
  const Row = z.object({
    id: z.int(),
    price: z.number(),
    paid: z.boolean(),
    at: z.date(),
    big: z.bigint(),
    note: z.string().nullable(),
    tag: z.string().optional(),
    kind: z.enum(['a', 'b']),
  })
  const path = await write(
    'kind,id,price,paid,at,big,note,tag,unknown\na,1,1.5,true,2024-01-02,9007199254740993,,,x\nb,-2,1e3,0,2024-01-02 03:04:05,0,hi,t,y\n',
  )
  const source = fromCsv(path, { schema: Row })
  expectTypeOf(source).toEqualTypeOf<Source<z.output<typeof Row>>>()
  expect((await readSource(source)).records).toEqual([
    { kind: 'a', id: 1, price: 1.5, paid: true, at: new Date('2024-01-02T00:00:00Z'), big: 9007199254740993n, note: null },
    { kind: 'b', id: -2, price: 1000, paid: false, at: new Date('2024-01-02T03:04:05Z'), big: 0n, note: 'hi', tag: 't' },
  ])
})

test('a row that does not fit fails with file, line and reason per field', async () => {
  const path = await write('id,price\n1,2\n"2\n",x\n')
  await expect(readSource(fromCsv(path, { schema: z.object({ id: z.int(), price: z.number() }) }))).rejects.toMatchObject({
    code: 'SLUICE_RECORD_INVALID',
    message: expect.stringMatching(/input\.csv line 3: price \("x"\): .*expected number/),
    coordinates: { operator: 'input', position: `${path} line 3` },
  })
})

test.each([
  ['a row with too few cells', 'a,b\n1,2\n3\n4,5\n', 3],
  ['a quote inside a cell', 'a,b\n1,2\n3,x"y\n', 3],
  ['a quote that is not closed', 'a,b\n1,"2\n3,4\n', 2],
  ['text after a closing quote', 'a,b\n1,"2"x\n', 2],
])('%s is malformed, with file and line', async (_name, text, line) => {
  const path = await write(text)
  await expect(readSource(fromCsv(path))).rejects.toMatchObject({
    code: 'SLUICE_INPUT_MALFORMED',
    coordinates: { position: expect.stringMatching(new RegExp(`input\\.csv line ${line}$`)) },
  })
})

test('rows that do not fit are dropped and counted, or become dead letters', async () => {
  const path = await write('id,name\n1,a\nx,b\n3\n4,d\n')
  const schema = z.object({ id: z.int(), name: z.string() })
  expect(await readSource(fromCsv(path, { schema, onInvalid: 'drop' }))).toMatchObject({
    records: [
      { id: 1, name: 'a' },
      { id: 4, name: 'd' },
    ],
    dropped: 2,
  })
  const { records, deadLetters } = await readSource(fromCsv(path, { schema, onInvalid: 'deadLetter' }))
  expect(records).toHaveLength(2)
  expect(deadLetters).toEqual([
    { operator: 'input', input: 'x,b', reason: expect.stringContaining('id ("x")'), position: `${path} line 3` },
    { operator: 'input', input: '3', reason: 'the row has 1 cells, and there are 2 columns', position: `${path} line 4` },
  ])
})

/** Names of more columns than a test has. */
const HEADER = Array.from({ length: 40 }, (_, index) => `c${index}`)

test('rows are those of the parser on the whole text, whatever the text; what is malformed is rejected with its line, and the rest is read', async () => {
  const folder = await temporaryFolder()
  const path = join(folder, 'input.csv')
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ',', ',', '"', '""', '"', '\n', '\r\n', ' ', 'é'), maxLength: 24 })
  await fc.assert(
    fc.asyncProperty(text, async (input) => {
      // Every row has the width of the header, so that nothing but a quote can be wrong.
      let expected: string[][] | undefined
      try {
        expected = parse(input, { relax_column_count: true, skip_empty_lines: true, record_delimiter: ['\n', '\r\n'] })
      } catch {
        expected = undefined
      }
      await writeFile(path, input)
      const { records, deadLetters } = await readSource(fromCsv(path, { header: HEADER, onInvalid: 'deadLetter' }))
      expect(records).toEqual([])
      const malformed = deadLetters.filter(({ reason }) => !reason?.startsWith('the row has'))
      if (expected === undefined) expect(malformed.length).toBeGreaterThan(0)
      else {
        expect(malformed).toEqual([])
        expect(deadLetters.map(({ reason }) => reason)).toEqual(
          expected.map((cells) => `the row has ${cells.length} cells, and there are 40 columns`),
        )
      }
      // The letters hold all of the file but the line breaks, each from the line that it names on.
      const lines = input.split('\n')
      for (const { input: row, position } of deadLetters) {
        const line = Number(position?.slice(position.lastIndexOf(' ')))
        expect(lines.slice(line - 1).join('\n')).toSatisfy((rest: string) => rest.startsWith(String(row)))
      }
      expect(
        deadLetters
          .map((letter) => letter.input)
          .join('')
          .replace(/[\r\n]/g, ''),
      ).toBe(input.replace(/[\r\n]/g, ''))
    }),
    { numRuns: 1_000 },
  )
})

test.each([
  [' a , "b" ,\t"c, d"\t', ['a', 'b', 'c, d']],
  ['" a "', [' a ']],
  [' , ', ['', '']],
  ['"a" "b"', 'malformed'],
  ['"a" b', 'malformed'],
  ['a "b"', 'malformed'],
])('spaces around cells are cut: %j', async (line, cells) => {
  const header = Array.isArray(cells) ? cells.map((_, index) => `c${index}`) : ['c0']
  const rows = readSource(fromCsv(await write(`${line}\n`), { header, trim: true }))
  if (Array.isArray(cells)) expect((await rows).records.map((row) => Object.values(row))).toEqual([cells])
  else await expect(rows).rejects.toMatchObject({ code: 'SLUICE_INPUT_MALFORMED' })
})

test('an escape of its own', async () => {
  const path = await write("'it\\'s';'back\\\\slash';'a\\b'\n")
  const source = fromCsv(path, { header: ['a', 'b', 'c'], delimiter: ';', quote: "'", escape: '\\' })
  expect((await readSource(source)).records).toEqual([{ a: "it's", b: 'back\\slash', c: 'ab' }])
})

test('behind a malformed row, reading goes on with the next line, wherever the bytes are cut', async () => {
  const filler = 'x'.repeat(37)
  const rows = Array.from({ length: 3_000 }, (_, index) => {
    if (index % 7 === 3) return `"two\r\nlines ${index}"x,${filler}`
    if (index % 7 === 5) return `${index} "q",${filler}`
    return index % 2 === 0 ? `${index},"${filler}\r\n${filler}"` : `${index},${filler}`
  })
  const path = await write(`\uFEFFid,text\r\n# a comment\r\n\r\n${rows.join('\r\n')}`)
  const { records, deadLetters } = await readSource(fromCsv(path, { comment: '#', onInvalid: 'deadLetter' }))
  const isMalformed = (index: number): boolean => index % 7 === 3 || index % 7 === 5
  expect(records.map(({ id }) => Number(id))).toEqual(rows.map((_, index) => index).filter((index) => !isMalformed(index)))
  let line = 4
  const expected = rows.flatMap((row, index) => {
    const position = `${path} line ${line}`
    line += row.split('\n').length
    return isMalformed(index) ? [{ input: row, position }] : []
  })
  expect(deadLetters.map(({ input, position }) => ({ input, position }))).toEqual(expected)
})

test('a quote that is never closed ends in an error before it fills the memory', async () => {
  const path = await write(`a,b\n1,"${'2\n'.repeat(9 * 1024 * 1024)}`)
  await expect(readSource(fromCsv(path, { onInvalid: 'drop' }))).rejects.toMatchObject({
    code: 'SLUICE_RECORD_TOO_LARGE',
    coordinates: { position: `${path} line 2` },
  })
})

test('a column name that appears twice is refused', async () => {
  await expect(readSource(fromCsv(await write('a,b,a\n1,2,3\n')))).rejects.toMatchObject({
    code: 'SLUICE_INPUT_MALFORMED',
    message: expect.stringContaining("'a' appears twice"),
  })
})

test('large files are read in batches, characters of several bytes intact', async () => {
  const path = await write(`id,name\n${Array.from({ length: 30_000 }, (_, index) => `${index},"日本 😀 ${index}"`).join('\n')}`)
  const { records, batches } = await readSource(fromCsv(path))
  expect(records).toHaveLength(30_000)
  expect(records.every((record, index) => record['name'] === `日本 😀 ${index}`)).toBe(true)
  expect(batches).toBeGreaterThan(50)
})

test('missing files and wrong options are coded errors; one file has one reader', async () => {
  const path = join(await temporaryFolder(), 'no.csv')
  await expect(readSource(fromCsv(path))).rejects.toMatchObject({ code: 'SLUICE_INPUT_MISSING', message: expect.stringContaining(path) })
  expect(() => fromCsv('x.csv', { onInvalid: 'ignore' as 'drop' })).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
  expect(fromCsv('x.csv').parallelismMax).toEqual({ value: 1, because: 'a CSV file has one reader' })
  expect(fromCsv('*.csv').parallelismMax).toBeUndefined()
})
