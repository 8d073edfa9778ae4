/** The decoder of one shape without generated code: reads the same bytes as `generated-decoder.ts`. */
import type { Buffer } from 'node:buffer'
import { readAny } from './any-reader.js'
import type { Cursor, DecodeFunction } from './contract.js'
import { corrupt } from './corrupt.js'
import { type FieldType, Kind } from './field-type.js'
import { elementSize, fixedSize, Presence, presentSize } from './layout.js'
import { readString } from './string-codec.js'

/** `other` is asked where the record has another shape id. */
export function interpretDecoder(id: number, type: FieldType, other: DecodeFunction): DecodeFunction {
  const size = 1 + fixedSize(type)
  return (view, bytes, cursor) => {
    const at = cursor.at
    if (view.getUint8(at) !== id) return other(view, bytes, cursor)
    cursor.at = at + size
    return readValue(type, view, bytes, at + 1, cursor)
  }
}

/** Fixed part at `at`, variable part at the cursor. */
function readValue(type: FieldType, view: DataView, bytes: Buffer, start: number, cursor: Cursor): unknown {
  let at = start
  if (type.nullable && type.kind !== Kind.nullish) {
    const presence = view.getUint8(at++)
    if (presence !== Presence.value) return presence === Presence.null ? null : undefined
    if (type.kind === Kind.object) {
      at = cursor.at
      cursor.at += presentSize(type)
    }
  }
  switch (type.kind) {
    case Kind.never:
      return corrupt('an element where there can be none')
    case Kind.nullish:
      return view.getUint8(at) === Presence.null ? null : undefined
    case Kind.int32:
      return view.getInt32(at, true)
    case Kind.float64:
      return view.getFloat64(at, true)
    case Kind.boolean:
      return view.getUint8(at) === 1
    case Kind.date:
      return new Date(view.getFloat64(at, true))
    case Kind.bigint64:
      return view.getBigInt64(at, true)
    case Kind.string:
      return readString(view, bytes, cursor)
    case Kind.any:
      return readAny(view, bytes, cursor)
    case Kind.array: {
      const size = elementSize(type.element)
      const count = view.getUint32(cursor.at, true)
      cursor.at += 4
      if (count * size > bytes.length - cursor.at) corrupt(`${count} elements do not fit into what is left`)
      const items: unknown[] = []
      for (let left = count; left > 0; left--) {
        const element = cursor.at
        cursor.at = element + size
        items.push(readValue(type.element, view, bytes, element, cursor))
      }
      return items
    }
    case Kind.object: {
      const object: Record<string, unknown> = {}
      for (let index = 0; index < type.names.length; index++) {
        const name = type.names[index] as string
        const field = type.types[index] as FieldType
        const value = readValue(field, view, bytes, at, cursor)
        at += fixedSize(field)
        // Assigning to __proto__ would set the prototype.
        if (name === '__proto__') Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
        else object[name] = value
      }
      return object
    }
  }
}
