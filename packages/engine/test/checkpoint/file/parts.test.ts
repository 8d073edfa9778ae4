/** State in parts: asked for as storage takes them, read back in order by whose share they are, and let go in every case. */
import { expect, test } from 'vitest'
import { openSnapshot } from '../../../src/checkpoint/file/snapshot-reader.js'
import { createSnapshotWriters } from '../../../src/checkpoint/file/snapshot-writer.js'
import type { SnapshotFileHandle } from '../../../src/checkpoint/protocol.js'
import type { SnapshotWriter } from '../../../src/checkpoint/snapshot.js'
import { MemoryStorage } from '../../support/memory-storage.js'

const PART_BYTES = 1024 * 1024

class Parts implements Iterator<unknown> {
  given = 0
  returned = 0

  constructor(
    readonly name: string,
    readonly count: number,
  ) {}

  next(): IteratorResult<unknown> {
    if (this.given === this.count) return { done: true, value: undefined }
    return { done: false, value: { name: this.name, number: this.given++, block: new Uint8Array(PART_BYTES).fill(this.given) } }
  }

  return(): IteratorResult<unknown> {
    this.returned++
    return { done: true, value: undefined }
  }
}

function begin(storage: MemoryStorage, subtask = 0, parallelism = 1): SnapshotWriter {
  const placeOf = () => ({ index: subtask, parallelism })
  return createSnapshotWriters({ storage, folderOf: (id) => `chk-${id}`, keyGroups: 8, attempt: 1, placeOf }).begin(1, subtask)
}

test('parts come back in their order, and to those whose share they are', async () => {
  const storage = new MemoryStorage()
  const files: SnapshotFileHandle[] = []
  for (const subtask of [0, 1, 2]) {
    const writer = begin(storage, subtask, 3)
    writer.parts('buffer', new Parts(`of ${subtask}`, subtask))
    writer.parts('other', new Parts('other', 1))
    expect(writer.step(() => false)).toBe(true)
    files.push((await writer.finish())!)
  }
  const reader = openSnapshot({ storage, id: 1, files })
  const read: unknown[] = []
  for await (const part of reader.parts('buffer', (index) => index !== 1)) read.push(part)
  expect(read).toMatchObject([
    { name: 'of 2', number: 0 },
    { name: 'of 2', number: 1 },
  ])
  expect((read as { block: Uint8Array }[]).map(({ block }) => block.every((byte) => byte === block[0]) && block[0])).toEqual([1, 2])
})

test('no more of them are asked for than storage takes, and one for each call that is late', async () => {
  const storage = new MemoryStorage()
  let open: () => void = () => {}
  const slow = new Promise<undefined>((resolve) => (open = () => resolve(undefined)))
  storage.gate = () => slow
  const parts = new Parts('buffer', 40)
  const writer = begin(storage)
  writer.parts('buffer', parts)
  expect(writer.step(() => parts.given === 1)).toBe(false)
  expect(parts.given).toBe(1)
  expect(writer.step(() => false)).toBe(false)
  expect(parts.given).toBeLessThan(10)
  open()
  await writer.discard()
  expect(parts.returned).toBe(1)
})

test('a part that cannot be read fails the checkpoint, and the others are let go', async () => {
  const broken = new Parts('broken', 1)
  broken.next = () => {
    throw new Error('the disk is gone')
  }
  const others = new Parts('others', 3)
  const writer = begin(new MemoryStorage())
  writer.parts('broken', broken)
  writer.parts('others', others)
  expect(writer.step(() => false)).toBe(true)
  expect([broken.returned, others.returned, others.given]).toEqual([1, 1, 0])
  await expect(writer.finish()).rejects.toThrow('the disk is gone')
})
