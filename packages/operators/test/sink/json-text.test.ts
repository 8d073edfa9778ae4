import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonText } from '../../src/sink/json-text.js'

test('text is what JSON.stringify writes, for everything JSON can hold', () => {
  const text = new JsonText()
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      expect(text.stringify(value)).toBe(JSON.stringify(value))
    }),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string({ unit: 'binary' }),
        fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.double({ noNaN: true, noDefaultInfinity: true })),
      ),
      (value) => {
        expect(text.stringify(value)).toBe(JSON.stringify(value))
      },
    ),
    { numRuns: 500 },
  )
})

test.each([
  ['a bigint', { n: 2n ** 70n }, '{"n":"1180591620717411303424"}'],
  ['a date', { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
  ['undefined properties and elements', { a: undefined, b: [undefined, 1], c: 1 }, '{"b":[null,1],"c":1}'],
  ['holes', { a: new Array(2) }, '{"a":[null,null]}'],
  ['negative zero', { a: -0 }, '{"a":0}'],
  ['lone surrogates and controls', { a: '\ud800\u0001"\\' }, '{"a":"\\ud800\\u0001\\"\\\\"}'],
  ['a long string with a lone surrogate', { a: `${'x'.repeat(100)}\udc00` }, `{"a":"${'x'.repeat(100)}\\udc00"}`],
  ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 }), '{"a":1}'],
  ['a property named __proto__', JSON.parse('{"__proto__":{"a":1},"b":{"__proto__":2}}'), '{"__proto__":{"a":1},"b":{"__proto__":2}}'],
  ['a bare value', 'text', '"text"'],
  ['a bare date', new Date(0), '"1970-01-01T00:00:00.000Z"'],
])('%s', (_name, value, expected) => {
  expect(new JsonText().stringify(value)).toBe(expected)
})

test('numbers that are not finite are null and counted', () => {
  const text = new JsonText()
  expect(
    text.stringify({ a: Number.NaN, b: [Number.POSITIVE_INFINITY], c: { d: Number.NEGATIVE_INFINITY }, e: new Date(Number.NaN), f: 1 }),
  ).toBe('{"a":null,"b":[null],"c":{"d":null},"e":null,"f":1}')
  expect(text.nonFinite).toBe(4)
})

test('the keys of the record before do not leak into the next', () => {
  const text = new JsonText()
  expect([{ a: 1, b: 2 }, { b: 1 }, { a: 1, b: 2, c: 3 }, {}].map((record) => text.stringify(record))).toEqual([
    '{"a":1,"b":2}',
    '{"b":1}',
    '{"a":1,"b":2,"c":3}',
    '{}',
  ])
})

describe('what JSON would lose is refused with its path', () => {
  class Point {
    x = 1
  }
  test.each([
    ['a Map', { a: [{}, { tags: new Map() }] }, 'a[1].tags is a Map'],
    ['a Set', { tags: new Set([1]) }, 'tags is a Set'],
    ['a function', { a: { fn: () => 1 } }, 'a.fn is a function'],
    ['a symbol', { a: Symbol('s') }, 'a is a symbol'],
    ['a typed array', { bytes: new Uint8Array(2) }, 'bytes is a Uint8Array'],
    ['a class instance', { p: new Point() }, 'p is a Point'],
    ['a regular expression', { r: /x/ }, 'r is a RegExp'],
    ['an error', { e: new Error('x') }, 'e is a Error'],
    ['a bare Map', new Map(), 'The record is a Map'],
    ['undefined as a record', undefined, 'The record is a undefined'],
  ])('%s', (_name, record, message) => {
    expect(() => new JsonText().stringify(record)).toThrow(
      expect.objectContaining({ code: 'SLUICE_JSON_UNSUPPORTED', message: expect.stringContaining(message) }),
    )
  })

  test('a cycle', () => {
    const record: { self?: unknown } = {}
    record.self = [record]
    expect(() => new JsonText().stringify(record)).toThrow(
      expect.objectContaining({ code: 'SLUICE_RECORD_CYCLE', message: expect.stringContaining('self[0].self') }),
    )
  })

  test('the text after a refusal is whole again', () => {
    const text = new JsonText()
    expect(() => text.stringify({ a: { b: new Map() } })).toThrow('a.b')
    expect(() => text.stringify({ c: new Map() })).toThrow('property c is')
    expect(text.stringify({ a: 1 })).toBe('{"a":1}')
  })
})
