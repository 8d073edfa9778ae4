import { mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunIdentity, SinkWriter } from '@sluice/engine'
import { describe, expect, test } from 'vitest'
import { defineSink } from '../../src/sink/define-sink.js'
import type { Sink } from '../../src/sink/sink.js'
import { toCsv } from '../../src/sink/to-csv.js'
import { toJsonLines } from '../../src/sink/to-json-lines.js'
import { toParquet } from '../../src/sink/to-parquet.js'
import { fromParquet } from '../../src/source/from-parquet.js'
import { readSource, temporaryFolder } from '../source/read-source.js'
import { type ContextOptions, openSink, sinkContext, writeSink } from './write-sink.js'

const run: RunIdentity = { id: 'r1', attempt: 1, restoredCheckpoint: 0 }
const later = (attempt: number, restoredCheckpoint: number): RunIdentity => ({ id: 'r1', attempt, restoredCheckpoint })

function open(sink: Sink<never>, options: ContextOptions): Promise<SinkWriter> {
  return openSink(sink, sinkContext(options))
}

/** One segment: records, then everything of a checkpoint but its commit. */
async function prepare(writer: SinkWriter, records: readonly unknown[], checkpoint: number): Promise<unknown> {
  if (records.length > 0) await writer.write(records)
  const prepared = await writer.prepare?.(checkpoint)
  await writer.durable?.()
  return structuredClone(prepared)
}

