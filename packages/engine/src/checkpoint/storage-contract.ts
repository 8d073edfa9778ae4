/**
 * What every storage owes, as rules that can be run against one: for those who write another. Each gets a storage with nothing in it, and throws where its rule does not hold.
 */
import { Buffer } from 'node:buffer'
import { assert, describeError, SluiceError } from '../errors/sluice-error.js'
import type { CheckpointStorage } from './storage.js'

export interface StorageRule {
  readonly rule: string
  readonly check: (storage: CheckpointStorage) => Promise<void>
}

const LARGE_BYTES = 3_000_000

export const storageContract: readonly StorageRule[] = [
  {
    rule: 'gives back what was appended, in order',
    check: async (storage) => {
      const file = await storage.create('job/run/chk-1/state-0-1.bin')
      await file.append(Buffer.from('one '))
      await file.append(Buffer.alloc(0))
      await file.append(Buffer.from('two'))
      await file.finish()
      same(await storage.read('job/run/chk-1/state-0-1.bin'), 'one two')
    },
  },
  {
    rule: 'reads a part of a file, and less where the file ends before',
    check: async (storage) => {
      await storage.publish('folder/file', Buffer.from('0123456789'))
      same(await storage.read('folder/file', 3), '3456789')
      same(await storage.read('folder/file', 3, 4), '3456')
      same(await storage.read('folder/file', 8, 4), '89')
      same(await storage.read('folder/file', 10, 4), '')
      same(await storage.read('folder/file', 20), '')
      same(await storage.read('folder/file', 2, 0), '')
    },
  },
  {
    rule: 'holds large files',
    check: async (storage) => {
      const part = Buffer.alloc(LARGE_BYTES / 3, 'sluice')
      const file = await storage.create('large')
      for (let count = 0; count < 3; count++) await file.append(part)
      await file.finish()
      const bytes = await storage.read('large')
      assert(bytes.byteLength === LARGE_BYTES, `the file has ${bytes.byteLength} bytes`)
      assert(part.equals(bytes.subarray(part.length, 2 * part.length)), 'the file holds something else')
    },
  },
  {
    rule: 'publishes a file whole, and again with the same bytes',
    check: async (storage) => {
      await storage.publish('folder/manifest.json', Buffer.from('{}'))
      await storage.publish('folder/manifest.json', Buffer.from('{}'))
      same(await storage.read('folder/manifest.json'), '{}')
      names(await storage.list('folder'), 'manifest.json')
    },
  },
  {
    rule: 'writes nothing twice under a name',
    check: async (storage) => {
      await (await storage.create('folder/file')).finish()
      await fails(storage.create('folder/file'), 'SLUICE_CHECKPOINT_STORAGE')
    },
  },
  {
    rule: 'fails with SLUICE_CHECKPOINT_FILE_MISSING where there is no such file',
    check: async (storage) => {
      await fails(storage.read('nowhere/file'), 'SLUICE_CHECKPOINT_FILE_MISSING')
      await storage.publish('folder/file', Buffer.from('1'))
      await fails(storage.read('folder/another'), 'SLUICE_CHECKPOINT_FILE_MISSING')
      await fails(storage.read('folder/file/inside'), 'SLUICE_CHECKPOINT_FILE_MISSING')
    },
  },
  {
    rule: 'lists what lies directly in a folder, and nothing where there is none',
    check: async (storage) => {
      names(await storage.list('folder'))
      names(await storage.list(''))
      await storage.publish('folder/b/deep', Buffer.from('1'))
      await storage.publish('folder/a', Buffer.from('1'))
      names(await storage.list('folder'), 'a', 'b')
      names(await storage.list(''), 'folder')
      names(await storage.list('fold'))
    },
  },
  {
    rule: 'removes files and folders, and minds nothing that is not there',
    check: async (storage) => {
      await storage.remove('nowhere')
      await storage.publish('a/b/c', Buffer.from('1'))
      await storage.publish('a/bc', Buffer.from('1'))
      await storage.remove('a/b')
      names(await storage.list('a'), 'bc')
      await storage.remove('a/bc')
      names(await storage.list('a'))
      await fails(storage.read('a/b/c'), 'SLUICE_CHECKPOINT_FILE_MISSING')
    },
  },
  {
    rule: 'gives a file up without a trace, before and behind its end',
    check: async (storage) => {
      const file = await storage.create('folder/file')
      await file.append(Buffer.from('1'))
      await file.discard()
      await file.discard()
      names(await storage.list('folder'))
      const again = await storage.create('folder/file')
      await again.finish()
      await again.discard()
      names(await storage.list('folder'))
    },
  },
]

function same(bytes: Uint8Array, text: string): void {
  const is = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
  assert(is === text, `the file holds ${JSON.stringify(is)}, not ${JSON.stringify(text)}`)
}

function names(listed: readonly string[], ...expected: readonly string[]): void {
  const is = [...listed].sort().join(', ')
  assert(is === expected.join(', '), `the folder holds ${is || 'nothing'}, not ${expected.join(', ') || 'nothing'}`)
}

async function fails(work: Promise<unknown>, code: string): Promise<void> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert(
    error instanceof SluiceError && error.code === code,
    `it should fail with ${code}, and ${error === undefined ? 'does not' : `fails with ${describeError(error)}`}`,
  )
}
