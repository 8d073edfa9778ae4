import { expect, test } from 'vitest'
import { findInFolder } from '../../src/checkpoint/find/find-checkpoint.js'
import { diffCheckpoints } from '../../src/checkpoint/inspect/diff-checkpoints.js'
import { readState } from '../../src/checkpoint/inspect/read-state.js'
import { verifyCheckpoint } from '../../src/checkpoint/inspect/verify-checkpoint.js'
import { MemoryStorage } from '../support/memory-storage.js'
import { writeCheckpoint } from '../support/write-checkpoint.js'

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const value of values) list.push(value)
  return list
}

test('reads state as plain lines', async () => {
  const storage = new MemoryStorage()
  const { folder } = await writeCheckpoint(storage, 1, { ada: 3, bob: Number.NaN })
  const checkpoint = await findInFolder(storage, 'test', folder)
  const lines = await all(readState(storage, checkpoint))
  expect(lines).toHaveLength(4)
  expect(lines).toContainEqual({ operator: 'numbers', section: 'source', subtask: 0, value: { next: 10 } })
  expect(lines).toContainEqual({ operator: 'count', state: 'rows', group: expect.any(Number) as number, key: 'ada', value: { count: 3 } })
  expect(lines).toContainEqual({
    operator: 'count',
    state: 'rows',
    group: expect.any(Number) as number,
    key: 'bob',
    value: { count: 'NaN' },
  })
  expect(await all(readState(storage, checkpoint, { operators: ['numbers'] }))).toHaveLength(1)
  expect(await all(readState(storage, checkpoint, { states: ['rows'] }))).toHaveLength(2)
})

test('tells what was added, removed and changed', async () => {
  const storage = new MemoryStorage()
  const first = await writeCheckpoint(storage, 1, { gone: 1, same: 2, changed: 3 })
  const second = await writeCheckpoint(storage, 2, { same: 2, changed: 4, added: 5 })
  const [before, after] = await Promise.all(
    [first, second].map(async ({ folder }) => ({ storage, checkpoint: await findInFolder(storage, 'test', folder) })),
  )
  if (before === undefined || after === undefined) throw new Error('two were written')
  const differences = await all(diffCheckpoints(before, after))
  expect(
    differences.map((one) => [one.change, 'after' in one ? one.after : undefined, 'before' in one ? one.before : undefined].map(name)),
  ).toEqual(
    expect.arrayContaining([
      ['changed', 'numbers {"next":20}', 'numbers {"next":10}'],
      ['changed', 'changed {"count":4}', 'changed {"count":3}'],
      ['added', 'added {"count":5}', undefined],
      ['removed', undefined, 'gone {"count":1}'],
    ]),
  )
  expect(differences).toHaveLength(4)
  expect(await all(diffCheckpoints(before, before))).toEqual([])
})

function name(line: unknown): unknown {
  if (typeof line !== 'object' || line === null) return line
  const { key, operator, value } = line as { readonly key?: string; readonly operator: string; readonly value: unknown }
  return `${key ?? operator} ${JSON.stringify(value)}`
}

test('verifies every byte of every file', async () => {
  const storage = new MemoryStorage()
  const { folder, file } = await writeCheckpoint(storage, 1, { a: 1, b: 2 })
  expect(await all(verifyCheckpoint(storage, folder))).toEqual([{ path: `memory:/${file.path}`, bytes: file.bytes, error: undefined }])
  const bytes = storage.files.get(file.path) as Uint8Array
  // A byte of the first block.
  storage.files.set(
    file.path,
    bytes.map((byte, at) => (at === 20 ? byte ^ 1 : byte)),
  )
  expect(await all(verifyCheckpoint(storage, folder))).toMatchObject([{ error: { code: 'SLUICE_CHECKPOINT_CORRUPT' } }])
  await expect(all(verifyCheckpoint(storage, 'nowhere'))).rejects.toMatchObject({ code: 'SLUICE_CHECKPOINT_MISSING' })
})
