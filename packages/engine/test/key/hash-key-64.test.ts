import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeKey, hashKey64 } from '../../src/key/index.js'
import { murmur3 } from '../../src/key/murmur3.js'

function hash(key: unknown): readonly number[] {
  const out = new Int32Array(2)
  hashKey64(key, out)
  return [...out]
}

const key = fc.oneof(
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.string({ unit: 'binary' }),
  fc.bigInt(),
  fc.constantFrom(null, true, false),
  fc.array(fc.integer()),
)

test('the words are the murmur3-32 of the encoded key with two seeds', () => {
  fc.assert(
    fc.property(key, (value) => {
      const bytes = encodeKey(value)
      expect(hash(value)).toEqual([murmur3(bytes, 0x2545f491), murmur3(bytes, 0x6c62272e)])
    }),
  )
})

test('the hashes of these keys never change: sketches in checkpoints hold them', () => {
  const vectors: readonly (readonly [unknown, number, number])[] = [
    [0, -2031019735, 368959415],
    [1, -1293815972, -310791301],
    [-1.5, -244579944, -1080970056],
    ['', -305526901, 748301899],
    ['a', -1400824396, 2013191475],
    ['stream', -785743146, -1925405444],
    [null, -1639442360, -1210105528],
    [true, -1789151585, 475902063],
    [5n, -1569913277, 1996182670],
    [[1, 'x'], -1568289531, -1142127623],
  ]
  for (const [value, high, low] of vectors) expect([value, ...hash(value)]).toEqual([value, high, low])
})

test('no two of 200,000 keys have the same 64 bits', () => {
  const seen = new Set<string>()
  for (let index = 0; index < 100_000; index++) for (const value of [index, `${index}`]) seen.add(hash(value).join())
  expect(seen.size).toBe(200_000)
})

test('what cannot be a key is refused', () => {
  for (const bad of [Number.NaN, undefined, () => 1, new Date(Number.NaN)]) {
    expect(() => hash(bad)).toThrow(expect.objectContaining({ code: 'SLUICE_KEY_INVALID' }))
  }
})
