import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { parquetReadObjects, type SchemaElement } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { fromParquet } from '../../src/source/from-parquet.js'
import { compileRowBuilder, loopRowBuilder } from '../../src/source/parquet/build-rows.js'
import type { Source } from '../../src/source/source.js'
import { readSource, temporaryFolder } from './read-source.js'

async function write(
  columnData: ColumnSource[],
  options: { rowGroupSize?: number; codec?: 'SNAPPY' | 'UNCOMPRESSED' } = {},
): Promise<string> {
  const path = join(await temporaryFolder(), 'input.parquet')
  await writeFile(path, new Uint8Array(parquetWriteBuffer({ columnData, ...options })))
  return path
}

const instants = [new Date('2024-01-01T00:00:00.123Z'), new Date('1969-12-31T23:59:59.999Z'), new Date(0)]

test('columns of every plain type, in the types of a schema', async () => {
  const path = await write([
    { name: 'id', data: [1, 2, 3], type: 'INT32' },
    { name: 'big', data: [1n, 2n ** 60n, -5n], type: 'INT64' },
    { name: 'count', data: [1n, 2n, -3n], type: 'INT64' },
    { name: 'ratio', data: [0.5, -0, 1e300], type: 'DOUBLE' },
    { name: 'name', data: ['a', 'ü 😀', ''], type: 'STRING' },
    { name: 'ok', data: [true, false, true], type: 'BOOLEAN' },
    { name: 'at', data: instants, type: 'TIMESTAMP' },
    { name: 'ms', data: instants, type: 'TIMESTAMP' },
    { name: 'unread', data: [1, 2, 3], type: 'INT32' },
  ])
  const Row = z.object({
    ms: z.int(),
    id: z.int(),
    big: z.bigint(),
    count: z.number(),
    ratio: z.number(),
    name: z.string(),
    ok: z.boolean(),
    at: z.date(),
  })
  const source = fromParquet(path, { schema: Row })
  expectTypeOf(source).toEqualTypeOf<Source<z.output<typeof Row>>>()
  const { records } = await readSource(source)
  expect(records).toEqual([
    { id: 1, big: 1n, count: 1, ratio: 0.5, name: 'a', ok: true, at: instants[0], ms: instants[0]?.getTime() },
    { id: 2, big: 2n ** 60n, count: 2, ratio: -0, name: 'ü 😀', ok: false, at: instants[1], ms: instants[1]?.getTime() },
    { id: 3, big: -5n, count: -3, ratio: 1e300, name: '', ok: true, at: instants[2], ms: 0 },
  ])
  expect(Object.keys(records[0] ?? {})).toEqual(Object.keys(Row.shape))
})

test('without a schema all columns are read, safe integers as numbers; columns narrows', async () => {
  const path = await write([
    { name: 'n', data: [1n, null, 3n], type: 'INT64' },
    { name: 's', data: ['a', null, 'a'], type: 'STRING' },
    { name: 'list', data: [[1n, 2n], null, []] },
    { name: 'deep', data: [{ a: { b: 5n } }, null, { a: null }], type: 'JSON' },
  ])
  const source = fromParquet(path)
  expectTypeOf(source).toEqualTypeOf<Source<Record<string, unknown>>>()
  expect((await readSource(source)).records).toEqual([
    { n: 1, s: 'a', list: [1, 2], deep: { a: { b: 5 } } },
    { n: null, s: null, list: null, deep: null },
    { n: 3, s: 'a', list: [], deep: { a: null } },
  ])
  expect((await readSource(fromParquet<{ s: string }>(path, { columns: ['s'] }))).records).toEqual([{ s: 'a' }, { s: null }, { s: 'a' }])
})

