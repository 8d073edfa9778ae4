import { describe, expect, test } from 'vitest'
import { roundTrip } from './round-trip.js'

const nest = (depth: number): unknown => (depth === 0 ? { a: 1.5 } : { a: nest(depth - 1), b: 'x' })

function withHole(...items: unknown[]): unknown[] {
  items.length += 1
  items.push(...items.splice(0, 1))
  return items
}

const values: [string, unknown][] = [
  ['integers', { a: 0, b: -1, c: 2 ** 31 - 1, d: -(2 ** 31) }],
  ['numbers beyond 32 bits', { a: 2 ** 31, b: 2 ** 53, c: -0, d: Number.NaN, e: Number.POSITIVE_INFINITY, f: 0.1 }],
  [
    'strings',
    {
      a: '',
      b: 'abc',
      c: 'é',
      d: 'x'.repeat(49),
      e: 'é'.repeat(300),
      f: 'я'.repeat(20),
      g: '\ud800',
      h: '\udc00x'.repeat(40),
      i: 'z'.repeat(5000),
    },
  ],
  ['booleans, null, undefined', { a: true, b: false, c: null, d: undefined }],
  ['bigints', { a: 0n, b: -1n, c: 2n ** 63n - 1n, d: -(2n ** 63n), e: 2n ** 63n, f: -(2n ** 200n), g: 255n }],
  ['dates', { a: new Date(0), b: new Date(Number.NaN), c: [new Date(5)] }],
  ['regexps', { a: /a\/b/giu, b: new RegExp('') }],
  ['nested objects', { a: { b: { c: { d: 'x', e: 1 } } }, f: {} }],
  ['objects nested deeper than generated code goes', nest(20)],
  [
    'arrays',
    { a: [], b: [1, 2, 3], c: [1.5, -0], d: ['x', 'я'], e: [1, 'x', null], f: [[1], [2, 3]], g: [{ a: 1 }, { a: 2 }], h: [undefined] },
  ],
  ['arrays with holes', { a: withHole(1, 3), b: new Array(5), c: withHole(undefined) }],
  ['arrays with properties', { a: Object.assign([1, 2], { x: 1 }), b: /b(?<n>.)/.exec('abc'), c: Object.assign(new Array(1), { x: 1 }) }],
  [
    'maps and sets',
    {
      a: new Map<unknown, unknown>([
        ['x', 1],
        [{ k: 1 }, new Map()],
      ]),
      b: new Set([1, 'a', new Set([2])]),
    },
  ],
  ['buffers', { a: Uint8Array.of(1, 2, 3).buffer, b: new ArrayBuffer(0), c: new DataView(Uint8Array.of(7, 8).buffer) }],
  [
    'typed arrays',
    {
      a: new Int8Array([-1]),
      b: new Uint8ClampedArray([255]),
      c: new Float64Array([0.5, -0]),
      d: new BigInt64Array([-1n]),
      e: new Uint16Array(),
    },
  ],
  ['boxed primitives', { a: Object(1), b: Object('x'), c: Object(true), d: Object(5n) }],
  ['names that look like numbers', { b: 1, 10: 2, 2: 3, a: 4 }],
  [
    'names that need quoting',
    { 'a b': 1, "it's": 2, '"': 3, '\n': 4, '\u2028': 5, '': 6, '\ud800': 7, constructor: 8, toString: 9, '${x}': 10, '`': 11 },
  ],
  ['__proto__ as a key', JSON.parse('{"a":1,"__proto__":{"b":2},"c":{"__proto__":3}}')],
  ['a number', 5],
  ['a string', 'hello'],
  ['null', null],
  ['undefined', undefined],
  ['an array', [1, 'a']],
  ['a date', new Date(7)],
  ['a bigint', 5n],
  ['a map', new Map([[1, 2]])],
  ['an empty object', {}],
  ['300 fields', Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`f${index}`, index]))],
]

describe.each([
  ['generated', true, true],
  ['interpreted', false, false],
  ['generated to interpreted', true, false],
  ['interpreted to generated', false, true],
])('%s: values are what structuredClone makes of them', (_, generate, generateDecoder) => {
  test.each(values)('%s', (_name, value) => {
    const expected = structuredClone(value)
    const codec = roundTrip({ generate, generateDecoder, stagingBytes: 65536 })
    for (const received of codec.pass([value, value, value])) {
      expect(received).toStrictEqual(expected)
      if (typeof value === 'object' && value !== null)
        expect(Reflect.ownKeys(received as object)).toEqual(Reflect.ownKeys(expected as object))
    }
  })
})
