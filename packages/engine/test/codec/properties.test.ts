import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyValue, driftingStream } from './arbitrary-values.js'
import { findDifference } from './find-difference.js'
import { roundTrip } from './round-trip.js'

function expectSame(received: unknown, sent: unknown): void {
  expect(findDifference(received, structuredClone(sent))).toBeUndefined()
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