test('row groups are splits, read by different subtasks', async () => {
  const path = await write([{ name: 'n', data: Array.from({ length: 2_500 }, (_, index) => index), type: 'INT32' }], {
    rowGroupSize: 1_000,
  })
  const source = fromParquet<{ n: number }>(path)
  const parts = await Promise.all([0, 1].map((index) => readSource(source, { subtask: { index, parallelism: 2 } })))
  expect(parts.map((part) => [part.splits, part.records.length, part.records[0]?.n])).toEqual([
    [3, 1_500, 0],
    [3, 1_000, 1_000],
  ])
  expect(parts[0]?.batches).toBe(3)
})

describe('integers that are too large', () => {
  const columns = (): ColumnSource[] => [{ name: 'big', data: [1n, 2n, 2n ** 53n], type: 'INT64' }]

  test.each([
    ['without a schema', undefined],
    ['where the schema says number', z.object({ big: z.number() })],
    ['where the schema checks more', z.object({ big: z.int().min(0) })],
  ])('%s are a coded error with file, row and column', async (_name, schema) => {
    const path = await write(columns(), { rowGroupSize: 2 })
    const source: Source<unknown> = schema === undefined ? fromParquet(path) : fromParquet(path, { schema, onInvalid: 'drop' })
    await expect(readSource(source)).rejects.toMatchObject({
      code: 'SLUICE_INTEGER_UNSAFE',
      message: expect.stringMatching(/input\.parquet row 3, column big: the integer 9007199254740992 /),
      coordinates: { position: `${path} row 3` },
    })
  })

  test('are read exactly as bigint', async () => {
    const path = await write(columns())
    expect(
      (await readSource(fromParquet(path, { schema: z.object({ big: z.bigint().nullable() }) }))).records.map(({ big }) => big),
    ).toEqual([1n, 2n, 2n ** 53n])
  })
})

describe('rows that do not fit the schema', () => {
  const schema = z.object({ id: z.int(), name: z.string() })
  const columns = (): ColumnSource[] => [
    { name: 'id', data: Array.from({ length: 1_200 }, (_, index) => index), type: 'INT32' },
    { name: 'name', data: Array.from({ length: 1_200 }, (_, index) => (index === 700 ? null : 'x')), type: 'STRING' },
  ]

  test('fail with file, row and reason', async () => {
    const path = await write(columns(), { rowGroupSize: 600 })
    const seen: unknown[] = []
    await expect(readSource(fromParquet(path, { schema }), { onBatch: (records) => seen.push(...records) })).rejects.toMatchObject({
      code: 'SLUICE_RECORD_INVALID',
      message: expect.stringMatching(/input\.parquet row 701: name \(null\): .*expected string/),
      coordinates: { operator: 'input', position: `${path} row 701` },
    })
    expect(seen).toHaveLength(600)
  })

  test('are dropped and counted, or become dead letters', async () => {
    const path = await write(columns())
    const dropped = await readSource(fromParquet(path, { schema, onInvalid: 'drop' }))
    expect(dropped.dropped).toBe(1)
    expect(dropped.records.map(({ id }) => id)).toEqual(Array.from({ length: 1_200 }, (_, index) => index).filter((index) => index !== 700))
    expect((await readSource(fromParquet(path, { schema, onInvalid: 'deadLetter' }))).deadLetters).toEqual([
      { operator: 'input', input: { id: 700, name: null }, reason: expect.stringContaining('name (null)'), position: `${path} row 701` },
    ])
  })

  test('null is taken where the schema allows it; optional columns may be missing', async () => {
    const path = await write(columns())
    const nullable = await readSource(
      fromParquet(path, { schema: z.object({ name: z.string().nullable(), other: z.string().optional() }) }),
    )
    expect(nullable.records[700]).toEqual({ name: null })
    const optional = await readSource(fromParquet(path, { schema: z.object({ name: z.string().optional() }) }))
    expect(optional.records[700]).toEqual({ name: undefined })
  })

  test('schemas with checks, transforms and defaults are applied per row', async () => {
    const path = await write([{ name: 'n', data: [1, 2, 3], type: 'INT32' }])
    const schema = z.object({
      n: z
        .int()
        .min(2)
        .transform((n) => n * 10),
      tag: z.string().default('none'),
    })
    expect(await readSource(fromParquet(path, { schema, columns: ['n'], onInvalid: 'drop' }))).toMatchObject({
      records: [
        { n: 20, tag: 'none' },
        { n: 30, tag: 'none' },
      ],
      dropped: 1,
    })
  })

  test('a column that the file lacks is a coded error that names its columns', async () => {
    const path = await write(columns())
    await expect(readSource(fromParquet(path, { schema: z.object({ id: z.int(), price: z.number() }) }))).rejects.toMatchObject({
      code: 'SLUICE_RECORD_INVALID',
      message: expect.stringContaining("'price'"),
      hint: expect.stringContaining('id, name'),
    })
    await expect(readSource(fromParquet(path, { columns: ['nothing'] }))).rejects.toMatchObject({ code: 'SLUICE_RECORD_INVALID' })
  })
})

