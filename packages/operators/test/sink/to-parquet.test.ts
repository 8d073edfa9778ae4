import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { ParquetColumnType } from '../../src/sink/parquet-columns.js'
import { toParquet } from '../../src/sink/to-parquet.js'
import { fromParquet } from '../../src/source/from-parquet.js'
import { readSource, temporaryFolder } from '../source/read-source.js'
import { sinkContext, writeSink } from './write-sink.js'

async function roundTrip(
  records: readonly object[],
  options: Parameters<typeof toParquet<Record<string, unknown>>>[1] = {},
): Promise<unknown[]> {
  const path = join(await temporaryFolder(), 'out.parquet')
  await writeSink(toParquet<Record<string, unknown>>(path, options), records)
  return (await readSource(fromParquet(path))).records
}

test('values keep their types; what is missing is null; lists and objects come back from JSON', async () => {
  const at = new Date('2024-01-02T03:04:05.678Z')
  const bytes = Uint8Array.of(0, 255)
  expect(
    await roundTrip([{ s: 'ü', n: 0.5, big: 5n, ok: true, at, bytes, list: [1, { k: at, b: 2n }] }, { s: null, late: 'x' }, {}]),
  ).toEqual([
    { s: 'ü', n: 0.5, big: 5, ok: true, at, bytes, list: [1, { k: at.toISOString(), b: '2' }], late: null },
    { s: null, n: null, big: null, ok: null, at: null, bytes: null, list: null, late: 'x' },
    { s: null, n: null, big: null, ok: null, at: null, bytes: null, list: null, late: null },
  ])
})

test('columns that are named have their types, also where no record came', async () => {
  const path = join(await temporaryFolder(), 'out.parquet')
  await writeSink(toParquet<{ a: number; b: number }>(path, { columns: { a: 'int32', b: 'int64' } }), [])
  expect(await readSource(fromParquet(path))).toMatchObject({ records: [], splits: 0 })
  expect(await roundTrip([{ a: 1, b: 2 }], { columns: { a: 'int32', b: 'int64' } })).toEqual([{ a: 1, b: 2 }])
  expect(await roundTrip([])).toEqual([])
})

test('row groups are written as they fill, and read back in order', async () => {
  const path = join(await temporaryFolder(), 'out.parquet')
  const records = Array.from({ length: 1_000 }, (_, index) => ({ id: index, name: `n${index % 9}` }))
  await writeSink(toParquet(path, { rowGroupRecords: 300 }), records)
  const result = await readSource(fromParquet(path, { schema: z.object({ id: z.int(), name: z.string() }) }))
  expect(result).toMatchObject({ records, splits: 4 })
})

test.each<[string, object[], string]>([
  ['a value of another type', [{ a: 1 }, { a: 'x' }], 'Row 2, column a: "x" does not fit the column, which is double'],
  ['a record that is no object', [[1]], 'Row 1 is not an object'],
  ['a Map', [{ a: new Map() }], 'Column a, row 1: The record is a Map'],
  ['a function', [{ a: () => 1 }], 'Row 1, column a: function does not fit'],
])('%s is a coded error with row and column', async (_name, records, message) => {
  await expect(roundTrip(records)).rejects.toMatchObject({
    code: expect.stringMatching(/^SLUICE_(SINK_FAILED|JSON_UNSUPPORTED)$/),
    message: expect.stringContaining(message),
  })
})

test.each<[ParquetColumnType, unknown]>([
  ['int32', 2 ** 31],
  ['int32', 0.5],
  ['int64', 2n ** 63n],
  ['int64', 2 ** 53],
  ['timestamp', new Date(Number.NaN)],
  ['boolean', 1],
  ['bytes', 'x'],
])('%s refuses %s', async (type, value) => {
  await expect(roundTrip([{ a: value }], { columns: { a: type } })).rejects.toMatchObject({
    code: 'SLUICE_SINK_FAILED',
    hint: expect.stringContaining('columns: { a:'),
  })
})

test('a property that appears after the first row group is refused', async () => {
  await expect(roundTrip([{ a: 1 }, { a: 1, b: 2 }], { rowGroupRecords: 1 })).rejects.toMatchObject({
    message: expect.stringContaining("Row 2 has the property 'b'"),
  })
})

test('a folder holds a part per subtask; output that exists is refused', async () => {
  const folder = `${await temporaryFolder()}/out/`
  for (const index of [0, 1]) await writeSink(toParquet(folder), [{ index }], sinkContext({ subtask: { index, parallelism: 2 } }))
  expect((await readdir(folder)).sort()).toEqual(['part-0.parquet', 'part-1.parquet'])
  expect((await readSource(fromParquet(folder))).records).toEqual([{ index: 0 }, { index: 1 }])
  await expect(writeSink(toParquet(folder), [])).rejects.toMatchObject({ code: 'SLUICE_OUTPUT_EXISTS' })
})

test('options are checked while declaring', () => {
  expect(() => toParquet('x.parquet', { rowGroupRecords: 0 })).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }))
  expect(() => toParquet<{ a: 1 }>('x.parquet', { columns: { a: 'text' as 'string' } })).toThrow(
    expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID' }),
  )
})

test('any rows that are written are read back', async () => {
  const folder = await temporaryFolder()
  let run = 0
  const nullable = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null, freq: 4 })
  const row = fc.record({
    s: nullable(fc.string({ unit: 'grapheme', maxLength: 8 })),
    n: nullable(fc.double({ noNaN: true })),
    i: nullable(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    b: nullable(fc.boolean()),
    t: nullable(fc.date({ noInvalidDate: true })),
  })
  const schema = z.object({
    s: z.string().nullable(),
    n: z.number().nullable(),
    i: z.bigint().nullable(),
    b: z.boolean().nullable(),
    t: z.date().nullable(),
  })
  const columns = { s: 'string', n: 'double', i: 'int64', b: 'boolean', t: 'timestamp' } as const
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 60 }), fc.integer({ min: 1, max: 40 }), async (rows, rowGroupRecords) => {
      const path = join(folder, `${run++}.parquet`)
      const finite = rows.map((record) => ({ ...record, n: record.n !== null && Number.isFinite(record.n) ? record.n : null }))
      await writeSink(toParquet(path, { columns, rowGroupRecords }), finite)
      expect((await readSource(fromParquet(path, { schema }))).records).toEqual(finite)
    }),
    { numRuns: 60 },
  )
})
