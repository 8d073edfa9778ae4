import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkpointFolder,
  fileSafe,
  idOfFolder,
  relativePath,
  resolvePath,
  savepointFolder,
} from '../../src/checkpoint/checkpoint-layout.js'

test('lies in folders by job, run and id', () => {
  expect(checkpointFolder('flight delays', 'r1', 12)).toBe('flight%20delays/r1/chk-12')
  expect(savepointFolder('a/b', 'x')).toBe('a%2Fb/savepoints/x')
})

test('different names are different files, which stay in their folder', () => {
  const name = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('.', '..', '.locks', 'a/b', 'a\\b', 'CON', '%2E', '~', '*'))
  fc.assert(
    fc.property(name, name, (a, b) => {
      expect(fileSafe(a)).toMatch(/^[\w%-][\w%.-]*$/)
      if (a !== b) expect(fileSafe(a)).not.toBe(fileSafe(b))
      expect(decodeURIComponent(fileSafe(a))).toBe(a)
    }),
  )
})

test('knows the ids of its folders', () => {
  expect(['chk-1', 'chk-20', 'chk-0', 'chk-01', 'chk-1.tmp', 'savepoints'].map(idOfFolder)).toEqual([
    1,
    20,
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

describe('paths relative to a folder', () => {
  const segment = fc.constantFrom('a', 'b', 'chk-1', 'chk-2')
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))

  test('lead back', () => {
    fc.assert(
      fc.property(fc.oneof(path, fc.constant('')), path, (folder, file) => {
        expect(resolvePath(folder, relativePath(folder, file))).toBe(file)
      }),
    )
  })

  test('never lead out of the storage', () => {
    expect(resolvePath('a', '../../b')).toBeUndefined()
    expect(resolvePath('a/b', '../../c')).toBe('c')
  })
})
