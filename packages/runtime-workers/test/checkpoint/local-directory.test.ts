import { storageContract } from '@sluice/engine'
import { mkdtemp, open, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { explainStorage } from '../../dist/checkpoint/explain-storage.js'
import { LocalDirectory } from '../../dist/checkpoint/local-directory.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-checkpoints-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('a local directory', () => {
  test.each(storageContract)('$rule', async ({ check }) => {
    await expect(check(new LocalDirectory(join(folder, 'made', 'with the first file')))).resolves.toBeUndefined()
  })

  test('publishes without a trace of temporary files', async () => {
    const storage = new LocalDirectory(folder)
    await storage.publish('a/manifest.json', Buffer.from('{}'))
    expect(await readdir(join(folder, 'a'))).toEqual(['manifest.json'])
  })

  test('never leads out of its root', async () => {
    const storage = new LocalDirectory(folder)
    await expect(storage.publish('../outside', Buffer.from('1'))).rejects.toMatchObject({ code: 'SLUICE_ASSERTION' })
    await expect(storage.remove('..')).rejects.toMatchObject({ code: 'SLUICE_ASSERTION' })
    await expect(storage.remove('')).rejects.toMatchObject({ code: 'SLUICE_ASSERTION' })
    expect(existsSync(folder)).toBe(true)
  })

  test('says what is wrong with the directory', async () => {
    await writeFile(join(folder, 'file'), '')
    const storage = new LocalDirectory(join(folder, 'file'))
    await expect(storage.publish('a/manifest.json', Buffer.from('{}'))).rejects.toMatchObject({
      code: 'SLUICE_CHECKPOINT_STORAGE',
      retriable: true,
      hint: expect.stringContaining('a file, not a directory') as string,
    })
  })

  // A device that answers every write as a full disk does.
  test.runIf(existsSync('/dev/full'))('says that the disk is full', async () => {
    const handle = await open('/dev/full', 'w')
    const error: unknown = await handle.write('1').catch((thrown: unknown) => thrown)
    await handle.close()
    expect(explainStorage('write', '/dev/full', error)).toMatchObject({
      code: 'SLUICE_CHECKPOINT_STORAGE',
      hint: expect.stringContaining('disk is full') as string,
    })
  })

  test('does not go round in circles where a link leads nowhere', async () => {
    await symlink(join(folder, 'nowhere'), join(folder, 'link'))
    const storage = new LocalDirectory(join(folder, 'link'))
    await expect(storage.publish('a/manifest.json', Buffer.from('{}'))).rejects.toMatchObject({ code: 'SLUICE_CHECKPOINT_STORAGE' })
  })

  test.each([
    ['EROFS', 'read-only'],
    ['EACCES', 'permissions'],
    ['EDQUOT', 'quota'],
  ])('explains %s', (code, hint) => {
    const error = explainStorage('write', '/checkpoints/a', Object.assign(new Error(`${code}: it is so`), { code }))
    expect(error).toMatchObject({ code: 'SLUICE_CHECKPOINT_STORAGE', hint: expect.stringContaining(hint) as string })
    expect(error.message).toBe(`cannot write /checkpoints/a: ${code}: it is so`)
  })
})
