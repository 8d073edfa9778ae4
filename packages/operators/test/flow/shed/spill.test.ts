import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, test } from 'vitest'
import type { Spill } from '../../../src/index.js'
import { FakeOperatorContext } from '../../support/fake-operator-context.js'
import { type Item, ShedBench } from './shed-bench.js'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spill-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

async function opened(options: Partial<Spill> = {}): Promise<ShedBench> {
  const bench = new ShedBench({ policy: 'spill', directory: join(directory, 'deep'), records: 8, ...options })
  await bench.operator.open?.()
  return bench
}

function partsOf(parts: Iterator<unknown> | undefined): unknown[] {
  const all: unknown[] = []
  for (let next = parts?.next(); next !== undefined && next.done !== true; next = parts?.next()) all.push(next.value)
  return all
}

const files = (): readonly string[] => readdirSync(join(directory, 'deep'))

test('what does not fit goes to disk and comes back in its order, with timestamps and behind it the watermarks', async () => {
  const bench = await opened()
  bench.block()
  for (let id = 0; id < 100; id++) bench.push({ id, pad: 'x' }, id * 10)
  bench.watermark(5)
  expect(files().length).toBeGreaterThan(30)
  expect(bench.operator.holding).toBe(100)
  bench.release(99)
  expect(bench.context.passed).toEqual([])
  bench.flow()
  expect(bench.context.emitted).toEqual(Array.from({ length: 100 }, (_, id) => ({ value: { id, pad: 'x' }, timestamp: id * 10, port: 0 })))
  expect(bench.context.passed).toEqual([{ watermark: 5, idle: false }])
  expect(files()).toEqual([])
})

it('loses, doubles and reorders nothing whatever comes when, and keeps its bounds', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('push' as const), pad: fc.string({ maxLength: 20 }), times: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ kind: fc.constant('release' as const), records: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ kind: fc.constant('restore' as const), meanwhile: fc.integer({ min: 0, max: 30 }) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 4, max: 12 }), async (steps, records) => {
      const options = { records, bytes: 1_000, diskBytes: 2_000 }
      let bench = await opened(options)
      bench.block()
      let id = 0
      let restoredBytes = 0
      const out: number[] = []
      for (const each of steps) {
        if (each.kind === 'push') {
          for (let k = 0; k < each.times && !bench.context.inputHeld; k++) bench.push({ id: id++, pad: each.pad })
        } else if (each.kind === 'release') {
          bench.release(each.records)
        } else {
          const states = [structuredClone(bench.operator.snapshot?.())]
          const parts = bench.operator.snapshotParts?.()
          const emitted = bench.out.length
          // Records go on leaving and coming while a checkpoint reads what is on disk.
          bench.release(each.meanwhile)
          if (!bench.context.inputHeld) bench.push({ id: -1, pad: '' })
          const written = structuredClone(partsOf(parts))
          await bench.operator.close?.()
          expect(files()).toEqual([])
          out.push(...bench.out.slice(0, emitted))
          bench = await opened(options)
          bench.block()
          bench.operator.restore?.({ watermark: Number.NEGATIVE_INFINITY, states, ended: false })
          for (const part of written) bench.operator.restorePart?.(part)
        }
        expect(out.length + bench.out.length + bench.operator.holding).toBe(id)
        // Only a restore may bring more, of what was in memory before: that stays.
        const onDisk = bench.context.counts.get('spilledBytes') ?? 0
        restoredBytes = each.kind === 'restore' ? onDisk : Math.min(restoredBytes, onDisk)
        expect(onDisk).toBeLessThanOrEqual(Math.max(2_000, restoredBytes))
      }
      bench.flow()
      expect([...out, ...bench.out]).toEqual(Array.from({ length: id }, (_, index) => index))
      expect(files()).toEqual([])
      expect(bench.context.inputHeld).toBe(false)
    }),
    { numRuns: 60 },
  )
})

test('a checkpoint reads a block at a time, files stay until it has them, and those it gives up are removed', async () => {
  const bench = await opened()
  bench.block()
  for (let id = 0; id < 100; id++) bench.push({ id })
  const before = files().length
  const parts = bench.operator.snapshotParts?.()
  bench.flow()
  expect(files()).toHaveLength(before)
  parts?.next()
  expect(files()).toHaveLength(before - 1)
  parts?.return?.()
  expect(files()).toEqual([])
  expect(parts?.next()).toEqual({ done: true, value: undefined })
})

test('another size of the queue takes the blocks of a checkpoint apart', async () => {
  const bench = await opened({ records: 16 })
  bench.block()
  for (let id = 0; id < 50; id++) bench.push({ id })
  const states = [bench.operator.snapshot?.()]
  const written = partsOf(bench.operator.snapshotParts?.())
  const smaller = await opened({ records: 4 })
  smaller.block()
  smaller.operator.restore?.({ watermark: Number.NEGATIVE_INFINITY, states, ended: false })
  for (const part of written) smaller.operator.restorePart?.(part)
  smaller.flow()
  expect(smaller.out).toEqual(Array.from({ length: 50 }, (_, id) => id))
})

test('where the disk may take no more the producers wait', async () => {
  const bench = await opened({ diskBytes: 100 })
  bench.block()
  let given = 0
  while (!bench.context.inputHeld && given < 1_000) {
    bench.push({ id: given++ })
    expect(bench.context.counts.get('spilledBytes') ?? 0).toBeLessThanOrEqual(100)
  }
  expect(given).toBeLessThan(100)
  bench.flow()
  expect(bench.context.inputHeld).toBe(false)
  expect(bench.out).toHaveLength(given)
})

test('files are removed on close, and those of a process that is no more when the next one opens', async () => {
  const bench = await opened()
  bench.block()
  for (let id = 0; id < 50; id++) bench.push({ id })
  expect(files().length).toBeGreaterThan(0)
  await bench.operator.close?.()
  expect(files()).toEqual([])
  // No process has this id: it is beyond what Linux gives.
  const dead = 'test.operator.0.99999999.0.spill'
  const others = ['test.operator.0.1.0.spill', 'test.another.0.99999999.0.spill', 'notes.txt']
  for (const name of [dead, ...others]) writeFileSync(join(directory, 'deep', name), '')
  await opened()
  expect([...files()].sort()).toEqual([...others].sort())
})

test('a directory that cannot be made is a coded error', async () => {
  writeFileSync(join(directory, 'deep'), 'a file')
  await expect(opened()).rejects.toMatchObject({ code: 'SLUICE_SPILL_FAILED' })
})

test('a block that cannot be written or read is a coded error', async () => {
  const bench = await opened()
  bench.block()
  for (let id = 0; id < 50; id++) bench.push({ id })
  rmSync(join(directory, 'deep'), { recursive: true })
  expect(() => bench.flow()).toThrow(expect.objectContaining({ code: 'SLUICE_SPILL_FAILED' }))
  const other = await opened()
  rmSync(join(directory, 'deep'), { recursive: true })
  other.block()
  expect(() => {
    for (let id = 0; id < 50; id++) other.push({ id })
  }).toThrow(expect.objectContaining({ code: 'SLUICE_SPILL_FAILED' }))
})

test('a record that is larger than a block is a coded error', async () => {
  const large: Item = { id: 1, pad: 'x'.repeat(100) }
  const bench = await opened({ bytes: 4 * new FakeOperatorContext().sizeOf(large) - 4 })
  bench.block()
  expect(() => bench.push(large)).toThrow(expect.objectContaining({ code: 'SLUICE_RECORD_TOO_LARGE' }))
})
