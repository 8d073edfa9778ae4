/** Times are exact for every value of 64 bits. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { digitsOf, highOf, lowOf, msOfWords, nanosOfWords } from '../../src/wire/nanoseconds.js'

const MAX = (1n << 64n) - 1n
const nearMs = fc.tuple(fc.bigInt({ min: 0n, max: MAX / 1_000_000n }), fc.integer({ min: -2, max: 2 }))

test('milliseconds and the nanoseconds beyond them say the same as the words of the wire', () => {
  const times = fc.oneof(
    fc.bigInt({ min: 0n, max: MAX }),
    nearMs.map(([ms, off]) => ms * 1_000_000n + BigInt(off)).filter((time) => time >= 0n && time <= MAX),
    fc.constantFrom(0n, 1n, 999_999n, 1_000_000n, MAX),
  )
  fc.assert(
    fc.property(times, (time) => {
      const high = Number(time >> 32n)
      const low = Number(time & 0xffff_ffffn)
      const ms = msOfWords(high, low)
      const nanos = nanosOfWords(high, low)
      expect([ms, nanos]).toEqual([Number(time / 1_000_000n), Number(time % 1_000_000n)])
      expect([highOf(ms, nanos), lowOf(ms, nanos)]).toEqual([high, low])
      expect(digitsOf(ms, nanos)).toBe(String(time))
    }),
    { numRuns: 2_000 },
  )
})
