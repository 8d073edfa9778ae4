/** Reads what `any-writer.ts` wrote. Counts and lengths are held against the memory before anything is allocated for them. */
import type { Buffer } from 'node:buffer'
import { DEPTH_MAX, ErrorFlag, errorClasses, Tag, viewNames } from './any-tags.js'
import type { Cursor } from './contract.js'
import { corrupt } from './corrupt.js'
import { readString } from './string-codec.js'

export function readAny(view: DataView, bytes: Buffer, cursor: Cursor, depth = 0): unknown {
  const at = cursor.at
  const tag = view.getUint8(at)
  cursor.at = at + 1
  switch (tag) {
    case Tag.string:
      return readString(view, bytes, cursor)
    case Tag.int32:
      cursor.at = at + 5
      return view.getInt32(at + 1, true)
    case Tag.float64:
      cursor.at = at + 9
      return view.getFloat64(at + 1, true)
    case Tag.undefined:
      return undefined
    case Tag.null:
      return null
    case Tag.false:
      return false
    case Tag.true:
      return true
    case Tag.bigint64:
      cursor.at = at + 9
      return view.getBigInt64(at + 1, true)
    case Tag.date:
      cursor.at = at + 9
      return new Date(view.getFloat64(at + 1, true))
    default:
      if (depth >= DEPTH_MAX) corrupt(`values lie deeper than ${DEPTH_MAX}`)
      return readComposite(tag, view, bytes, cursor, depth)
  }
}

function readComposite(tag: number, view: DataView, bytes: Buffer, cursor: Cursor, depth: number): unknown {
  switch (tag) {
    case Tag.object:
      return readPairs({}, readCount(view, bytes, cursor, 2), view, bytes, cursor, depth)
    case Tag.array: {
      const items: unknown[] = []
      for (let left = readCount(view, bytes, cursor, 1); left > 0; left--) items.push(readAny(view, bytes, cursor, depth + 1))
      return items
    }
    case Tag.numberArray: {
      const items: number[] = []
      const count = readCount(view, bytes, cursor, 8)
      const start = cursor.at
      for (let index = 0; index < count; index++) items.push(view.getFloat64(start + 8 * index, true))
      cursor.at = start + 8 * count
      return items
    }
    case Tag.sparseArray: {
      const items: unknown[] = []
      items.length = readUint32(view, cursor)
      return readPairs(items, readCount(view, bytes, cursor, 2), view, bytes, cursor, depth)
    }
    case Tag.map: {
      const map = new Map<unknown, unknown>()
      for (let left = readCount(view, bytes, cursor, 2); left > 0; left--) {
        const key = readAny(view, bytes, cursor, depth + 1)
        map.set(key, readAny(view, bytes, cursor, depth + 1))
      }
      return map
    }
    case Tag.set: {
      const set = new Set<unknown>()
      for (let left = readCount(view, bytes, cursor, 1); left > 0; left--) set.add(readAny(view, bytes, cursor, depth + 1))
      return set
    }
    case Tag.bigint:
      return readBigint(view, bytes, cursor)
    case Tag.regexp:
      return readRegExp(view, bytes, cursor)
    case Tag.view:
      return readView(view, bytes, cursor)
    case Tag.arrayBuffer:
      return readBytes(view, bytes, cursor)
    case Tag.error:
      return readError(view, bytes, cursor, depth)
    case Tag.boxed:
      return Object(readAny(view, bytes, cursor, depth + 1))
    default:
      return corrupt(`unknown tag ${tag}`)
  }
}

function readUint32(view: DataView, cursor: Cursor): number {
  const value = view.getUint32(cursor.at, true)
  cursor.at += 4
  return value
}

/** A count of items that take `bytesEach` bytes or more. */
function readCount(view: DataView, bytes: Buffer, cursor: Cursor, bytesEach: number): number {
  const count = readUint32(view, cursor)
  if (count * bytesEach > bytes.length - cursor.at) corrupt(`${count} items do not fit into what is left`)
  return count
}

function readPairs(target: object, count: number, view: DataView, bytes: Buffer, cursor: Cursor, depth: number): object {
  for (let left = count; left > 0; left--) {
    const name = readString(view, bytes, cursor)
    const value = readAny(view, bytes, cursor, depth + 1)
    if (name === 'length' && Array.isArray(target)) corrupt('an array with a property called length')
    // Assigning to __proto__ would set the prototype.
    if (name === '__proto__') Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true })
    else (target as Record<string, unknown>)[name] = value
  }
  return target
}

function readBigint(view: DataView, bytes: Buffer, cursor: Cursor): bigint {
  const negative = view.getUint8(cursor.at) === 1
  cursor.at += 1
  const length = readCount(view, bytes, cursor, 1)
  let digits = '0x0'
  for (let index = length - 1; index >= 0; index--)
    digits += view
      .getUint8(cursor.at + index)
      .toString(16)
      .padStart(2, '0')
  cursor.at += length
  const magnitude = BigInt(digits)
  return negative ? -magnitude : magnitude
}

function readRegExp(view: DataView, bytes: Buffer, cursor: Cursor): RegExp {
  const source = readString(view, bytes, cursor)
  const flags = readString(view, bytes, cursor)
  try {
    return new RegExp(source, flags)
  } catch {
    return corrupt('a regular expression does not parse')
  }
}

function readBytes(view: DataView, bytes: Buffer, cursor: Cursor): ArrayBuffer {
  const length = readCount(view, bytes, cursor, 1)
  const copy = new Uint8Array(length)
  copy.set(bytes.subarray(cursor.at, cursor.at + length))
  cursor.at += length
  return copy.buffer
}

type ViewConstructor = new (buffer: ArrayBuffer) => ArrayBufferView

const viewConstructors: Partial<Record<(typeof viewNames)[number], ViewConstructor>> = {
  DataView,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
}

function readView(view: DataView, bytes: Buffer, cursor: Cursor): ArrayBufferView {
  const kind = view.getUint8(cursor.at)
  cursor.at += 1
  const buffer = readBytes(view, bytes, cursor)
  const name = viewNames[kind]
  const construct = name === undefined ? undefined : viewConstructors[name]
  if (construct === undefined) return corrupt(`unknown kind of view ${kind}`)
  try {
    return new construct(buffer)
  } catch {
    return corrupt(`${buffer.byteLength} bytes are no whole number of elements of a ${name}`)
  }
}

function readError(view: DataView, bytes: Buffer, cursor: Cursor, depth: number): Error {
  const construct = errorClasses[view.getUint8(cursor.at)]
  const flags = view.getUint8(cursor.at + 1)
  if (construct === undefined) return corrupt('unknown class of error')
  cursor.at += 2
  const error = new construct()
  const define = (name: 'message' | 'stack' | 'cause', value: unknown): void => {
    Object.defineProperty(error, name, { value, writable: true, enumerable: false, configurable: true })
  }
  const message = (flags & ErrorFlag.message) === 0 ? undefined : readString(view, bytes, cursor)
  define('stack', (flags & ErrorFlag.stack) === 0 ? undefined : readString(view, bytes, cursor))
  if (message !== undefined) define('message', message)
  if ((flags & ErrorFlag.cause) !== 0) define('cause', readAny(view, bytes, cursor, depth + 1))
  return error
}
