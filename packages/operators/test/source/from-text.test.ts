import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { splitByBytes } from '../../src/source/file-splits.js'
import { fromText } from '../../src/source/from-text.js'
import { CHUNK_BYTES, LINE_BYTES_MAX, LineReader } from '../../src/source/line-reader.js'
import { readSource, temporaryFolder } from './read-source.js'

async function write(text: string | Uint8Array, name = 'input.txt'): Promise<string> {
  const path = join(await temporaryFolder(), name)
  await writeFile(path, text)
  return path
}

describe('lines', () => {
  test.each([
    ['an empty file', '', []],
    ['one line without a line break', 'one', ['one']],
    ['a last line without a line break', 'one\ntwo', ['one', 'two']],
    ['a line break at the end', 'one\ntwo\n', ['one', 'two']],
    ['CRLF', 'one\r\ntwo\r\n', ['one', 'two']],
    ['mixed line breaks and a lone CR', 'one\r\ntwo\nth\rree\r\n', ['one', 'two', 'th\rree']],
    ['empty lines', '\n\none\n\n', ['', '', 'one', '']],
    ['a byte order mark', '\uFEFFone\ntwo', ['one', 'two']],
    ['only a byte order mark', '\uFEFF', []],
  ])('%s', async (_name, text, lines) => {
    expect((await readSource(fromText(await write(text)))).records).toEqual(lines)
  })

  test('characters of several bytes survive the borders of chunks', async () => {
    const lines = Array.from({ length: 40_000 }, (_, index) => `${index} schön 日本 😀${'€'.repeat(index % 7)}`)
    const text = lines.join('\n')
    expect(Buffer.byteLength(text)).toBeGreaterThan(4 * CHUNK_BYTES)
    const { records, batches } = await readSource(fromText(await write(text)))
    expect(records).toEqual(lines)
    expect(batches).toBeGreaterThanOrEqual(40_000 / 512)
  })

  test('a line longer than a chunk is one record', async () => {
    const long = 'ä'.repeat(2 * CHUNK_BYTES)
    expect((await readSource(fromText(await write(`a\n${long}\nb`)))).records).toEqual(['a', long, 'b'])
  })

  test('a line above the limit is a coded error with file and line', async () => {
    const path = await write(`short\n${'x'.repeat(LINE_BYTES_MAX + CHUNK_BYTES * 4)}`)
    await expect(readSource(fromText(path))).rejects.toMatchObject({
      code: 'SLUICE_RECORD_TOO_LARGE',
      coordinates: { position: expect.stringMatching(/input\.txt line 2$/) },
    })
  })

  test('UTF-16 is refused with a hint', async () => {
    const path = await write(Buffer.from('\uFEFFhello', 'utf16le'))
    await expect(readSource(fromText(path))).rejects.toMatchObject({
      code: 'SLUICE_INPUT_MALFORMED',
      hint: expect.stringContaining('iconv'),
    })
  })
})

describe('byte ranges', () => {
  const lineText = fc.string({ unit: fc.constantFrom('a', 'é', '日', '😀', ' ', '\r'), maxLength: 12 })

  test('ranges of any size give every line exactly once, with its number', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'ranges.txt')
    await fc.assert(
      fc.asyncProperty(
        fc.array(lineText, { maxLength: 30 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 40 }),
        async (lines, ended, splitBytes) => {
          const text = lines.join('\n') + (ended && lines.length > 0 ? '\n' : '')
          await writeFile(path, text)
          const expected =
            text === ''
              ? []
              : text
                  .replace(/\n$/, '')
                  .split('\n')
                  .map((line) => line.replace(/\r$/, ''))
          const found: string[] = []
          for (const split of splitByBytes([{ path, name: 'ranges.txt', bytes: Buffer.byteLength(text) }], splitBytes)) {
            const reader = await LineReader.open(split)
            try {
              while (!reader.ended) {
                const line = reader.nextLine()
                if (line === undefined) {
                  await reader.fill()
                  continue
                }
                found.push(line)
                expect(await reader.describeLine(reader.lines)).toBe(`line ${found.length}`)
              }
            } finally {
              await reader.close()
            }
          }
          expect(found).toEqual(expected)
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('paths', () => {
  test('a glob gives its files in the order of their names', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'deep/er'), { recursive: true })
    await writeFile(join(folder, 'b.log'), 'b')
    await writeFile(join(folder, 'a.log'), 'a')
    await writeFile(join(folder, 'c.txt'), 'c')
    await writeFile(join(folder, 'deep/er/d.log'), 'd')
    await writeFile(join(folder, '.hidden.log'), 'hidden')
    expect((await readSource(fromText(`${folder}/*.log`))).records).toEqual(['a', 'b'])
    expect((await readSource(fromText(`${folder}/**/*.log`))).records).toEqual(['a', 'b', 'd'])
    expect((await readSource(fromText(`${folder}/{c,b}.*`))).records).toEqual(['b', 'c'])
  })

  test('a folder gives its files, without hidden and unfinished ones', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'part-1.jsonl'), '1')
    await writeFile(join(folder, 'part-0.jsonl'), '0')
    await writeFile(join(folder, '.part-2.jsonl.partial'), 'unfinished')
    await writeFile(join(folder, 'out.jsonl.partial'), 'unfinished')
    expect((await readSource(fromText(`${folder}/`))).records).toEqual(['0', '1'])
  })

  test('a name with glob characters is that file where it exists', async () => {
    const path = await write('one', 'data[1].txt')
    expect((await readSource(fromText(path))).records).toEqual(['one'])
  })

  test('each subtask reads its own splits', async () => {
    const folder = await temporaryFolder()
    for (const name of ['a', 'b', 'c']) await writeFile(join(folder, `${name}.txt`), name)
    const source = fromText(`${folder}/*.txt`)
    expect((await readSource(source, { subtask: { index: 0, parallelism: 2 } })).records).toEqual(['a', 'c'])
    expect((await readSource(source, { subtask: { index: 1, parallelism: 2 } })).records).toEqual(['b'])
  })

  test('what does not exist is a coded error with the absolute path', async () => {
    const folder = await temporaryFolder()
    await expect(readSource(fromText(join(folder, 'nothing.txt')))).rejects.toMatchObject({
      code: 'SLUICE_INPUT_MISSING',
      message: expect.stringContaining(join(folder, 'nothing.txt')),
    })
    await expect(readSource(fromText(`${folder}/*.txt`))).rejects.toMatchObject({
      code: 'SLUICE_INPUT_MISSING',
      message: expect.stringContaining(folder),
    })
    await expect(readSource(fromText(`${folder}/`))).rejects.toMatchObject({ code: 'SLUICE_INPUT_MISSING' })
    expect(() => fromText('')).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
  })

  test('a relative path is relative to the working directory', async () => {
    await expect(readSource(fromText('no/such/file.txt'))).rejects.toMatchObject({
      message: expect.stringContaining(join(process.cwd(), 'no/such/file.txt')),
    })
  })
})
