import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalKey, encodeKey, hashKey, keyGroupOf, subtaskOf } from '../../src/key/index.js'
import { murmur3 } from '../../src/key/murmur3.js'

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('a', '\0', '\ud800', '\udc00', 's', 'k') }))
const number = fc.oneof(fc.double({ noNaN: true }), fc.integer(), fc.constantFrom(-0, 0, 2 ** 53, Number.POSITIVE_INFINITY))
const primitive = fc.oneof(text, number, fc.boolean(), fc.constant(null), fc.bigInt(), fc.bigInt(-3n, 3n))
const anyKey: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  key: fc.oneof(
    { depthSize: 'small' },
    primitive,
    fc.date({ noInvalidDate: true }),
    fc.array(tie('key'), { maxLength: 4 }),
    fc.dictionary(text, tie('key'), { maxKeys: 4 }),
  ),
})).key

/** Keys are equal when their values are, -0 is 0, and the order of fields says nothing. */
function normal(key: unknown): unknown {
  if (typeof key === 'number') return key + 0
  if (Array.isArray(key)) return key.map(normal)
  if (typeof key !== 'object' || key === null || key instanceof Date) return key
  return new Map(
    Object.keys(key)
      .sort()
      .map((name) => [name, normal((key as Record<string, unknown>)[name])]),
  )
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test.each<[unknown, string, number, number]>([
  [null, '00000000', 0x2362f9de, 94],
  [false, '01000000', 0xfbf1402a, 42],
  [true, '02000000', 0x40b23b7f, 127],
  [0, '030000000000000000000000', 0xe6307f86, 6],
  [1, '03000000000000000000f03f', 0xe3f8c3c0, 64],
  [-1, '03000000000000000000f0bf', 0x8b2d8f20, 32],
  [0.1, '030000009a9999999999b93f', 0x1b1d4fb2, 50],
  [2 ** 53, '030000000000000000004043', 0x7ed99f81, 1],
  [Number.NEGATIVE_INFINITY, '03000000000000000000f0ff', 0xdff1fa33, 51],
  ['', '06000000', 0xc5db336e, 110],
  ['a', '0601000061000000', 0xd117b704, 4],
  ['ab', '0602000061006200', 0x57e39d43, 67],
  ['JFK', '060300004a0046004b000000', 0x533979bd, 61],
  ['user-42', '0607000075007300650072002d00340032000000', 0x91af668c, 12],
  ['żółć', '060400007c01f30042010701', 0xae7a8bb3, 51],
  ['\ud800', '0601000000d80000', 0xc6a8810e, 14],
  [0n, '04000000', 0x70a3c107, 7],
  [255n, '04010000ff000000', 0xf6c87214, 20],
  [-256n, '0502000000010000', 0x4edc435d, 93],
  [2n ** 64n, '04090000000000000000000001000000', 0x7c490ccc, 76],
  [new Date(1_700_000_000_000), '0700000000008056febc7842', 0x0fe3cb20, 32],
  [[], '08000000', 0x935f44f1, 113],
  [['a', 1], '08020000060100006100000003000000000000000000f03f', 0xe45af9a0, 32],
  [{}, '09000000', 0x0612a8b3, 51],
  [{ b: 1, a: 'x' }, '0902000006010000610000000601000078000000060100006200000003000000000000000000f03f', 0x4792ee4a, 74],
  [[{ id: 1n }, null], '08020000090100000602000069006400040100000100000000000000', 0xc0f00cde, 94],
])('the encoding of keys is frozen: %o', (key, bytes, hash, group) => {
  expect(hex(encodeKey(key))).toBe(bytes)
  expect(hashKey(key) >>> 0).toBe(hash)
  expect(keyGroupOf(hashKey(key), 128)).toBe(group)
})

test('the hash is the murmur3 of the bytes, also where no bytes are made', () => {
  fc.assert(
    fc.property(anyKey, (key) => hashKey(key) === murmur3(encodeKey(key), 0)),
    { numRuns: 2000 },
  )
})

test('two keys have the same bytes exactly when they are equal', () => {
  fc.assert(
    fc.property(anyKey, anyKey, (a, b) => {
      expect(hex(encodeKey(a)) === hex(encodeKey(b))).toBe(isDeepStrictEqual(normal(a), normal(b)))
    }),
    { numRuns: 2000 },
  )
})

test('two keys have the same canonical key exactly when they are equal', () => {
  fc.assert(
    fc.property(anyKey, anyKey, (a, b) => {
      const same = new Set([canonicalKey(a), canonicalKey(b)]).size === 1
      expect(same).toBe(isDeepStrictEqual(normal(a), normal(b)))
    }),
    { numRuns: 2000 },
  )
})

test('canonical keys of strings that look like those of tuples stay apart', () => {
  const tuple = canonicalKey([1, 'a'])
  const keys = [[1, 'a'], tuple, canonicalKey(tuple), '\0', '\0s', 'k', '']
  expect(new Set(keys.map(canonicalKey)).size).toBe(keys.length)
  expect(canonicalKey('plain')).toBe('plain')
  expect(Object.is(canonicalKey(-0), 0)).toBe(true)
})

test('-0 and the order of fields make no difference', () => {
  expect(encodeKey(-0)).toEqual(encodeKey(0))
  expect(hashKey(-0)).toBe(hashKey(0))
  expect(encodeKey({ a: 1, b: [-0] })).toEqual(encodeKey({ b: [0], a: 1 }))
})

test('types are part of a key', () => {
  const keys = [1, '1', 1n, true, null, [1], { 0: 1 }, new Date(1), 'true', []]
  expect(new Set(keys.map((key) => hex(encodeKey(key)))).size).toBe(keys.length)
})

test('the bytes are written into memory that is given, where it suffices', () => {
  const out = new Uint8Array(64)
  const bytes = encodeKey('abc', out)
  expect(bytes.buffer).toBe(out.buffer)
  expect(hex(bytes)).toBe(hex(encodeKey('abc')))
  expect(encodeKey('x'.repeat(100), out).buffer).not.toBe(out.buffer)
})

describe('what cannot be a key is refused with the place', () => {
  class Point {}
  const cyclic: unknown[] = []
  cyclic.push(cyclic)
  test.each<[string, unknown, RegExp]>([
    ['undefined', undefined, /^key is undefined/],
    ['NaN', Number.NaN, /^key is NaN/],
    ['NaN inside', { a: [1, Number.NaN] }, /^key\.a\[1\] is NaN/],
    ['a missing field', { user: { id: undefined } }, /^key\.user\.id is undefined/],
    ['a function', [(): void => {}], /^key\[0\] is a function/],
    ['a symbol', Symbol('s'), /^key is a symbol/],
    ['an invalid date', [new Date(Number.NaN)], /^key\[0\] is an invalid Date/],
    ['an instance of a class', { p: new Point() }, /^key\.p is an instance of the class Point/],
    ['a Map', new Map(), /^key is an instance of the class Map/],
    ['a Promise', Promise.resolve(1), /^key is an instance of the class Promise/],
    ['a cycle', cyclic, /refers to itself or is nested deeper than 32/],
  ])('%s', (_name, key, message) => {
    const refusal = expect.objectContaining({ code: 'SLUICE_KEY_INVALID', message: expect.stringMatching(message) })
    expect(() => encodeKey(key)).toThrow(refusal)
    expect(() => hashKey(key)).toThrow(refusal)
    expect(() => canonicalKey(key)).toThrow(refusal)
  })
})

describe('groups and subtasks', () => {
  test('every group has one owner, owners are contiguous and even', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 512 }), fc.integer({ min: 1, max: 512 }), (groups, wanted) => {
        const parallelism = Math.min(groups, wanted)
        const owned = Array.from({ length: parallelism }, () => 0)
        let last = 0
        for (let group = 0; group < groups; group++) {
          const owner = subtaskOf(group, parallelism, groups)
          expect(owner === last || owner === last + 1).toBe(true)
          last = owner
          owned[owner] = (owned[owner] ?? 0) + 1
        }
        expect(last).toBe(parallelism - 1)
        expect(Math.max(...owned) - Math.min(...owned)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('a group lies in range for every hash', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 32768 }), (hash, groups) => {
        const group = keyGroupOf(hash, groups)
        expect(group >= 0 && group < groups && Number.isInteger(group)).toBe(true)
        expect(keyGroupOf(hash >>> 0, groups)).toBe(group)
      }),
    )
  })

  test('real keys spread over the groups', () => {
    const groups = Array.from({ length: 128 }, () => 0)
    for (let id = 0; id < 128_000; id++) {
      const group = keyGroupOf(hashKey(id % 2 === 0 ? id : `user-${id}`), 128)
      groups[group] = (groups[group] ?? 0) + 1
    }
    expect(Math.min(...groups)).toBeGreaterThan(800)
    expect(Math.max(...groups)).toBeLessThan(1200)
  })
})
