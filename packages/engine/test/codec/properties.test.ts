import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyValue, driftingStream } from './arbitrary-values.js'
import { roundTrip } from './round-trip.js'

/** Own keys of all objects inside, in order: `toStrictEqual` does not look at their order. */
function keysInside(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return undefined
  if (value instanceof Map) return [...value].map(([key, item]) => [keysInside(key), keysInside(item)])
  if (value instanceof Set) return [...value].map(keysInside)
  return Object.keys(value).map((key) => [key, keysInside((value as Record<string, unknown>)[key])])
}

function expectSame(received: unknown, sent: unknown): void {
  const expected = structuredClone(sent)
  // Not toStrictEqual: it takes a field called constructor for the class.
  if (!isDeepStrictEqual(received, expected)) expect(received, 'differs').toBe(expected)
  expect(keysInside(received)).toEqual(keysInside(expected))
}

const modes = fc.record({ generate: fc.boolean(), generateDecoder: fc.boolean(), stagingBytes: fc.integer({ min: 1, max: 2000 }) })

describe('what arrives is what structuredClone makes', () => {
  test('of any value', () => {
    fc.assert(
      fc.property(anyValue, modes, (value, mode) => {
        for (const received of roundTrip(mode).pass([value, value])) expectSame(received, value)
      }),
      { numRuns: 600 },
    )
  })

  test('of every record of a stream whose shapes drift, in order, whatever the size of the staging', () => {
    fc.assert(
      fc.property(driftingStream, modes, (stream, mode) => {
        const received = roundTrip(mode).pass(stream)
        expect(received).toHaveLength(stream.length)
        for (const [index, value] of stream.entries()) expectSame(received[index], value)
      }),
      { numRuns: 300 },
    )
  })
})

test('generated and interpreting encoders write the same bytes and definitions', () => {
  fc.assert(
    fc.property(driftingStream, (stream) => {
      const generated = roundTrip({ generate: true })
      const interpreted = roundTrip({ generate: false })
      for (const value of stream) {
        expect(Uint8Array.from(interpreted.encoder.encodeLarge(value))).toEqual(Uint8Array.from(generated.encoder.encodeLarge(value)))
      }
      expect(interpreted.definitions).toEqual(generated.definitions)
    }),
    { numRuns: 200 },
  )
})

test('the size of a record is the number of bytes that it takes', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const codec = roundTrip()
      const size = codec.encoder.sizeOf(value)
      expect(size).toBe(codec.encoder.encodeLarge(value).length)
    }),
    { numRuns: 100 },
  )
})
