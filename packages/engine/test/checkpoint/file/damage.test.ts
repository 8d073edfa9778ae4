/** Files that are not what was written, storage that fails, state that does not fit: each is a coded error, and nothing else is disturbed. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkSnapshotFile, verifySnapshotFile } from '../../../src/checkpoint/file/inspect-file.js'
import { openSnapshot } from '../../../src/checkpoint/file/snapshot-reader.js'
import { createSnapshotWriters } from '../../../src/checkpoint/file/snapshot-writer.js'
import type { SnapshotFileHandle } from '../../../src/checkpoint/protocol.js'
import { SNAPSHOT_WRITE_BYTES_MAX, type SnapshotWriter } from '../../../src/checkpoint/snapshot.js'
import type { ColumnKind, ColumnName } from '../../../src/state/column.js'
import type { KeyTable } from '../../../src/state/key-table.js'
import { StateRegistry } from '../../../src/state/state-registry.js'
import { TimerQueue } from '../../../src/state/timer-queue.js'
import { writeGolden } from './golden-state.js'
import { MemoryStorage } from '../../support/memory-storage.js'

function begin(storage: MemoryStorage, id = 1, onRoom?: () => void): SnapshotWriter {
  return createSnapshotWriters({
    storage,
    folderOf: (each) => `chk-${each}`,
    keyGroups: 8,
    attempt: 1,
    placeOf: () => ({ index: 0, parallelism: 1 }),
  }).begin(id, 0, onRoom)
}

async function finish(writer: SnapshotWriter): Promise<SnapshotFileHandle> {
  // Storage has to be let in where as much is pending as may be.
  while (!writer.step(() => false)) await new Promise((resolve) => setImmediate(resolve))
  const handle = await writer.finish()
  if (handle === undefined) throw new Error('nothing was written')
  return handle
}

async function writeTable(
  storage: MemoryStorage,
  columns: readonly ColumnKind[],
  names: readonly ColumnName[] | undefined,
  rows: readonly (readonly unknown[])[],
): Promise<SnapshotFileHandle> {
  const registry = new StateRegistry()
  const table = registry.keyTable('rows', columns, names)
  for (const [index, row] of rows.entries()) {
    const slot = table.slotOf(index)
    for (const [at, column] of table.columns.entries()) column.values[slot] = row[at]
  }
  const writer = begin(storage)
  writer.freeze('op', registry)
  return finish(writer)
}

const rowOf = (table: KeyTable, key: unknown): unknown[] => table.columns.map(({ values }) => values[table.find(key)])

test('every changed byte and every lost end is found', async () => {
  const storage = new MemoryStorage()
  const writer = begin(storage)
  writeGolden(writer)
  const handle = await finish(writer)
  const whole = Buffer.from(storage.files.get(handle.path) as Uint8Array)
  await verifySnapshotFile(storage, handle)
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), async (at, by, cut) => {
      // Zeros of the header and the trailer say nothing yet.
      const unused = (at >= 12 && at < 16) || (at >= whole.length - 12 && at < whole.length - 8)
      if (unused && !cut) return
      const changed = cut ? Buffer.from(whole.subarray(0, at)) : Buffer.from(whole)
      if (!cut) changed[at] = (changed[at] as number) ^ by
      storage.files.set(handle.path, changed)
      await expect(verifySnapshotFile(storage, handle)).rejects.toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^SLUICE_CHECKPOINT_(CORRUPT|VERSION)$/) }),
      )
    }),
    { numRuns: 200 },
  )
  storage.files.delete(handle.path)
  await expect(checkSnapshotFile(storage, handle)).rejects.toThrow(expect.objectContaining({ code: 'SLUICE_CHECKPOINT_FILE_MISSING' }))
})

test('a file of another checkpoint under the same name is found by its checksum', async () => {
  const storage = new MemoryStorage()
  const handle = await writeTable(storage, ['number'], undefined, [[1]])
  storage.files.clear()
  const other = await writeTable(storage, ['number'], undefined, [[2]])
  expect([other.path, other.bytes]).toEqual([handle.path, handle.bytes])
  await expect(checkSnapshotFile(storage, handle)).rejects.toThrow(expect.objectContaining({ code: 'SLUICE_CHECKPOINT_CORRUPT' }))
})

test('a newer format is refused by its number', async () => {
  const storage = new MemoryStorage()
  const handle = await writeTable(storage, ['number'], undefined, [[1]])
  const stored = storage.files.get(handle.path) as Uint8Array
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength)
  bytes.writeUInt32LE(2, bytes.length - 16)
  await expect(checkSnapshotFile(storage, handle)).rejects.toThrow(
    expect.objectContaining({ code: 'SLUICE_CHECKPOINT_VERSION', message: expect.stringContaining('format 2') }),
  )
})

test('nothing to write is no file', async () => {
  const storage = new MemoryStorage()
  const registry = new StateRegistry()
  registry.keyTable('rows', ['number'])
  const writer = begin(storage)
  writer.freeze('op', registry)
  expect(writer.step(() => true)).toBe(true)
  expect(await writer.finish()).toBeUndefined()
  expect(storage.files.size).toBe(0)
})

test('storage that fails makes finish fail, and the table goes on', async () => {
  const storage = new MemoryStorage()
  storage.gate = (operation) => (operation === 'append' ? Promise.reject(new Error('no space')) : undefined)
  const registry = new StateRegistry()
  const table = registry.keyTable('rows', ['number'])
  for (let key = 0; key < 200_000; key++) table.slotOf(key)
  const writer = begin(storage)
  writer.freeze('op', registry)
  let turns = 0
  while (!writer.step(() => true)) if (++turns % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  await expect(writer.finish()).rejects.toThrow('no space')
  expect([writer.pendingBytes, storage.files.size]).toEqual([0, 0])
  storage.gate = () => undefined
  const next = begin(storage, 2)
  next.freeze('op', registry)
  await verifySnapshotFile(storage, await finish(next))
})

test('what waits for storage is bounded, goes on when it answers, and then says so to who sleeps', async () => {
  const storage = new MemoryStorage()
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  storage.gate = (operation) => (operation === 'append' ? opened.then(() => undefined) : undefined)
  const registry = new StateRegistry()
  const table = registry.keyTable('rows', ['value'])
  for (let key = 0; key < 100; key++) table.columns[0]!.values[table.slotOf(key)] = new Uint8Array(200_000)
  let room: () => void = () => {}
  const writer = begin(storage, 1, () => room())
  writer.freeze('op', registry)
  for (let turn = 0; turn < 1000; turn++) expect(writer.step(() => true)).toBe(false)
  expect(writer.pendingBytes).toBeLessThan(8 * 1024 * 1024 + 64 * 200_100)
  open()
  let slept = 0
  while (!writer.step(() => true)) {
    if (writer.pendingBytes < SNAPSHOT_WRITE_BYTES_MAX) continue
    await new Promise<void>((resolve) => (room = resolve))
    slept++
  }
  expect(slept).toBeGreaterThan(0)
  const handle = await writer.finish()
  await verifySnapshotFile(storage, handle as SnapshotFileHandle)
})

test('a snapshot that is given up thaws the state and leaves no file', async () => {
  const storage = new MemoryStorage()
  const registry = new StateRegistry()
  const table = registry.keyTable('rows', ['number'])
  for (let key = 0; key < 5000; key++) table.slotOf(key)
  const writer = begin(storage)
  writer.freeze('op', registry)
  writer.section('op', 'time', 5)
  writer.step(() => true)
  void writer.discard()
  void writer.discard()
  const next = begin(storage, 2)
  next.freeze('op', registry)
  void writer.discard()
  table.columns[0]!.values[table.slotOf(7)] = 1
  const handle = await finish(next)
  await expect(writer.finish()).rejects.toThrow('given up')
  expect([...storage.files.keys()]).toEqual([handle.path])
})

test('a value that cannot be encoded fails the snapshot and names the state', async () => {
  const storage = new MemoryStorage()
  const registry = new StateRegistry()
  const table = registry.keyTable('rows', ['value'])
  table.columns[0]!.values[table.slotOf('a')] = { fn: () => 1 }
  const writer = begin(storage)
  writer.freeze('op', registry)
  await expect(finish(writer)).rejects.toThrow(
    expect.objectContaining({ code: 'SLUICE_STATE_VALUE', message: expect.stringContaining('state rows of op') }),
  )
})

test('entries that are larger than any buffer have blocks of their own', async () => {
  const storage = new MemoryStorage()
  const text = 'y'.repeat(3_000_000)
  const rows = [['short'], [text], [{ text, items: [text.slice(0, 100_000)] }]]
  const handle = await writeTable(storage, ['value'], undefined, rows)
  const registry = new StateRegistry()
  const table = registry.keyTable('rows', ['value'])
  await openSnapshot({ storage, id: 1, files: [handle] }).loadKeyed('op', 0, 8, registry)
  for (const [key, row] of rows.entries()) expect(rowOf(table, key)).toEqual(row)
})

test('columns are found by name: added ones take their default, removed ones are dropped, numbers are widened', async () => {
  const storage = new MemoryStorage()
  const handle = await writeTable(
    storage,
    ['value', 'number', 'number'],
    ['held', 'count', 'gone'],
    [
      ['a', 1, 10],
      [{ x: 1 }, 2, 20],
    ],
  )
  const registry = new StateRegistry()
  const table = registry.keyTable(
    'rows',
    ['number', 'value', 'value', 'number'],
    ['fresh', 'count', 'held', { name: 'expiry', initial: Number.POSITIVE_INFINITY }],
  )
  await openSnapshot({ storage, id: 1, files: [handle] }).loadKeyed('op', 0, 8, registry)
  expect(rowOf(table, 0)).toEqual([Number.NaN, 1, 'a', Number.POSITIVE_INFINITY])
  expect(rowOf(table, 1)).toEqual([Number.NaN, 2, { x: 1 }, Number.POSITIVE_INFINITY])
})

test.each<[string, (registry: StateRegistry) => void]>([
  ['does not have it any more', () => {}],
  ['it had 2 columns and has 1 now', (registry) => registry.keyTable('rows', ['number'])],
  ['field 1 could be anything and is a number now', (registry) => registry.keyTable('rows', ['number', 'number'])],
  ['kept by key and is kept by window and key now', (registry) => registry.windowTables('rows', ['number', 'value'])],
  ['kept by key and is timers now', (registry) => registry.register('rows', new TimerQueue())],
])('state that does not fit is refused before anything is loaded: %s', async (message, declare) => {
  const storage = new MemoryStorage()
  const handle = await writeTable(storage, ['number', 'value'], undefined, [[1, 'a']])
  const registry = new StateRegistry()
  const untouched = registry.keyTable('other', ['number'])
  declare(registry)
  await expect(openSnapshot({ storage, id: 1, files: [handle] }).loadKeyed('op', 0, 8, registry)).rejects.toThrow(
    expect.objectContaining({ code: 'SLUICE_STATE_INCOMPATIBLE', message: expect.stringContaining(message) }),
  )
  expect([untouched.size, registry.entries]).toEqual([0, 0])
})

describe('a column that says more than its name', () => {
  const load = async (
    written: readonly ColumnName[],
    kinds: readonly ColumnKind[],
    names: readonly ColumnName[],
  ): Promise<readonly unknown[]> => {
    const storage = new MemoryStorage()
    const handle = await writeTable(storage, ['value', 'number'], written, [
      ['a', 1],
      ['b', 2],
    ])
    const registry = new StateRegistry()
    const table = registry.keyTable('rows', kinds, names)
    await openSnapshot({ storage, id: 1, files: [handle] }).loadKeyed('op', 0, 8, registry)
    return [0, 1].map((key) => rowOf(table, key))
  }
  const total = { name: 'total', holds: 'sum', initial: 0 }

  test('makes a value of its own for each row that was stored without it', async () => {
    const rows = await load(['held', total], ['value', 'value'], ['held', { name: 'fresh', initial: () => [] }])
    expect(rows).toEqual([
      ['a', []],
      ['b', []],
    ])
    const [[, one], [, other]] = rows as readonly (readonly unknown[])[] as [[unknown, unknown], [unknown, unknown]]
    expect(one).not.toBe(other)
  })

  test.each<[string, readonly ColumnName[], readonly ColumnName[]]>([
    [
      'state rows of op does not fit what the checkpoint holds: field total was sum and is max now',
      ['held', total],
      ['held', { name: 'total', holds: 'max' }],
    ],
    ['rows had :mark, and are kept in another way now', ['held', { name: ':mark', own: true, initial: 0 }], ['held', total]],
    ['rows have :mark now, and were kept in another way', ['held', total], ['held', { name: ':mark', own: true }]],
  ])('%s', async (message, written, names) => {
    await expect(load(written, ['value', 'number'], names)).rejects.toThrow(
      expect.objectContaining({ code: 'SLUICE_STATE_INCOMPATIBLE', message: expect.stringContaining(message) }),
    )
  })

  test('may be added to rows where it says what it was', async () => {
    const rows = await load(['held', total], ['value', 'number'], ['held', { name: ':mark', own: true, initial: 0 }])
    expect(rows).toEqual([
      ['a', 0],
      ['b', 0],
    ])
  })
})