describe('a folder', () => {
  test('shows a part per checkpoint, and what is hidden tells whose it is', async () => {
    const folder = `${await temporaryFolder()}/out/`
    const writer = await open(toJsonLines(folder), { run, subtask: { index: 1, parallelism: 2 } })
    const first = await prepare(writer, [1], 7)
    expect(await readdir(folder)).toEqual(['.part-1-7-0.jsonl.test.r1.1.partial'])
    // What comes behind the checkpoint is written meanwhile.
    await writer.write([2])
    await writer.commit?.(first)
    await writer.commit?.(first)
    expect(await readdir(folder)).toEqual(['part-1-7-0.jsonl'])
    expect(await readFile(join(folder, 'part-1-7-0.jsonl'), 'utf8')).toBe('1\n')
    expect(await prepare(writer, [], 8)).toMatchObject({ name: 'part-1-8-0.jsonl', bytes: 2 })
    expect(await prepare(writer, [], 9)).toBeUndefined()
    await writer.close?.()
  })

  test('leaves prepared parts to whoever restores them, and removes what no checkpoint will publish', async () => {
    const folder = `${await temporaryFolder()}/out/`
    await mkdir(folder)
    await writeFile(join(folder, '.part-0-9-0.jsonl.test.other.1.partial'), 'of another run')
    const dead = await open(toJsonLines(folder), { run })
    const complete = await prepare(dead, [1], 1)
    await prepare(dead, [2], 2)
    const text = 'x'.repeat(200_000)
    await dead.write([text])
    await dead.onDeadline?.(0)
    await dead.close?.()
    expect(await readdir(folder)).toHaveLength(4)

    const context = sinkContext({ run: later(2, 1), restored: [complete], subtask: { index: 0, parallelism: 1 } })
    const writer = await openSink(toJsonLines(folder), context)
    expect((await readdir(folder)).sort()).toEqual(['.part-0-1-0.jsonl.test.r1.1.partial', '.part-0-9-0.jsonl.test.other.1.partial'])
    await writer.commit?.(complete)
    expect(await readdir(folder)).toContain('part-0-1-0.jsonl')
    expect(context.warnings).toEqual([])
    await writer.close?.()
  })

  test.each([
    ['what attempts of this run prepared', false, ['.part-0-1-0.jsonl.jsonl.r0.1.partial', '.part-0-1-0.jsonl.test.r0.1.partial']],
    ['what earlier runs of the job did, where output is replaced', true, ['.part-0-1-0.jsonl.jsonl.r0.1.partial']],
  ])('that begins anew removes %s', async (_what, overwrite, stays) => {
    const folder = `${await temporaryFolder()}/out/`
    await mkdir(folder)
    for (const owner of ['test.r0', 'jsonl.r0']) await writeFile(join(folder, `.part-0-1-0.jsonl.${owner}.1.partial`), '0')
    const dead = await open(toJsonLines(folder), { run })
    await prepare(dead, [1], 1)
    await dead.close?.()
    const writer = await open(toJsonLines(folder), { run: later(2, 0), overwrite })
    expect((await readdir(folder)).sort()).toEqual(stays)
    await writer.close?.()
  })

  test('is made for a sink that a restored job did not have before', async () => {
    const folder = `${await temporaryFolder()}/new/out/`
    const writer = await open(toJsonLines(folder), { run: later(2, 1), restored: [] })
    await writer.commit?.(await prepare(writer, [1], 2))
    await writer.close?.()
    expect(await readdir(folder)).toEqual(['part-0-2-0.jsonl'])
  })

  test('takes back what was published behind an older checkpoint that is restored, and says so', async () => {
    const folder = `${await temporaryFolder()}/out/`
    const dead = await open(toJsonLines(folder), { run })
    const prepared = [await prepare(dead, [1], 1), await prepare(dead, [2], 2)]
    for (const one of prepared) await dead.commit?.(one)
    await dead.close?.()
    const context = sinkContext({ run: later(2, 1), restored: [prepared[0]] })
    const writer = await openSink(toJsonLines(folder), context)
    await writer.commit?.(prepared[0])
    expect(await readdir(folder)).toEqual(['part-0-1-0.jsonl'])
    expect(context.warnings).toHaveLength(1)
    await writer.close?.()
  })

  test('a part that was changed or taken away since is a coded error', async () => {
    const folder = `${await temporaryFolder()}/out/`
    const writer = await open(toJsonLines(folder), { run })
    const prepared = await prepare(writer, [12], 1)
    await writer.commit?.(prepared)
    await writer.close?.()
    const again = await open(toJsonLines(folder), { run: later(2, 1), restored: [prepared] })
    await writeFile(join(folder, 'part-0-1-0.jsonl'), '21\n')
    await expect(again.commit?.(prepared)).rejects.toMatchObject({ code: 'SLUICE_OUTPUT_CHANGED', coordinates: { operator: 'out' } })
    await rm(join(folder, 'part-0-1-0.jsonl'))
    await expect(again.commit?.(prepared)).rejects.toMatchObject({
      code: 'SLUICE_OUTPUT_CHANGED',
      message: expect.stringContaining('is gone'),
    })
    await again.close?.()
  })

  test('a job that fails removes the part it was writing', async () => {
    const folder = `${await temporaryFolder()}/out/`
    const writer = await open(toJsonLines(folder), { run })
    await writer.write(['x'.repeat(200_000)])
    await writer.abort?.()
    await writer.close?.()
    expect(await readdir(folder)).toEqual([])
  })

  test('that holds parts refuses a fresh start, with the two ways on', async () => {
    const folder = `${await temporaryFolder()}/out/`
    const writer = await open(toJsonLines(folder), { run })
    await writer.commit?.(await prepare(writer, [1], 1))
    await writer.close?.()
    await expect(open(toJsonLines(folder), { run: { ...run, id: 'r2' } })).rejects.toMatchObject({
      code: 'SLUICE_OUTPUT_EXISTS',
      hint: expect.stringMatching(/--restore latest.*--overwrite/),
    })
    await (await open(toJsonLines(folder), { run: { ...run, id: 'r2' }, overwrite: true })).close?.()
    expect(await readdir(folder)).toEqual([])
  })

  test('CSV parts have a header each', async () => {
    const folder = `${await temporaryFolder()}/out/`
    const writer = await open(toCsv(folder), { run })
    for (const id of [1, 2]) await writer.commit?.(await prepare(writer, [{ id }], id))
    await writer.finish?.()
    expect(await prepare(writer, [], 3)).toBeUndefined()
    await writer.close?.()
    expect(await readFile(join(folder, 'part-0-1-0.csv'), 'utf8')).toBe('id\n1\n')
    expect(await readFile(join(folder, 'part-0-2-0.csv'), 'utf8')).toBe('id\n2\n')
  })

  test('a Parquet column that held only nulls in one part has a type in the next', async () => {
    const folder = `${await temporaryFolder()}/out/`
    const writer = await open(toParquet(folder), { run })
    await writer.commit?.(await prepare(writer, [{ a: 1, b: null }], 1))
    await writer.commit?.(await prepare(writer, [{ a: 2, b: 3, c: 'new' }], 2))
    await writer.close?.()
    const rows = (name: string): Promise<{ records: unknown[] }> => readSource(fromParquet(join(folder, name)))
    expect((await rows('part-0-1-0.parquet')).records).toEqual([{ a: 1, b: null }])
    expect((await rows('part-0-2-0.parquet')).records).toEqual([{ a: 2, b: 3, c: 'new' }])
  })
})

