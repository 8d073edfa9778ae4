/**
 * Writes any value that structured clone takes, self-describing. It answers `MISFIT` for what cannot be encoded and says nothing about why: `explain-misfit.ts`
 * finds the path. Sub-objects that are shared are written each time they occur.
 */
import type { Buffer } from 'node:buffer'
import * as types from 'node:util/types'
import { DEPTH_MAX, ErrorFlag, errorClasses, Tag, viewNames } from './any-tags.js'
import { MISFIT, NO_ROOM } from './contract.js'
import { measureElements } from './dense-array.js'
import { isPlainObject } from './field-type.js'
import { writeString } from './string-codec.js'

export function writeAny(value: unknown, view: DataView, bytes: Buffer, at: number, limit: number, depth = 0): number {
  switch (typeof value) {
    case 'string':
      if (at >= limit) return NO_ROOM
      view.setUint8(at, Tag.string)
      return writeString(value, view, bytes, at + 1, limit)
    case 'number':
      return writeNumber(value, view, at, limit)
    case 'boolean':
      return writeTag(value ? Tag.true : Tag.false, view, at, limit)
    case 'undefined':
      return writeTag(Tag.undefined, view, at, limit)
    case 'bigint':
      return writeBigint(value, view, at, limit)
    case 'object':
      return value === null ? writeTag(Tag.null, view, at, limit) : writeObject(value, view, bytes, at, limit, depth)
    default:
      return MISFIT
  }
}

function writeTag(tag: number, view: DataView, at: number, limit: number): number {
  if (at >= limit) return NO_ROOM
  view.setUint8(at, tag)
  return at + 1
}

/** Answers the end or `NO_ROOM`, also where a smaller number would fit. */
export function writeNumber(value: number, view: DataView, at: number, limit: number): number {
  if (at + 9 > limit) return NO_ROOM
  const integer = value | 0
  if (integer === value && (integer !== 0 || 1 / value > 0)) {
    view.setUint8(at, Tag.int32)
    view.setInt32(at + 1, integer, true)
    return at + 5
  }
  view.setUint8(at, Tag.float64)
  view.setFloat64(at + 1, value, true)
  return at + 9
}

function writeBigint(value: bigint, view: DataView, at: number, limit: number): number {
  if (at + 9 > limit) return NO_ROOM
  if (BigInt.asIntN(64, value) === value) {
    view.setUint8(at, Tag.bigint64)
    view.setBigInt64(at + 1, value, true)
    return at + 9
  }
  const magnitude = (value < 0n ? -value : value).toString(16)
  const length = (magnitude.length + 1) >> 1
  const end = at + 6 + length
  if (end > limit) return NO_ROOM
  view.setUint8(at, Tag.bigint)
  view.setUint8(at + 1, value < 0n ? 1 : 0)
  view.setUint32(at + 2, length, true)
  for (let index = 0; index < length; index++) {
    const stop = magnitude.length - 2 * index
    view.setUint8(at + 6 + index, Number.parseInt(magnitude.slice(Math.max(0, stop - 2), stop), 16))
  }
  return end
}

function writeObject(value: object, view: DataView, bytes: Buffer, at: number, limit: number, depth: number): number {
  if (depth >= DEPTH_MAX) return MISFIT
  // The smallest tag with a count or a float64 takes 5 to 9 bytes; each branch below may then write its head unasked.
  if (at + 16 > limit) return NO_ROOM
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return writePlain(value, view, bytes, at, limit, depth)
  if (Array.isArray(value)) return writeArray(value, view, bytes, at, limit, depth)
  if (types.isDate(value)) {
    view.setUint8(at, Tag.date)
    view.setFloat64(at + 1, Date.prototype.getTime.call(value), true)
    return at + 9
  }
  if (types.isMap(value)) return writeMap(value, view, bytes, at, limit, depth)
  if (types.isSet(value)) return writeSet(value, view, bytes, at, limit, depth)
  if (ArrayBuffer.isView(value)) return writeView(value, view, bytes, at, limit)
  if (types.isArrayBuffer(value)) return writeArrayBuffer(value, view, bytes, at, limit)
  if (types.isRegExp(value)) {
    view.setUint8(at, Tag.regexp)
    const end = writeString(value.source, view, bytes, at + 1, limit)
    return end < 0 ? end : writeString(value.flags, view, bytes, end, limit)
  }
  if (types.isNativeError(value)) return writeError(value, view, bytes, at, limit, depth)
  if (types.isBoxedPrimitive(value)) {
    const primitive: unknown = value.valueOf()
    if (typeof primitive === 'symbol' || typeof primitive === 'object') return MISFIT
    view.setUint8(at, Tag.boxed)
    return writeAny(primitive, view, bytes, at + 1, limit, depth + 1)
  }
  return isPlainObject(value) ? writePlain(value, view, bytes, at, limit, depth) : MISFIT
}

function writePlain(value: object, view: DataView, bytes: Buffer, at: number, limit: number, depth: number): number {
  const names = Object.keys(value)
  view.setUint8(at, Tag.object)
  view.setUint32(at + 1, names.length, true)
  return writePairs(value, names, view, bytes, at + 5, limit, depth)
}

