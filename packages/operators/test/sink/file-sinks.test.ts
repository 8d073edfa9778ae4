import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FLUSH_LENGTH } from '../../src/sink/append-file.js'
import { toCsv } from '../../src/sink/to-csv.js'
import { toJsonLines } from '../../src/sink/to-json-lines.js'
import { fromCsv } from '../../src/source/from-csv.js'
import { fromJsonLines } from '../../src/source/from-json-lines.js'
import { readSource, temporaryFolder } from '../source/read-source.js'
import { openSink, sinkContext, writeSink } from './write-sink.js'

const rows = [
  { id: 1, name: 'a' },
  { id: 2, name: 'b "q"' },
]

describe('one file', () => {
  test('is made with its folders and bears its name when it is complete', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'deep/er/out.jsonl')
    const writer = await openSink(toJsonLines(path))
    await writer.write(rows)
    expect(await readdir(join(folder, 'deep/er'))).toEqual(['out.jsonl.partial'])
    await writer.finish?.()
    await writer.close?.()
    expect(await readdir(join(folder, 'deep/er'))).toEqual(['out.jsonl'])
    expect(await readFile(path, 'utf8')).toBe('{"id":1,"name":"a"}\n{"id":2,"name":"b \\"q\\""}\n')
    expect(toJsonLines(path).parallelismMax).toEqual({ value: 1, because: 'one file has one writer' })
  })

  test('is empty where no record came', async () => {
    const path = join(await temporaryFolder(), 'out.jsonl')
    await writeSink(toJsonLines(path), [])
    expect(await readFile(path, 'utf8')).toBe('')
  })

  test('that exists is refused, replaced with overwrite, and kept until the new one is complete', async () => {
    const path = join(await temporaryFolder(), 'out.jsonl')
    await writeFile(path, 'old')
    await expect(writeSink(toJsonLines(path), rows)).rejects.toMatchObject({
      code: 'SLUICE_OUTPUT_EXISTS',
      hint: expect.stringContaining('--overwrite'),
      coordinates: { operator: 'out' },
    })
    const overwrite = sinkContext({ overwrite: true })
    await expect(writeSink(toJsonLines(path), [{ bad: new Map() }], overwrite)).rejects.toMatchObject({ code: 'SLUICE_JSON_UNSUPPORTED' })
    expect(await readFile(path, 'utf8')).toBe('old')
    await writeSink(toJsonLines(path), [1], overwrite)
    expect(await readFile(path, 'utf8')).toBe('1\n')
  })

  test('is left unfinished by a failed run, under another name', async () => {
    const folder = await temporaryFolder()
    await expect(writeSink(toJsonLines(join(folder, 'out.jsonl')), [1, () => 2])).rejects.toMatchObject({ code: 'SLUICE_JSON_UNSUPPORTED' })
    expect(await readdir(folder)).toEqual(['out.jsonl.partial'])
  })

  test('that cannot be made is a coded error with the cause', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'file'), '')
    await expect(writeSink(toJsonLines(join(folder, 'file/out.jsonl')), rows)).rejects.toMatchObject({
      code: 'SLUICE_OUTPUT_UNWRITABLE',
      cause: expect.objectContaining({ code: 'ENOTDIR' }),
    })
    await expect(writeSink(toJsonLines(folder), rows)).rejects.toMatchObject({
      code: 'SLUICE_OUTPUT_UNWRITABLE',
      hint: expect.stringContaining(`${folder}/`),
    })
    expect(() => toJsonLines('')).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
  })

  test('a device is written in place', async () => {
    await writeSink(toJsonLines('/dev/null'), rows)
    expect((await readdir('/dev')).includes('null.partial')).toBe(false)
  })

  test('write waits only while the write before it is under way, and loses nothing', async () => {
    const path = join(await temporaryFolder(), 'out.jsonl')
    const writer = await openSink(toJsonLines(path))
    const text = 'x'.repeat(FLUSH_LENGTH)
    expect(writer.write([text])).toBeUndefined()
    const pending = writer.write([text])
    expect(pending).toBeInstanceOf(Promise)
    await pending
    await writer.write([text])
    await writer.finish?.()
    await writer.close?.()
    expect((await readFile(path, 'utf8')).length).toBe(3 * (FLUSH_LENGTH + 3))
  })

  test('records of a slow stream reach the file after a second', async () => {
    const path = join(await temporaryFolder(), 'out.jsonl')
    const context = sinkContext()
    const writer = await openSink(toJsonLines(path), context)
    await writer.write([1])
    expect(context.deadline).toBe(2_000)
    await writer.onDeadline?.(2_000)
    await writer.write([2])
    expect(context.deadline).toBe(2_000)
    context.nowMs = 5_000
    await writer.onDeadline?.(5_000)
    await writer.write([3])
    expect(context.deadline).toBe(6_000)
    await writer.close?.()
    expect(await readFile(`${path}.partial`, 'utf8')).toBe('1\n2\n')
  })

  test('nulls in place of NaN are counted, and said once', async () => {
    const context = sinkContext()
    await writeSink(
      toJsonLines(join(await temporaryFolder(), 'out.jsonl')),
      Array.from({ length: 600 }, () => ({ a: Number.NaN })),
      context,
    )
    expect(context.counts.get('nonFiniteAsNull')).toBe(600)
    expect(context.warnings).toHaveLength(1)
  })
})