describe('one file', () => {
  test('bears its name when the last checkpoint is committed, and is cut back before', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'out.csv')
    const dead = await open(toCsv(path), { run })
    const complete = await prepare(dead, [{ id: 1 }], 1)
    await dead.commit?.(complete)
    await prepare(dead, [{ id: 99 }], 2)
    await dead.close?.()
    expect(await readdir(folder)).toEqual(['out.csv.partial'])

    const writer = await open(toCsv(path), { run: later(2, 1), restored: [complete] })
    await writer.commit?.(complete)
    await writer.write([{ id: 2 }])
    await writer.finish?.()
    const final = await prepare(writer, [], 3)
    expect(await readdir(folder)).toEqual(['out.csv.partial'])
    await writer.commit?.(final)
    await writer.commit?.(final)
    await writer.close?.()
    expect(await readFile(path, 'utf8')).toBe('id\n1\n2\n')
    expect(await readdir(folder)).toEqual(['out.csv'])

    // An older checkpoint of a job that has finished: the file is gone on with, under its unfinished name.
    const again = await open(toCsv(path), { run: later(3, 1), restored: [complete] })
    expect(await readdir(folder)).toEqual(['out.csv.partial'])
    await again.close?.()
    expect(await readFile(`${path}.partial`, 'utf8')).toBe('id\n1\n')
  })

  test('shorter than the checkpoint says, or gone, is a coded error and left alone', async () => {
    const path = join(await temporaryFolder(), 'out.jsonl')
    const dead = await open(toJsonLines(path), { run })
    const complete = await prepare(dead, [1, 2, 3], 1)
    await dead.close?.()
    await truncate(`${path}.partial`, 3)
    const options = { run: later(2, 1), restored: [complete] }
    await expect(open(toJsonLines(path), options)).rejects.toMatchObject({
      code: 'SLUICE_OUTPUT_CHANGED',
      message: expect.stringContaining('3 instead of 6 bytes'),
    })
    await rename(`${path}.partial`, `${path}.taken`)
    await expect(open(toJsonLines(path), options)).rejects.toMatchObject({ code: 'SLUICE_OUTPUT_CHANGED' })
    expect(await readFile(`${path}.taken`, 'utf8')).toBe('1\n2')
  })

  test('that exists refuses a fresh start; a second attempt of the run before any checkpoint begins anew', async () => {
    const path = join(await temporaryFolder(), 'out.jsonl')
    await writeFile(path, 'old')
    await expect(open(toJsonLines(path), { run })).rejects.toMatchObject({
      code: 'SLUICE_OUTPUT_EXISTS',
      hint: expect.stringMatching(/--restore latest.*--overwrite/),
    })
    await rm(path)
    const dead = await open(toJsonLines(path), { run })
    await dead.write([1])
    await dead.onDeadline?.(0)
    await dead.close?.()
    const writer = await open(toJsonLines(path), { run: later(2, 0) })
    await writer.finish?.()
    await writer.commit?.(await prepare(writer, [], 1))
    await writer.close?.()
    expect(await readFile(path, 'utf8')).toBe('')
  })

  test('a pipe or device is written in place, and has nothing to commit', async () => {
    const writer = await open(toJsonLines('/dev/null'), { run })
    expect(await prepare(writer, [1], 1)).toBeUndefined()
    await writer.finish?.()
    await writer.close?.()
  })

  test('that a restored job did not have before is refused where it exists', async () => {
    const path = join(await temporaryFolder(), 'out.jsonl')
    await writeFile(path, 'old')
    for (const sink of [toJsonLines(path), toJsonLines(path, { updates: 'table' })])
      await expect(open(sink, { run: later(2, 1), restored: [] })).rejects.toMatchObject({ code: 'SLUICE_OUTPUT_EXISTS' })
  })

  test('a table is state until the end: rows and their order come back', async () => {
    const path = join(await temporaryFolder(), 'out.jsonl')
    const sink = toJsonLines(path, { updates: 'table' })
    const upsert = (key: unknown, value: unknown): unknown => ({ op: 'upsert', key, value })
    const dead = await open(sink, { run })
    const complete = await prepare(dead, [upsert(['a', 1], 1), upsert(['b', 2], 2)], 1)
    await dead.close?.()
    const writer = await open(sink, { run: later(2, 1), restored: [complete] })
    await writer.commit?.(complete)
    await writer.write([upsert(['a', 1], 3), { op: 'delete', key: ['b', 2], value: 2 }, upsert('c', 4)])
    await writer.finish?.()
    await writer.commit?.(await prepare(writer, [], 2))
    await writer.close?.()
    expect(await readFile(path, 'utf8')).toBe('3\n4\n')
  })
})