function writePairs(
  value: object,
  names: readonly string[],
  view: DataView,
  bytes: Buffer,
  start: number,
  limit: number,
  depth: number,
): number {
  let at = start
  for (const name of names) {
    at = writeString(name, view, bytes, at, limit)
    if (at < 0) return at
    at = writeAny((value as Record<string, unknown>)[name], view, bytes, at, limit, depth + 1)
    if (at < 0) return at
  }
  return at
}

function writeArray(value: readonly unknown[], view: DataView, bytes: Buffer, at: number, limit: number, depth: number): number {
  const length = measureElements(value, limit - at - 5)
  if (length === NO_ROOM) return NO_ROOM
  if (length === MISFIT) {
    const names = Object.keys(value)
    view.setUint8(at, Tag.sparseArray)
    view.setUint32(at + 1, value.length, true)
    view.setUint32(at + 5, names.length, true)
    return writePairs(value, names, view, bytes, at + 9, limit, depth)
  }
  if (length > 0 && isNumbers(value)) {
    const end = at + 5 + 8 * length
    if (end > limit) return NO_ROOM
    view.setUint8(at, Tag.numberArray)
    view.setUint32(at + 1, length, true)
    for (let index = 0; index < length; index++) view.setFloat64(at + 5 + 8 * index, value[index] ?? 0, true)
    return end
  }
  view.setUint8(at, Tag.array)
  view.setUint32(at + 1, length, true)
  return writeAll(value, view, bytes, at + 5, limit, depth)
}

function isNumbers(value: readonly unknown[]): value is readonly number[] {
  for (let index = 0; index < value.length; index++) if (typeof value[index] !== 'number') return false
  return true
}

function writeAll(values: Iterable<unknown>, view: DataView, bytes: Buffer, start: number, limit: number, depth: number): number {
  let at = start
  for (const value of values) {
    at = writeAny(value, view, bytes, at, limit, depth + 1)
    if (at < 0) return at
  }
  return at
}

function writeMap(value: ReadonlyMap<unknown, unknown>, view: DataView, bytes: Buffer, at: number, limit: number, depth: number): number {
  view.setUint8(at, Tag.map)
  view.setUint32(at + 1, value.size, true)
  let end = at + 5
  for (const [key, item] of Map.prototype.entries.call(value)) {
    end = writeAny(key, view, bytes, end, limit, depth + 1)
    if (end < 0) return end
    end = writeAny(item, view, bytes, end, limit, depth + 1)
    if (end < 0) return end
  }
  return end
}

function writeSet(value: ReadonlySet<unknown>, view: DataView, bytes: Buffer, at: number, limit: number, depth: number): number {
  view.setUint8(at, Tag.set)
  view.setUint32(at + 1, value.size, true)
  return writeAll(Set.prototype.values.call(value), view, bytes, at + 5, limit, depth)
}

/** Its accessor names the class of a typed array, whatever the array says of itself. */
const typedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype) as object

/** The number of a view's class in the encoding, or -1. A subclass such as Buffer counts as the class it extends, as in structured clone. */
function viewKind(value: ArrayBufferView): number {
  if (types.isDataView(value)) return 0
  const tag: unknown = Reflect.get(typedArrayPrototype, Symbol.toStringTag, value)
  return viewNames.indexOf(tag as (typeof viewNames)[number])
}

function writeView(value: ArrayBufferView, view: DataView, bytes: Buffer, at: number, limit: number): number {
  const kind = viewKind(value)
  if (kind < 0 || types.isSharedArrayBuffer(value.buffer) || isDetached(value.buffer)) return MISFIT
  const end = at + 6 + value.byteLength
  if (end > limit) return NO_ROOM
  view.setUint8(at, Tag.view)
  view.setUint8(at + 1, kind)
  view.setUint32(at + 2, value.byteLength, true)
  bytes.set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), at + 6)
  return end
}

function writeArrayBuffer(value: ArrayBuffer, view: DataView, bytes: Buffer, at: number, limit: number): number {
  if (isDetached(value)) return MISFIT
  const end = at + 5 + value.byteLength
  if (end > limit) return NO_ROOM
  view.setUint8(at, Tag.arrayBuffer)
  view.setUint32(at + 1, value.byteLength, true)
  bytes.set(new Uint8Array(value), at + 5)
  return end
}

export function isDetached(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength > 0) return false
  try {
    return new Uint8Array(buffer).length !== 0
  } catch {
    return true
  }
}

function writeError(value: Error, view: DataView, bytes: Buffer, at: number, limit: number, depth: number): number {
  const message = Object.getOwnPropertyDescriptor(value, 'message')
  const stack: unknown = value.stack
  const cause = Object.getOwnPropertyDescriptor(value, 'cause')
  const hasMessage = message !== undefined && 'value' in message
  const hasCause = cause !== undefined && 'value' in cause
  const hasStack = typeof stack === 'string'
  const name = String(value.name)
  const known = errorClasses.findIndex((known) => known.name === name)
  view.setUint8(at, Tag.error)
  view.setUint8(at + 1, Math.max(0, known))
  view.setUint8(at + 2, (hasMessage ? ErrorFlag.message : 0) | (hasStack ? ErrorFlag.stack : 0) | (hasCause ? ErrorFlag.cause : 0))
  let end = at + 3
  if (hasMessage) end = writeString(String(message.value), view, bytes, end, limit)
  if (hasStack && end >= 0) end = writeString(stack, view, bytes, end, limit)
  if (hasCause && end >= 0) end = writeAny(cause.value, view, bytes, end, limit, depth + 1)
  return end
}
