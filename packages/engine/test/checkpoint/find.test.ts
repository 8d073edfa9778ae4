import { beforeEach, describe, expect, test } from 'vitest'
import { recordAttempt } from '../../src/checkpoint/find/attempts.js'
import { findById, findInFolder, findLatest, hasCheckpoints } from '../../src/checkpoint/find/find-checkpoint.js'
import { listCheckpoints, listJobs } from '../../src/checkpoint/find/list-checkpoints.js'
import { encodeManifest } from '../../src/checkpoint/manifest/manifest-file.js'
import { MemoryStorage } from '../support/memory-storage.js'
import { writeCheckpoint } from '../support/write-checkpoint.js'

let storage: MemoryStorage
beforeEach(() => {
  storage = new MemoryStorage()
})

function change(path: string, change: (bytes: Uint8Array) => Uint8Array): void {
  storage.files.set(path, change((storage.files.get(path) as Uint8Array).slice()))
}

const flipFirst = (bytes: Uint8Array): Uint8Array => bytes.map((byte, at) => (at === 3 ? byte ^ 1 : byte))
const cutLast = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, -1)
const grow = (bytes: Uint8Array): Uint8Array => Uint8Array.from([...bytes, 0])

describe('the newest', () => {
  test('is found with its files, and with the operators that have state', async () => {
    await writeCheckpoint(storage, 1, { a: 1 })
    const { file } = await writeCheckpoint(storage, 2, { a: 2 })
    const { found, skipped } = await findLatest(storage, 'test')
    expect(found.manifest.id).toBe(2)
    expect(found.files).toEqual([file])
    expect(found.path).toBe('memory:/test/run/chk-2')
    expect([...found.stateful].sort()).toEqual(['count', 'numbers'])
    expect(skipped).toEqual([])
    expect((await findLatest(storage, 'test', { upTo: 1 })).found.manifest.id).toBe(1)
  })

  test('is that of the run which completed one last, whatever the ids', async () => {
    await writeCheckpoint(storage, 9, { a: 1 }, { run: 'old run', completedMs: 1 })
    await writeCheckpoint(storage, 2, { a: 1 }, { run: 'new run', completedMs: 2 })
    expect((await findLatest(storage, 'test')).found.manifest.run).toBe('new run')
    expect((await findLatest(storage, 'test', { run: 'old run' })).found.manifest.id).toBe(9)
  })

  test.each([
    ['a missing file', (path: string) => storage.files.delete(path)],
    ['a file cut short', (path: string) => change(path, cutLast)],
    ['a file that has grown', (path: string) => change(path, grow)],
    ['a changed header', (path: string) => change(path, flipFirst)],
    ['a manifest without its end', () => change('test/run/chk-3/manifest.json', (bytes) => bytes.subarray(0, -2))],
    ['a manifest that is cut off', () => change('test/run/chk-3/manifest.json', (bytes) => bytes.subarray(0, 40))],
  ] as const)('gives way to the one before for %s, and says so', async (_what, damage) => {
    await writeCheckpoint(storage, 2, { a: 1 })
    const { file } = await writeCheckpoint(storage, 3, { a: 1 })
    damage(file.path)
    const { found, skipped } = await findLatest(storage, 'test')
    expect(found.manifest.id).toBe(2)
    expect(skipped).toMatchObject([
      { id: 3, path: 'memory:/test/run/chk-3', error: { code: expect.stringMatching(/CORRUPT|FILE_MISSING/) as string } },
    ])
  })

  test('one that is to be restored is read whole: a bit that flipped in a block is found before anything is opened', async () => {
    await writeCheckpoint(storage, 2, { a: 1 })
    const { file } = await writeCheckpoint(storage, 3, { a: 1 })
    change(file.path, (bytes) => bytes.map((byte, at) => (at === 20 ? byte ^ 1 : byte)))
    expect((await findLatest(storage, 'test')).found.manifest.id).toBe(3)
    const { found, skipped } = await findLatest(storage, 'test', { whole: true })
    expect(found.manifest.id).toBe(2)
    expect(skipped).toMatchObject([{ id: 3, error: { code: 'SLUICE_CHECKPOINT_CORRUPT' } }])
    await expect(findById(storage, 'test', 3, { whole: true })).rejects.toMatchObject({ code: 'SLUICE_CHECKPOINT_CORRUPT' })
    await expect(findInFolder(storage, 'test', 'test/run/chk-3', { whole: true })).rejects.toMatchObject({
      code: 'SLUICE_CHECKPOINT_CORRUPT',
    })
  })

  test('is not one that the run has gone back behind', async () => {
    for (const id of [2, 3, 4]) await writeCheckpoint(storage, id, { a: 1 })
    await recordAttempt(storage, 'test', 'run', { attempt: 1, restored: 0 })
    await recordAttempt(storage, 'test', 'run', { attempt: 2, restored: 4 })
    expect((await findLatest(storage, 'test')).found.manifest.id).toBe(4)
    await recordAttempt(storage, 'test', 'run', { attempt: 3, restored: 2 })
    const { found, skipped } = await findLatest(storage, 'test')
    expect(found.manifest.id).toBe(2)
    expect(skipped).toEqual([])
    await writeCheckpoint(storage, 5, { a: 1 }, { attempt: 3 })
    expect((await findLatest(storage, 'test')).found.manifest.id).toBe(5)
    expect((await findById(storage, 'test', 4)).manifest.id).toBe(4)
  })

  test('is none where the run went on from what lies elsewhere: says so', async () => {
    await writeCheckpoint(storage, 3, { a: 1 })
    await recordAttempt(storage, 'test', 'run', { attempt: 2, restored: 1 })
    await expect(findLatest(storage, 'test')).rejects.toMatchObject({
      code: 'SLUICE_CHECKPOINT_MISSING',
      message: expect.stringContaining('when attempt 2 went on from checkpoint 1') as string,
    })
  })

  test('all damaged: says what is wrong with each', async () => {
    for (const id of [1, 2]) change((await writeCheckpoint(storage, id, { a: 1 })).file.path, cutLast)
    await expect(findLatest(storage, 'test')).rejects.toMatchObject({
      code: 'SLUICE_CHECKPOINT_CORRUPT',
      message: expect.stringMatching(/chk-2.*chk-1/) as string,
    })
  })

  test('none: a coded error; what has no manifest is none', async () => {
    storage.files.set('test/run/chk-7/state-0-1.bin', new Uint8Array())
    storage.files.set('test/.locks/1.lock', new Uint8Array())
    await expect(findLatest(storage, 'test')).rejects.toMatchObject({ code: 'SLUICE_CHECKPOINT_MISSING' })
    expect(await hasCheckpoints(storage, 'test')).toBe(false)
  })

  test('written by a newer version: refused, not skipped', async () => {
    await writeCheckpoint(storage, 1, { a: 1 })
    await writeCheckpoint(storage, 2, { a: 1 }, { formatVersion: 99 })
    await expect(findLatest(storage, 'test')).rejects.toMatchObject({ code: 'SLUICE_CHECKPOINT_VERSION' })
  })

  test('a storage that cannot be read is an error, not a reason to go further back', async () => {
    await writeCheckpoint(storage, 1, { a: 1 })
    await writeCheckpoint(storage, 2, { a: 1 })
    const refused = new Error('permission denied')
    storage.gate = (operation, path) => (operation === 'read' && path.includes('chk-2/state') ? Promise.reject(refused) : undefined)
    await expect(findLatest(storage, 'test')).rejects.toBe(refused)
  })
})

