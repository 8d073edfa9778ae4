import { describe, expect, test } from 'vitest'
import { createRecordEncoder } from '../../src/codec/index.js'
import { readDefinition } from '../../src/codec/definition.js'
import { roundTrip } from './round-trip.js'

const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index))

describe.each([true, false])('learning shapes (generate: %s)', (generate) => {
  test('a steady stream defines one shape', () => {
    const codec = roundTrip({ generate })
    const stream = many(500, (index) => ({ id: index, name: `n${index}`, tags: ['a'], at: { x: index, y: 0.5 } }))
    expect(codec.pass(stream)).toEqual(stream)
    expect(codec.definitions).toHaveLength(1)
  })

  test('a field that is now an integer, now a double, settles on a shape that takes both', () => {
    const codec = roundTrip({ generate })
    const stream = many(1000, (index) => ({ price: index % 3 === 0 ? index : index + 0.5 }))
    expect(codec.pass(stream)).toEqual(stream)
    expect(codec.definitions).toHaveLength(2)
    expect(codec.encoder.definitions()).toHaveLength(1)
  })

  test('a field of many kinds settles', () => {
    const codec = roundTrip({ generate })
    const kinds = [1, 0.5, null, 'x', undefined, true, [1], { a: 1 }, 5n]
    const stream = many(1000, (index) => ({ id: index, value: kinds[(index * 7) % kinds.length] }))
    expect(codec.pass(stream)).toStrictEqual(stream)
    expect(codec.definitions.length).toBeLessThanOrEqual(4)
  })

  test('-0 in a field of integers survives', () => {
    const stream = [{ a: 1 }, { a: 0 }, { a: -0 }, { a: 0 }]
    expect(roundTrip({ generate }).pass(stream)).toStrictEqual(stream)
  })

  test('keys more, less, elsewhere or deeper are never lost', () => {
    const stream = [
      { a: 1, b: 2 },
      { a: 1 },
      { a: 1, b: 2, c: 3 },
      { b: 2, a: 1 },
      { a: { x: 1, y: 2 }, b: 2 },
      { a: { x: 1 }, b: 2 },
      { a: { y: 2, x: 1 }, b: 2 },
      { a: { x: 1, y: 2, z: 3 }, b: 2 },
      { a: 1, b: undefined },
    ]
    const codec = roundTrip({ generate })
    for (let round = 0; round < 3; round++) {
      const received = codec.pass(stream)
      expect(received).toStrictEqual(stream)
      expect(received.map((value) => JSON.stringify(value))).toEqual(stream.map((value) => JSON.stringify(value)))
    }
  })

  test('inherited properties are not taken for own ones', () => {
    const codec = roundTrip({ generate })
    const stream: unknown[] = [{ constructor: 'a', toString: 'b' }, { constructor: 'a' }, {}]
    expect(codec.pass(stream)).toStrictEqual(stream)
  })

  test('a polluted Object.prototype neither adds nor loses fields', () => {
    const codec = roundTrip({ generate })
    codec.pass([{ a: 1 }])
    Object.defineProperty(Object.prototype, 'polluted', { value: 1, enumerable: true, configurable: true, writable: true })
    let received: unknown[]
    try {
      received = codec.pass([{ a: 1 }, { a: 2, b: { c: 1 } }])
    } finally {
      Reflect.deleteProperty(Object.prototype, 'polluted')
    }
    expect(received.map((value) => Object.keys(value as object))).toEqual([['a'], ['a', 'b']])
  })

  test('a decoded __proto__ is an own key and changes no prototype', () => {
    const sent = many(5, () => JSON.parse('{"a":1,"__proto__":{"polluted":true}}') as object)
    for (const received of roundTrip({ generate }).pass(sent)) {
      expect(Object.getPrototypeOf(received)).toBe(Object.prototype)
      expect(Object.hasOwn(received as object, '__proto__')).toBe(true)
      expect((received as { polluted?: boolean }).polluted).toBeUndefined()
    }
  })

  test('an own __proto__ that hides Object.prototype is no way around the key check', () => {
    const hidden = (value: unknown): unknown =>
      Object.defineProperty({ a: 1 }, '__proto__', { value, enumerable: true, configurable: true, writable: true })
    const stream = [{ a: 1 }, hidden(Object.prototype), hidden(undefined), hidden(null)]
    const received = roundTrip({ generate }).pass(stream)
    expect(received.map((value) => Object.keys(value as object))).toEqual([
      ['a'],
      ['a', '__proto__'],
      ['a', '__proto__'],
      ['a', '__proto__'],
    ])
  })

  test('two alternating shapes are defined once each', () => {
    const codec = roundTrip({ generate })
    const stream = many(2000, (index) => (index % 2 === 0 ? { bid: index } : { auction: index, name: 'x' }))
    expect(codec.pass(stream)).toEqual(stream)
    expect(codec.definitions).toHaveLength(2)
  })

  test('many shapes with the same first key, or the same ends, are told apart', () => {
    const codec = roundTrip({ generate })
    const stream = many(3000, (index) => ({
      type: `t${index % 30}`,
      [`f${index % 30}`]: index,
      ...(index % 2 === 0 ? {} : { at: 0.5 + index }),
    }))
    expect(codec.pass(stream)).toEqual(stream)
    expect(codec.encoder.definitions()).toHaveLength(30)
  })

  test('more shapes than the table holds: the least used give way, nothing is lost', () => {
    const codec = roundTrip({ generate })
    const stream = many(4000, (index) => ({ [`field${index % 100}`]: index, common: 'x' }))
    expect(codec.pass(stream)).toEqual(stream)
    expect(codec.encoder.definitions().length).toBeLessThanOrEqual(64)
    const ids = codec.encoder.definitions().map((definition) => readDefinition(definition).id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('a stream of ever new shapes compiles little and ends up self-describing', () => {
    const codec = roundTrip({ generate })
    const stream = many(20_000, (index) => ({ [`user${index}`]: index }))
    expect(codec.pass(stream)).toEqual(stream)
    expect(codec.definitions.length).toBeLessThanOrEqual(8)
  })

  test('compilations are bounded for a stream that returns to each of many shapes', () => {
    const codec = roundTrip({ generate })
    const stream = many(30_000, (index) => ({ [`f${index % 500}`]: index }))
    expect(codec.pass(stream)).toEqual(stream)
    expect(codec.definitions.length).toBeLessThanOrEqual(256 + 30_000 / 4096)
  })

  test('after prepare the value fits, whatever was current', () => {
    const codec = roundTrip({ generate, stagingBytes: 1 << 16 })
    const bytes = Buffer.alloc(4096)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const values: unknown[] = [
      { a: 1 },
      5,
      'x',
      { a: 'x' },
      null,
      [1],
      { b: 1 },
      Object.fromEntries(many(300, (index) => [`f${index}`, 1])),
      { a: 0.5 },
    ]
    for (const value of [...values, ...values.toReversed()]) {
      codec.encoder.prepare(value)
      expect(codec.encoder.encode(value, view, bytes, 0, bytes.length)).toBeGreaterThan(0)
    }
  })

  test('encode writes nothing at or beyond its limit', () => {
    const codec = roundTrip({ generate })
    const value = { id: 1, text: 'я'.repeat(30), long: 'é'.repeat(50), flag: true, list: [1, 2], any: new Map([[1, 2]]) }
    codec.encoder.prepare(value)
    const size = codec.encoder.sizeOf(value)
    const bytes = Buffer.alloc(size + 64)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let limit = 0; limit <= size + 20; limit++) {
      bytes.fill(0xaa)
      const end = codec.encoder.encode(value, view, bytes, 0, limit)
      expect(end === -2 || (end === size && end <= limit)).toBe(true)
      expect(bytes.subarray(limit).every((byte) => byte === 0xaa)).toBe(true)
    }
    expect(codec.encoder.encode(value, view, bytes, 0, size + 20)).toBe(size)
  })
})

describe('a seed', () => {
  test('defines its shape before the first record', () => {
    const definitions: Uint8Array[] = []
    createRecordEncoder({
      onDefine: (definition) => definitions.push(definition),
      seed: {
        kind: 'object',
        fields: [
          { name: 'b', value: { kind: 'float64' } },
          { name: '1', value: { kind: 'string', nullable: true } },
          { name: 'list', value: { kind: 'array', element: { kind: 'int32' } }, optional: true },
        ],
      },
    })
    expect(definitions.map((definition) => readDefinition(definition).type)).toMatchObject([{ names: ['1', 'b', 'list'] }])
  })

  test('takes its records without learning, and learns what does not fit', () => {
    const codec = roundTrip({
      seed: {
        kind: 'object',
        fields: [
          { name: 'id', value: { kind: 'int32' } },
          { name: 'note', value: { kind: 'string' }, optional: true },
        ],
      },
    })
    const fitting = [
      { id: 1, note: 'x' },
      { id: 2, note: undefined },
      { id: 3, note: null },
    ]
    expect(codec.pass(fitting)).toStrictEqual(fitting)
    expect(codec.definitions).toHaveLength(1)
    const others = [{ id: 0.5, note: 'x' }, { id: 1 }, 'text', { id: 1, note: 'x', more: 1 }]
    expect(codec.pass(others)).toStrictEqual(others)
  })
})
