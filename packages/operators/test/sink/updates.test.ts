import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compact, defineJob, fromArray, fromParquet, toCsv, toJsonLines, toParquet, type Update } from '../../src/index.js'
import { Simulation } from '../../../engine/test/support/simulation.js'
import { tableOf } from '../join/drive.js'
import { readSource, temporaryFolder } from '../source/read-source.js'
import { sinkContext, writeSink } from './write-sink.js'

interface Row {
  readonly id: number
  readonly name: string
}

const upsert = (key: unknown, id: number, name: string): Update<Row> => ({ op: 'upsert', key, value: { id, name } })
const remove = (key: unknown, id: number, name: string): Update<Row> => ({ op: 'delete', key, value: { id, name } })

const changes = [
  upsert('a', 1, 'one'),
  upsert(['b', 1], 2, 'two'),
  upsert('a', 3, 'three'),
  remove(['b', 1], 2, 'two'),
  upsert('c', 4, 'four'),
]

test("'table' writes the values of the final table, in the order of the keys", async () => {
  const folder = await temporaryFolder()
  await writeSink(toJsonLines(join(folder, 'out.jsonl'), { updates: 'table' }), changes)
  expect(await readFile(join(folder, 'out.jsonl'), 'utf8')).toBe('{"id":3,"name":"three"}\n{"id":4,"name":"four"}\n')
  await writeSink(toCsv<Row>(join(folder, 'out.csv'), { updates: 'table', columns: ['name', 'id'] }), changes)
  expect(await readFile(join(folder, 'out.csv'), 'utf8')).toBe('name,id\nthree,3\nfour,4\n')
  await writeSink(toParquet<Row>(join(folder, 'out.parquet'), { updates: 'table' }), changes)
  expect((await readSource(fromParquet(join(folder, 'out.parquet')))).records).toEqual([
    { id: 3, name: 'three' },
    { id: 4, name: 'four' },
  ])
})

test("'log' writes every update", async () => {
  const folder = await temporaryFolder()
  await writeSink(toJsonLines(join(folder, 'out.jsonl'), { updates: 'log' }), changes)
  const lines = (await readFile(join(folder, 'out.jsonl'), 'utf8')).trim().split('\n')
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(changes)
  await writeSink(toCsv(join(folder, 'out.csv'), { updates: 'log' }), changes.slice(0, 1))
  expect(await readFile(join(folder, 'out.csv'), 'utf8')).toBe('op,key,value\nupsert,a,"{""id"":1,""name"":""one""}"\n')
})

test('any updates, in more batches than one', async () => {
  const path = join(await temporaryFolder(), 'out.jsonl')
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ op: fc.constantFrom('upsert' as const, 'upsert' as const, 'delete' as const), key: fc.nat(400), value: fc.nat(9) }),
        {
          maxLength: 3_000,
        },
      ),
      async (drawn) => {
        const table = new Map<number, number>()
        const updates = drawn.map(({ op, key, value }): Update<number> => {
          const before = table.get(key)
          if (op === 'delete' && before !== undefined) table.delete(key)
          else table.set(key, value)
          return op === 'delete' && before !== undefined ? { op, key, value: before } : { op: 'upsert', key, value }
        })
        await writeSink(toJsonLines(path, { updates: 'table' }), updates, sinkContext({ overwrite: true }))
        expect(await readFile(path, 'utf8')).toBe([...tableOf(updates).values()].map((value) => `${value}\n`).join(''))
      },
    ),
    { numRuns: 20 },
  )
})

test('a table has one writer, also where it is a folder; a log may have more', () => {
  expect(toJsonLines('out/', { updates: 'table' }).parallelismMax).toEqual({ value: 1, because: 'updates are applied to one table' })
  expect(toJsonLines('out/', { updates: 'log' }).parallelismMax).toBeUndefined()
  expect(toCsv('out/', { updates: 'table' }).parallelismMax?.value).toBe(1)
  expect(toParquet('out/', { updates: 'table' }).parallelismMax?.value).toBe(1)
  expect(toJsonLines('out.jsonl', { updates: 'table' }).options).toMatchObject({ updates: 'table' })
})

test('what is no update is refused, and what is not an option', async () => {
  const path = join(await temporaryFolder(), 'out.jsonl')
  await expect(writeSink(toJsonLines(path, { updates: 'table' }), [{ id: 1 }])).rejects.toMatchObject({
    code: 'SLUICE_SINK_FAILED',
    message: expect.stringContaining('a record that is no update'),
  })
  expect(() => toJsonLines(path, { updates: 'apply' as never })).toThrow("toJsonLines: updates is 'apply', and takes 'table' or 'log'")
})

test('compact gives the rows of the final table', async () => {
  const graph = defineJob({ name: 'test' }, (job) => ({
    rows: job.source('changes', fromArray(changes)).through(compact('final')),
  })).declare({}, { collect: true })
  const rows: unknown[] = []
  const host = { collect: (_stream: string, records: readonly unknown[]) => void rows.push(...records), writeOut: () => {} }
  await new Simulation(graph, { parallelism: 2, host }).run()
  expect(rows.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1))).toEqual([
    { key: 'a', value: { id: 3, name: 'three' } },
    { key: 'c', value: { id: 4, name: 'four' } },
  ])
})