describe('one that was asked for', () => {
  test('by id, with those that there are where it is not', async () => {
    await writeCheckpoint(storage, 1, { a: 1 })
    await writeCheckpoint(storage, 3, { a: 1 })
    expect((await findById(storage, 'test', 1)).manifest.id).toBe(1)
    await expect(findById(storage, 'test', 2)).rejects.toMatchObject({
      code: 'SLUICE_CHECKPOINT_MISSING',
      message: expect.stringContaining('there are 1, 3') as string,
    })
  })

  test('by id of the newest run that has it', async () => {
    await writeCheckpoint(storage, 1, { a: 1 }, { run: 'b run', completedMs: 1 })
    await writeCheckpoint(storage, 1, { a: 1 }, { run: 'a run', completedMs: 2 })
    expect((await findById(storage, 'test', 1)).manifest.run).toBe('a run')
  })

  test('in a folder; of another job it is refused', async () => {
    const { folder } = await writeCheckpoint(storage, 1, { a: 1 }, { job: 'other' })
    expect((await findInFolder(storage, undefined, folder)).manifest.job).toBe('other')
    await expect(findInFolder(storage, 'test', folder)).rejects.toMatchObject({ code: 'SLUICE_CHECKPOINT_OF_OTHER_JOB' })
    await expect(findInFolder(storage, 'test', 'nowhere')).rejects.toMatchObject({ code: 'SLUICE_CHECKPOINT_MISSING' })
  })

  test('moved elsewhere as a whole', async () => {
    const { folder } = await writeCheckpoint(storage, 1, { a: 1 })
    const moved = new MemoryStorage()
    for (const [path, bytes] of storage.files) moved.files.set(path.slice(folder.length + 1), bytes)
    expect((await findInFolder(moved, 'test', '')).manifest.id).toBe(1)
  })

  test('with files that lie outside of what was opened', async () => {
    const { manifest } = await writeCheckpoint(storage, 1, { a: 1 })
    const text = new TextDecoder().decode(encodeManifest(manifest))
    const shared = JSON.parse(text.replace('"path": "', '"path": "../chk-0/')) as { readonly manifest: typeof manifest }
    const moved = new MemoryStorage()
    moved.files.set('manifest.json', encodeManifest(shared.manifest))
    await expect(findInFolder(moved, 'test', '')).rejects.toMatchObject({ code: 'SLUICE_CHECKPOINT_FILE_MISSING' })
  })
})

test('the list shows what is there, and what is wrong with it', async () => {
  await writeCheckpoint(storage, 1, { a: 1 })
  const { file } = await writeCheckpoint(storage, 2, { a: 1 })
  storage.files.delete(file.path)
  storage.files.set('test/run/chk-3/state-0-1.bin', new Uint8Array())
  const { folder } = await writeCheckpoint(storage, 4, { a: 1 })
  for (const [path, bytes] of Array.from(storage.files)) {
    if (path.startsWith(folder)) storage.files.set(`test/savepoints/mine${path.slice(folder.length)}`, bytes)
  }
  const listed = await listCheckpoints(storage, 'test')
  expect(listed.map(({ id, kind, problem, durationMs }) => [id, kind, durationMs, problem?.replace(/file .*bin/, 'file')])).toEqual([
    [1, 'checkpoint', 20, undefined],
    [2, 'checkpoint', 20, 'the file is missing'],
    [3, 'checkpoint', undefined, 'it is not complete: there is no manifest.json'],
    [4, 'checkpoint', 20, undefined],
    [4, 'savepoint', 20, undefined],
  ])
  expect(listed[0]?.bytes).toBeGreaterThan(100)
  // Of a job that was refused.
  await storage.publish('other/.locks/1.lock', new Uint8Array())
  expect(await listJobs(storage)).toEqual(['test'])
})
