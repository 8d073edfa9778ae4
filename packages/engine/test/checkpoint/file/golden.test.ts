/** State that was written once can be read for ever: format 1 is what these files say, and today's writer writes the same bytes. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readSnapshotEntries, verifySnapshotFile } from '../../../src/checkpoint/file/inspect-file.js'
import { openSnapshot } from '../../../src/checkpoint/file/snapshot-reader.js'
import { createSnapshotWriters } from '../../../src/checkpoint/file/snapshot-writer.js'
import type { SnapshotFileHandle } from '../../../src/checkpoint/protocol.js'
import { StateRegistry } from '../../../src/state/state-registry.js'
import { TimerQueue } from '../../../src/state/timer-queue.js'
import { GOLDEN_KEY_GROUPS, goldenSection, goldenSlices, goldenState, writeGolden } from './golden-state.js'
import { MemoryStorage } from '../../support/memory-storage.js'

const folder = join(import.meta.dirname, '../golden')
const file = join(folder, 'state-format-1.bin')
const path = 'golden/state-3-2.bin'

async function writeToday(): Promise<{ readonly storage: MemoryStorage; readonly handle: SnapshotFileHandle }> {
  const storage = new MemoryStorage()
  const writer = createSnapshotWriters({
    storage,
    folderOf: () => 'golden',
    keyGroups: GOLDEN_KEY_GROUPS,
    attempt: 2,
    placeOf: () => ({ index: 1, parallelism: 2 }),
  }).begin(7, 3)
  writeGolden(writer)
  const handle = await writer.finish()
  if (handle === undefined) throw new Error('nothing was written')
  return { storage, handle }
}

/** A checkpoint of the golden file. */
async function readGolden(): Promise<{ readonly storage: MemoryStorage; readonly handle: SnapshotFileHandle }> {
  if (!existsSync(file) && process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(folder, { recursive: true })
    const { storage, handle } = await writeToday()
    writeFileSync(file, storage.files.get(handle.path) as Uint8Array)
  }
  const bytes = readFileSync(file)
  const storage = new MemoryStorage()
  storage.files.set(path, bytes)
  return { storage, handle: { path, bytes: bytes.length, checksum: bytes.readUInt32LE(bytes.length - 20) } }
}

test('what was written by format 1 is read as it was', async () => {
  const { storage, handle } = await readGolden()
  await verifySnapshotFile(storage, handle)
  const reader = openSnapshot({ storage, id: 7, files: [handle] })
  expect(await reader.sections('op', 'operator')).toEqual([{ index: 1, parallelism: 2, value: goldenSection }])
  expect(await reader.sections('op', 'time')).toEqual([])
  expect(await reader.slices('a.0 -> b[0]')).toEqual([goldenSlices[1], goldenSlices[0]])
  expect(await reader.slices('other')).toEqual([])
  const registry = new StateRegistry()
  const table = registry.keyTable('rows', ['number', 'value', 'number'], ['count', 'held', 'expiry'])
  const panes = registry.windowTables('panes', ['value', 'number'])
  registry.register('timers', new TimerQueue(table))
  registry.register('pane timers', new TimerQueue(panes))
  await reader.loadKeyed('op', 0, GOLDEN_KEY_GROUPS, registry)
  const expected = goldenState()
  expect([...registry.parts()].map(([name, { size }]) => [name, size])).toEqual(
    [...expected.registry.parts()].map(([name, { size }]) => [name, size]),
  )
  for (let slot = 0; slot < expected.table.end; slot++) {
    const at = table.find(expected.table.keyAt(slot))
    expect(table.columns.map(({ values }) => values[at])).toStrictEqual(expected.table.columns.map(({ values }) => values[slot]))
  }
})

test('the same state makes the same bytes as ever', async () => {
  const golden = await readGolden()
  const today = await writeToday()
  expect(today.handle).toEqual(golden.handle)
  expect(Buffer.compare(today.storage.files.get(path) as Uint8Array, golden.storage.files.get(path) as Uint8Array)).toBe(0)
})

test('it can be read entry by entry', async () => {
  const { storage, handle } = await readGolden()
  const kinds = new Map<string, number>()
  for await (const entry of readSnapshotEntries(storage, handle)) {
    kinds.set(entry.type, (kinds.get(entry.type) ?? 0) + 1)
    if (entry.type === 'row' && entry.state === 'rows') expect(Object.keys(entry.columns)).toEqual(['count', 'held', 'expiry'])
    if (entry.type === 'row') expect(entry.namespace === undefined).toBe(entry.state === 'rows')
  }
  expect(Object.fromEntries(kinds)).toEqual({ section: 1, slice: 2, row: 88, timer: 23 })
})
