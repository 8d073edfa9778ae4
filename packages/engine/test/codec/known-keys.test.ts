import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { createRecordDecoder, createRecordEncoder, MISFIT } from '../../src/codec/index.js'

function carry(records: readonly unknown[], knownKeys: readonly string[] | undefined, generate: boolean): unknown[] {
  const decoder = createRecordDecoder({ generate })
  const encoder = createRecordEncoder({ onDefine: (definition) => decoder.define(definition), knownKeys, generate })
  const bytes = Buffer.alloc(1 << 16)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return records.map((record) => {
    let end = encoder.encode(record, view, bytes, 0, bytes.length)
    while (end === MISFIT) {
      encoder.prepare(record)
      end = encoder.encode(record, view, bytes, 0, bytes.length)
    }
    const cursor = { at: 0 }
    const decoded = decoder.decode(view, bytes, cursor)
    expect(cursor.at).toBe(end)
    expect(end).toBeGreaterThanOrEqual(encoder.leastBytes)
    return decoded
  })
}

describe.each([true, false])('an encoder that knows the keys of its records, generated: %s', (generate) => {
  it('carries what has these keys, whatever the values become', () => {
    const records = [
      { id: 1, name: 'a' },
      { id: 0.5, name: 'b' },
      { id: null, name: undefined },
      { id: { deep: 1 }, name: ['x'] },
      { id: { deep: 1, more: 2 }, name: -0 },
    ]
    expect(carry(records, ['id', 'name'], generate)).toEqual(records)
  })

  it('still asks for the keys of nested objects, and of shapes with other keys', () => {
    const nested = [{ in: { x: 1 } }, { in: { x: 1, y: 2 } }, { in: { y: 2, x: 1 } }]
    expect(carry(nested, ['in'], generate)).toEqual(nested)
    const others = [{ a: 1 }, { a: 1, b: 2 }, { b: 2, a: 1 }]
    const carried = carry(others, ['in'], generate)
    expect(carried.map((record) => Object.keys(record as object))).toEqual([['a'], ['a', 'b'], ['b', 'a']])
  })
})