test('finer times are cut to milliseconds downwards, on both sides of 1970', async () => {
  const columns = (['MICROS', 'NANOS'] as const).map((unit): SchemaElement & ColumnSource => {
    const perMs = unit === 'MICROS' ? 1_000n : 1_000_000n
    return {
      name: unit,
      type: 'INT64',
      logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit },
      data: [1n, 0n, -1n, -perMs, 5n * perMs - 1n],
    }
  })
  const file = parquetWriteBuffer({
    columnData: columns.map(({ name, data }) => ({ name, data })),
    schema: [{ name: 'root', num_children: 2 }, ...columns.map(({ data: _, ...element }) => element)],
  })
  const path = join(await temporaryFolder(), 'input.parquet')
  await writeFile(path, new Uint8Array(file))
  const { records } = await readSource(fromParquet<{ MICROS: Date; NANOS: Date }>(path))
  expect(records.map(({ MICROS }) => MICROS.getTime())).toEqual([0, 0, -1, -1, 4])
  expect(records.map(({ NANOS }) => NANOS.getTime())).toEqual([0, 0, -1, -1, 4])
})

describe('files that are not what they should be', () => {
  test.each([
    ['an empty file', ''],
    ['text', 'this is not parquet at all, not even nearly'],
    ['a magic number without a footer', 'PAR1xxxx\u00ff\u00ff\u00ff\u007fPAR1'],
  ])('%s', async (_name, text) => {
    const path = join(await temporaryFolder(), 'input.parquet')
    await writeFile(path, text, 'latin1')
    await expect(readSource(fromParquet(path))).rejects.toMatchObject({
      code: 'SLUICE_INPUT_MALFORMED',
      message: expect.stringContaining('input.parquet'),
      coordinates: { position: path },
    })
  })

  test('a file that does not exist', async () => {
    const path = join(await temporaryFolder(), 'no.parquet')
    await expect(readSource(fromParquet(path))).rejects.toMatchObject({
      code: 'SLUICE_INPUT_MISSING',
      message: expect.stringContaining(path),
    })
  })

  test('damaged pages are a coded error, never garbage without end', async () => {
    const path = await write([
      { name: 'n', data: Array.from({ length: 500 }, (_, index) => index % 7), type: 'INT32' },
      { name: 's', data: Array.from({ length: 500 }, (_, index) => `name ${index % 5}`), type: 'STRING' },
    ])
    const intact = await readFile(path)
    const rows = (await readSource(fromParquet(path))).records
    expect(rows).toHaveLength(500)
    // Only the data: the last 400 bytes hold indexes and footer.
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 4, max: intact.length - 400 }), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const damaged = Buffer.from(intact)
        damaged[at] = (damaged[at] ?? 0) ^ flip
        await writeFile(path, damaged)
        try {
          const { records } = await readSource(fromParquet(path))
          expect(records).toHaveLength(500)
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^SLUICE_(INPUT_MALFORMED|INTEGER_UNSAFE)$/) })
        }
      }),
      { numRuns: 200 },
    )
  })
})

