import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRecordDecoder } from '../../src/codec/index.js'
import { anyValue, driftingStream } from './arbitrary-values.js'
import { roundTrip } from './round-trip.js'

const corrupt = expect.objectContaining({ code: 'SLUICE_CODEC_CORRUPT' })

describe('definitions from a peer are validated', () => {
  test.each<[string, number[]]>([
    ['empty', []],
    ['unknown version', [9, 0, 2]],
    ['id beyond the table', [1, 64, 2]],
    ['the id of generic records', [1, 255, 2]],
    ['no type', [1, 0]],
    ['unknown kind', [1, 0, 11]],
    ['bytes behind the end', [1, 0, 2, 0]],
    ['more fields than bytes', [1, 0, 9, 2, 0, 0, 0, 1, 0, 0, 0, 97, 0, 2]],
    ['too many fields', [1, 0, 9, 1, 1, 0, 0]],
    ['a name beyond the end', [1, 0, 9, 1, 0, 0, 0, 255, 255, 255, 255]],
    ['a name twice', [1, 0, 9, 2, 0, 0, 0, 1, 0, 0, 0, 97, 0, 2, 1, 0, 0, 0, 97, 0, 2]],
    ['nested without end', [1, 0, ...Array.from({ length: 100 }, () => 10), 2]],
  ])('%s', (_name, bytes) => {
    expect(() => createRecordDecoder().define(Uint8Array.from(bytes))).toThrow(corrupt)
  })

  test('any change of a definition is refused, or gives a decoder', () => {
    fc.assert(
      fc.property(driftingStream, fc.nat(), fc.nat(255), (stream, position, byte) => {
        const codec = roundTrip()
        codec.pass(stream)
        for (const definition of codec.definitions) {
          const changed = Uint8Array.from(definition)
          changed[position % changed.length] = byte
          const decoder = createRecordDecoder()
          try {
            decoder.define(changed)
          } catch (error) {
            expect(error).toEqual(corrupt)
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  test('names cannot break out of the generated text', () => {
    const names = [
      '"',
      "']",
      '`${1}`',
      '\\',
      '*/',
      '\n',
      '\u2028',
      '}); globalThis.broken = true; ({',
      '__proto__',
      'value',
      'names0',
      'at',
    ]
    const value = Object.fromEntries(names.map((name, index) => [name, index]))
    const [received] = roundTrip().pass([value])
    expect(received).toStrictEqual(value)
    expect((globalThis as { broken?: boolean }).broken).toBeUndefined()
  })
})

describe('records from a peer', () => {
  test('a shape that was not defined is refused', () => {
    const bytes = Buffer.from([3, 1, 2, 3, 4])
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    expect(() => createRecordDecoder().decode(view, bytes, { at: 0 })).toThrow(corrupt)
  })

  test('counts that promise more than there is allocate nothing', () => {
    for (const tag of [6, 8, 11, 12, 13, 14, 15, 16, 20]) {
      const bytes = Buffer.from([255, tag, 254, 255, 255, 255, 127, 255, 255, 255, 127, 0, 0])
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      expect(() => createRecordDecoder().decode(view, bytes, { at: 0 })).toThrow(
        expect.objectContaining({ message: expect.stringMatching(/do not fit|ends beyond|bounds/) }),
      )
    }
  })

  test('changed bytes give a value or an error, never an endless loop', () => {
    fc.assert(
      fc.property(anyValue, fc.nat(), fc.nat(255), fc.boolean(), (value, position, byte, generate) => {
        const codec = roundTrip({ generate })
        const bytes = Buffer.from(codec.encoder.encodeLarge(value))
        for (const definition of codec.definitions) codec.decoder.define(definition)
        bytes[position % bytes.length] = byte
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
        try {
          codec.decoder.decode(view, bytes, { at: 0 })
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
      { numRuns: 500 },
    )
  })
})
