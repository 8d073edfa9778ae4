import { describe, expect, test } from 'vitest'
import { roundTrip } from './round-trip.js'

class Point {
  x = 1
}

function cyclic(): object {
  const order: { id: number; items: object[] } = { id: 1, items: [] }
  order.items.push({ sku: 'a' }, { sku: 'b', order })
  return order
}

function deep(levels: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = { a: value }
  return value
}

const detached = new ArrayBuffer(8)
structuredClone(detached, { transfer: [detached] })

const refused: [string, unknown, string, RegExp][] = [
  ['a function', { user: { tags: [1, 2, 3, (): void => {}] } }, 'SLUICE_RECORD_NOT_ENCODABLE', /^record\.user\.tags\[3\] is a function/],
  ['a symbol', { a: Symbol('s') }, 'SLUICE_RECORD_NOT_ENCODABLE', /^record\.a is a symbol/],
  ['a function as the record', (): void => {}, 'SLUICE_RECORD_NOT_ENCODABLE', /^record is a function/],
  ['a name that is no identifier', { 'a b': { 1: Symbol('s') } }, 'SLUICE_RECORD_NOT_ENCODABLE', /^record\["a b"\]\["1"\] is a symbol/],
  ['an instance of a class', { at: new Point() }, 'SLUICE_RECORD_CLASS_INSTANCE', /^record\.at is an instance of the class Point/],
  ['an instance as the record', new Point(), 'SLUICE_RECORD_CLASS_INSTANCE', /^record is an instance of the class Point/],
  ['an object with another object as prototype', Object.create({ inherited: 1 }), 'SLUICE_RECORD_CLASS_INSTANCE', /^record is/],
  ['a Promise as the record', Promise.resolve(1), 'SLUICE_RECORD_PROMISE', /^record is a Promise/],
  ['a Promise inside', { a: [Promise.resolve(1)] }, 'SLUICE_RECORD_PROMISE', /^record\.a\[0\] is a Promise/],
  ['a WeakMap', { a: new WeakMap() }, 'SLUICE_RECORD_NOT_ENCODABLE', /^record\.a is a WeakMap/],
  ['shared memory', { a: new SharedArrayBuffer(4) }, 'SLUICE_RECORD_NOT_ENCODABLE', /^record\.a is a SharedArrayBuffer/],
  [
    'a view of shared memory',
    { a: new Uint8Array(new SharedArrayBuffer(4)) },
    'SLUICE_RECORD_NOT_ENCODABLE',
    /view of a SharedArrayBuffer/,
  ],
  ['detached memory', { a: detached }, 'SLUICE_RECORD_NOT_ENCODABLE', /^record\.a is detached/],
  ['a boxed symbol', { a: Object(Symbol('s')) }, 'SLUICE_RECORD_NOT_ENCODABLE', /^record\.a is a boxed symbol/],
  ['a cycle', cyclic(), 'SLUICE_RECORD_CYCLE', /^record\.items\[1\]\.order is record again/],
  [
    'something inside a Map',
    { a: new Map([['k', { f: Symbol('s') }]]) },
    'SLUICE_RECORD_NOT_ENCODABLE',
    /^record\.a\.get\("k"\)\.f is a symbol/,
  ],
  ['something inside a Set', { a: new Set([1, Symbol('s')]) }, 'SLUICE_RECORD_NOT_ENCODABLE', /^record\.a\.values\(1\) is a symbol/],
  ['the cause of an error', new Error('x', { cause: Symbol('s') }), 'SLUICE_RECORD_NOT_ENCODABLE', /^record\.cause is a symbol/],
  ['a value nested too deep', deep(2000), 'SLUICE_RECORD_NOT_ENCODABLE', /nested deeper than 512/],
  // With a path per level this alone would fill the memory: 10 GB of text.
  ['a value nested as deep as a hostile client makes it', deep(100_000), 'SLUICE_RECORD_NOT_ENCODABLE', /nested deeper than 512/],
]