describe('a folder of parts', () => {
  test('is written in parallel, each part complete when it bears its name', async () => {
    const folder = `${join(await temporaryFolder(), 'out')}/`
    const sink = toJsonLines(folder)
    expect(sink.parallelismMax).toBeUndefined()
    const first = await openSink(sink, sinkContext({ subtask: { index: 0, parallelism: 2 } }))
    await first.write([1])
    await first.finish?.()
    await first.close?.()
    const second = await openSink(sink, sinkContext({ subtask: { index: 1, parallelism: 2 } }))
    await second.write([2])
    expect((await readdir(folder)).sort()).toEqual(['.part-1.jsonl.partial', 'part-0.jsonl'])
    await second.finish?.()
    await second.close?.()
    expect((await readdir(folder)).sort()).toEqual(['part-0.jsonl', 'part-1.jsonl'])
    expect((await readSource(fromJsonLines(folder))).records).toEqual([1, 2])
  })

  test('that holds parts is refused; overwrite removes every old part, whatever the parallelism was', async () => {
    const folder = `${await temporaryFolder()}/`
    for (const index of [0, 1, 2, 3]) await writeSink(toJsonLines(folder), [index], sinkContext({ subtask: { index, parallelism: 4 } }))
    await writeFile(join(folder, 'notes.txt'), 'mine')
    await expect(writeSink(toCsv(folder), rows, sinkContext({ subtask: { index: 1, parallelism: 2 } }))).rejects.toMatchObject({
      code: 'SLUICE_OUTPUT_EXISTS',
    })
    for (const index of [0, 1]) await writeSink(toCsv(folder), rows, sinkContext({ overwrite: true, subtask: { index, parallelism: 2 } }))
    expect((await readdir(folder)).sort()).toEqual(['notes.txt', 'part-0.csv', 'part-1.csv'])
  })

  test('a folder that cannot be made is a coded error', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'file'), '')
    await expect(writeSink(toJsonLines(`${folder}/file/out/`), rows)).rejects.toMatchObject({ code: 'SLUICE_OUTPUT_UNWRITABLE' })
    await expect(writeSink(toJsonLines(`${folder}/file/`), rows)).rejects.toMatchObject({ code: 'SLUICE_OUTPUT_UNWRITABLE' })
    await mkdir(join(folder, 'empty'))
    await writeSink(toJsonLines(`${folder}/empty/`), rows)
  })
})