describe('defineSink', () => {
  test('says exactly-once where it is transactional', () => {
    const open = (): never => {
      throw new Error('not opened')
    }
    expect(defineSink({ open }).delivery).toBe('at-least-once')
    expect(defineSink({ open, transactional: true }).delivery).toBe('exactly-once')
    expect(defineSink({ open, transactional: true, delivery: 'at-most-once' }).delivery).toBe('at-most-once')
    for (const sink of [toJsonLines('x'), toCsv('x'), toParquet('x')]) expect(sink.delivery).toBe('exactly-once')
  })

  test('shows what its writer can do, and refuses half of a transaction', async () => {
    const write = (): void => undefined
    const plain = await openSink(defineSink({ open: () => ({ write }) }))
    expect([plain.prepare, plain.durable, plain.unwritten]).toEqual([undefined, undefined, undefined])
    const both = await openSink(
      defineSink({ open: () => ({ write, prepare: () => 1, commit: () => undefined, commitOverlapsWrites: true }) }),
    )
    expect(both.prepare?.(1)).toBe(1)
    expect(both.commitOverlapsWrites).toBe(true)
    await expect(openSink(defineSink({ open: () => ({ write }), transactional: true }))).rejects.toMatchObject({
      code: 'SLUICE_OPTIONS_INVALID',
      message: expect.stringContaining('no prepare'),
    })
    await expect(openSink(defineSink({ open: () => ({ write, prepare: () => 1 }) }))).rejects.toMatchObject({
      message: expect.stringContaining('no commit'),
    })
  })
})

test('output without checkpoints is as it was', async () => {
  const folder = `${await temporaryFolder()}/out/`
  await writeSink(toJsonLines(folder), [1])
  expect(await readdir(folder)).toEqual(['part-0.jsonl'])
})