test('what is read is what hyparquet reads, for any nulls, repetition and paging', async () => {
  const folder = await temporaryFolder()
  let run = 0
  const value = fc.record({
    i: fc.option(fc.integer({ min: -3, max: 3 }), { nil: null, freq: 3 }),
    l: fc.option(fc.bigInt({ min: -(2n ** 53n) + 1n, max: 2n ** 53n - 1n }), { nil: null, freq: 5 }),
    d: fc.option(fc.double({ noNaN: true }), { nil: null }),
    s: fc.option(fc.oneof(fc.constantFrom('a', 'b', ''), fc.string({ unit: 'grapheme', maxLength: 5 })), { nil: null }),
    b: fc.option(fc.boolean(), { nil: null }),
    t: fc.option(fc.date({ noInvalidDate: true, min: new Date(-1e12), max: new Date(4e12) }), { nil: null }),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(value, { minLength: 1, maxLength: 300 }),
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 16, max: 2_000 }),
      async (rows, rowGroupSize, pageSize) => {
        const columnData: ColumnSource[] = [
          { name: 'i', data: rows.map((row) => row.i), type: 'INT32' },
          { name: 'l', data: rows.map((row) => row.l), type: 'INT64' },
          { name: 'd', data: rows.map((row) => row.d), type: 'DOUBLE' },
          { name: 's', data: rows.map((row) => row.s), type: 'STRING' },
          { name: 'b', data: rows.map((row) => row.b), type: 'BOOLEAN' },
          { name: 't', data: rows.map((row) => row.t), type: 'TIMESTAMP' },
        ]
        const path = join(folder, `${run++}.parquet`)
        const file = parquetWriteBuffer({ columnData, rowGroupSize, pageSize })
        await writeFile(path, new Uint8Array(file))
        const { records } = await readSource(fromParquet(path))
        const expected = await parquetReadObjects({ file, compressors })
        expect(records).toEqual(
          expected.map((row) => ({ ...row, l: row['l'] === null || row['l'] === undefined ? null : Number(row['l']), ...nulls(row) })),
        )
        expect(records).toEqual(rows.map((row) => ({ ...row, l: row.l === null ? null : Number(row.l) })))
      },
    ),
    { numRuns: 60 },
  )
})

function nulls(row: Record<string, unknown>): Record<string, null> {
  return Object.fromEntries(
    Object.entries(row)
      .filter(([, value]) => value === undefined)
      .map(([key]) => [key, null]),
  )
}

test('the three million flights are read as hyparquet reads them', async () => {
  const path = fileURLToPath(new URL('../../node_modules/vega-datasets/data/flights-3m.parquet', import.meta.url))
  const Flight = z.object({ date: z.date(), delay: z.int(), distance: z.int(), origin: z.string(), destination: z.string() })
  const { records, splits } = await readSource(fromParquet(path, { schema: Flight }), { subtask: { index: 10, parallelism: 11 } })
  expect(splits).toBe(11)
  const bytes = await readFile(path)
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
  const expected = await parquetReadObjects({ file, compressors, rowStart: 3_000_000 - records.length })
  expect(records.length).toBe(expected.length)
  const differs = records.findIndex((record, index) => {
    const other = expected[index] as Record<string, unknown>
    return (
      record.date.getTime() !== (other['date'] as Date).getTime() ||
      BigInt(record.delay) !== other['delay'] ||
      BigInt(record.distance) !== other['distance'] ||
      record.origin !== other['origin'] ||
      record.destination !== other['destination']
    )
  })
  expect(differs).toBe(-1)
})

test('rows are built alike by generated code and by the loop, also with a column named __proto__', () => {
  const columns = [
    ['y', 'x', 'y'],
    [1, 2, 3],
  ]
  const names = ['__proto__', 'a"b']
  const expected = JSON.parse('[{"__proto__":"x","a\\"b":2},{"__proto__":"y","a\\"b":3}]') as unknown
  expect(compileRowBuilder(names)(columns, 1, 3)).toEqual(expected)
  expect(loopRowBuilder(names)(columns, 1, 3)).toEqual(expected)
})