describe('CSV', () => {
  async function csv(sink: (path: string) => ReturnType<typeof toCsv<never>>, records: readonly unknown[]): Promise<string> {
    const path = join(await temporaryFolder(), 'out.csv')
    await writeSink(sink(path), records)
    return readFile(path, 'utf8')
  }

  test('columns come from the first record; cells are quoted where they must be', async () => {
    const records = [
      { a: 'x,y', b: 'say "hi"', c: 'two\nlines', d: ' spaced', e: '' },
      { a: null, b: undefined, c: 1.5, d: true, e: 10n },
      { e: new Date(0), d: [1, 'x'], c: { k: 1 } },
    ]
    expect(await csv((path) => toCsv(path), records)).toBe(
      'a,b,c,d,e\n"x,y","say ""hi""","two\nlines"," spaced",""\n,,1.5,true,10\n,,"{""k"":1}","[1,""x""]",1970-01-01T00:00:00.000Z\n',
    )
  })

  test('columns, delimiter, line break, no header', async () => {
    expect(
      await csv(
        (path) => toCsv<{ a: string; b: number }>(path, { columns: ['b', 'a'], delimiter: ';', lineBreak: '\r\n' }) as never,
        [{ a: 'x;y', b: 1, c: 2 }],
      ),
    ).toBe('b;a\r\n1;"x;y"\r\n')
    expect(await csv((path) => toCsv(path, { header: false }), [{ a: 1 }])).toBe('1\n')
    expect(await csv((path) => toCsv<{ a: string }>(path, { columns: ['a'] }) as never, [])).toBe('a\n')
    expect(await csv((path) => toCsv(path), [])).toBe('')
    expect(await csv((path) => toCsv(path), [{ a: null }])).toBe('a\n""\n')
  })

  test('a property that is no column, and a record that is no object, are coded errors with the row', async () => {
    await expect(csv((path) => toCsv(path), [{ a: 1 }, { a: 1, b: 2 }])).rejects.toMatchObject({
      code: 'SLUICE_SINK_FAILED',
      message: expect.stringContaining("Row 2 has the property 'b'"),
    })
    await expect(csv((path) => toCsv(path), ['text'])).rejects.toMatchObject({
      code: 'SLUICE_SINK_FAILED',
      message: expect.stringContaining('Row 1'),
    })
    await expect(csv((path) => toCsv(path), [{ a: { m: new Map() } }])).rejects.toMatchObject({
      code: 'SLUICE_JSON_UNSUPPORTED',
      message: expect.stringContaining('Column a, row 1'),
    })
    expect(() => toCsv('x.csv', { delimiter: ';;' })).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
    expect(() => toCsv<{ a: 1 }>('x.csv', { columns: [] })).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
  })

  test('what was written is read back: any text in any cell', async () => {
    const folder = await temporaryFolder()
    const cell = fc.string({ unit: fc.constantFrom('a', ',', ';', '"', '\n', '\r', ' ', '\t', '日', '😀', "'", '\uFEFF'), maxLength: 6 })
    let run = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ a: cell, b: cell }), { minLength: 1, maxLength: 8 }),
        fc.constantFrom(',', ';', '\t'),
        async (records, delimiter) => {
          const path = join(folder, `${run++}.csv`)
          await writeSink(toCsv(path, { delimiter }), records)
          expect((await readSource(fromCsv(path, { delimiter }))).records).toEqual(records)
        },
      ),
      { numRuns: 150 },
    )
  })
})

test.runIf(existsSync('/dev/full'))('a full disk may have space again at the next attempt', async () => {
  const full = await writeSink(toJsonLines('/dev/full'), rows).catch((error: unknown) => error)
  expect(full).toMatchObject({ code: 'SLUICE_SINK_FAILED', retriable: true, message: expect.stringContaining('ENOSPC') as string })
  const noFolder = await writeSink(toJsonLines('/dev/null/out.jsonl'), rows).catch((error: unknown) => error)
  expect(noFolder).toMatchObject({ code: 'SLUICE_OUTPUT_UNWRITABLE', retriable: false })
})

test('JSON lines that were written are read back', async () => {
  const folder = await temporaryFolder()
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 20 }), async (records) => {
      const path = join(folder, `${run++}.jsonl`)
      await writeSink(toJsonLines(path), records)
      // JSON has no negative zero.
      expect((await readSource(fromJsonLines(path))).records).toEqual(JSON.parse(JSON.stringify(records)))
    }),
    { numRuns: 100 },
  )
})