describe.each([true, false])('values that cannot be sent are refused with their path (generate: %s)', (generate) => {
  test.each(refused)('%s', (_name, value, code, message) => {
    const codec = roundTrip({ generate })
    expect(() => codec.pass([value])).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }))
    expect(() => codec.encoder.encodeLarge(value)).toThrow(expect.objectContaining({ code }))
  })

  test.each(refused)('%s, after records that were fine', (_name, value, code) => {
    const codec = roundTrip({ generate })
    const good = typeof value === 'object' && value !== null ? Object.fromEntries(Object.keys(value).map((key) => [key, 1])) : 1
    const mixed = typeof value === 'object' && value !== null ? Object.fromEntries(Object.keys(value).map((key) => [key, 'x'])) : 'x'
    expect(codec.pass([good, mixed, good])).toHaveLength(3)
    expect(() => codec.pass([value])).toThrow(expect.objectContaining({ code }))
    expect(codec.pass([good, mixed])).toEqual([good, mixed])
  })

  test('a cycle through wide objects ends at once', () => {
    const root: { items: object[] } = { items: [] }
    for (let index = 0; index < 1000; index++) root.items.push({ index, root, siblings: root.items })
    expect(() => roundTrip({ generate }).pass([root])).toThrow(expect.objectContaining({ code: 'SLUICE_RECORD_CYCLE' }))
  })

  test('a record above the limit is refused, one at the limit is not', () => {
    const codec = roundTrip({ generate, stagingBytes: 64, maxRecordBytes: 1000 })
    expect(codec.pass([{ a: 'x'.repeat(900) }])).toEqual([{ a: 'x'.repeat(900) }])
    expect(() => codec.pass([{ a: 'x'.repeat(1000) }])).toThrow(
      expect.objectContaining({ code: 'SLUICE_RECORD_TOO_LARGE', message: expect.stringContaining('1000 bytes') }),
    )
  })

  test('subclasses of built-ins arrive as what they extend, as in structuredClone', () => {
    class Tags extends Array<string> {}
    class Failure extends TypeError {
      override name = 'Failure'
    }
    const error = new Failure('no')
    const [received] = roundTrip({ generate }).pass([{ tags: Tags.of('a'), error, buffer: Buffer.from('ab') }]) as [Record<string, unknown>]
    const expected = structuredClone({ tags: Tags.of('a'), error })
    expect(received.tags).toStrictEqual(expected.tags)
    expect(received.error).toStrictEqual(expected.error)
    expect((received.error as Error).stack).toBe(expected.error.stack)
    expect(received.buffer).toStrictEqual(Uint8Array.of(97, 98))
  })
})

test('errors keep class, message, stack and cause', () => {
  const sent = new RangeError('far', { cause: { code: 5, inner: new SyntaxError('bad') } })
  const [received] = roundTrip().pass([{ sent }]) as [{ sent: RangeError & { cause: { code: number; inner: Error } } }]
  expect(received.sent).toBeInstanceOf(RangeError)
  expect(received.sent.stack).toBe(sent.stack)
  expect(received.sent.cause.inner).toBeInstanceOf(SyntaxError)
  expect(Object.keys(received.sent)).toEqual([])
})

test('offset views arrive with their own bytes only', () => {
  const [received] = roundTrip().pass([{ a: new Uint16Array(Uint16Array.of(1, 2, 3, 4).buffer, 2, 2) }]) as [{ a: Uint16Array }]
  expect(received.a).toStrictEqual(Uint16Array.of(2, 3))
  expect(received.a.buffer.byteLength).toBe(4)
})

test('nothing but own enumerable string keys is sent, and getters are read', () => {
  const record = Object.create(null) as Record<string | symbol, unknown>
  record[Symbol('hidden')] = 1
  Object.defineProperty(record, 'hidden', { value: 1, enumerable: false })
  Object.defineProperty(record, 'computed', { get: () => 7, enumerable: true })
  const [received] = roundTrip().pass([record]) as [object]
  expect(received).toStrictEqual({ computed: 7 })
})

test('a sub-object used twice is sent twice', () => {
  const shared = { a: 1 }
  const [received] = roundTrip().pass([{ x: shared, y: shared }]) as [{ x: object; y: object }]
  expect(received).toEqual({ x: { a: 1 }, y: { a: 1 } })
  expect(received.x).not.toBe(received.y)
})
