/**
 * Values in state files: the self-describing encoding of the codec, with the names of properties in the shapes of the file. Part of state
 * format 1: the tags of the codec that are used here are frozen too.
 */
import type { Buffer } from 'node:buffer'
import * as types from 'node:util/types'
import { readAny } from '../../codec/any-reader.js'
import { DEPTH_MAX, Tag } from '../../codec/any-tags.js'
import { writeAny } from '../../codec/any-writer.js'
import { type Cursor, MISFIT, NO_ROOM } from '../../codec/contract.js'
import { corrupt } from '../../codec/corrupt.js'
import { measureList } from '../../codec/dense-array.js'
import { isPlainObject } from '../../codec/field-type.js'
import { readString, writeString } from '../../codec/string-codec.js'
import type { ObjectShapes } from './object-shapes.js'

/** Of this encoding alone; they lie behind those of the codec. */
const StateTag = {
  /** uint16 number of the shape, then the values. */
  shaped: 0x70,
  /** As an array of the codec, but with values of this encoding; likewise the next ones. */
  array: 0x71,
  map: 0x72,
  set: 0x73,
  /** Count, then pairs of name and value. */
  object: 0x74,
} as const

/** Answers the end, `MISFIT` or `NO_ROOM`; `view` and `bytes` cover the same memory. */
export function writeValue(
  value: unknown,
  view: DataView,
  bytes: Buffer,
  at: number,
  limit: number,
  shapes: ObjectShapes,
  depth = 0,
): number {
  if (typeof value !== 'object' || value === null) return writeAny(value, view, bytes, at, limit)
  if (depth >= DEPTH_MAX) return MISFIT
  if (at + 16 > limit) return NO_ROOM
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return writeObject(value, view, bytes, at, limit, shapes, depth)
  if (Array.isArray(value)) return writeArray(value, view, bytes, at, limit, shapes, depth)
  if (types.isMap(value)) {
    view.setUint8(at, StateTag.map)
    view.setUint32(at + 1, value.size, true)
    let end = at + 5
    for (const [key, item] of value) {
      end = writeValue(key, view, bytes, end, limit, shapes, depth + 1)
      if (end < 0) return end
      end = writeValue(item, view, bytes, end, limit, shapes, depth + 1)
      if (end < 0) return end
    }
    return end
  }
  if (types.isSet(value)) {
    view.setUint8(at, StateTag.set)
    view.setUint32(at + 1, value.size, true)
    let end = at + 5
    for (const item of value) {
      end = writeValue(item, view, bytes, end, limit, shapes, depth + 1)
      if (end < 0) return end
    }
    return end
  }
  return isPlainObject(value)
    ? writeObject({ ...value }, view, bytes, at, limit, shapes, depth)
    : writeAny(value, view, bytes, at, limit, depth)
}

function writeObject(value: object, view: DataView, bytes: Buffer, at: number, limit: number, shapes: ObjectShapes, depth: number): number {
  const shape = shapes.find(value)
  if (shape < 0) return writeNamed(value, view, bytes, at, limit, shapes, depth)
  view.setUint8(at, StateTag.shaped)
  view.setUint16(at + 1, shape, true)
  let end = at + 3
  for (const name in value) {
    end = writeValue((value as Record<string, unknown>)[name], view, bytes, end, limit, shapes, depth + 1)
    if (end < 0) return end
  }
  return end
}

function writeNamed(value: object, view: DataView, bytes: Buffer, at: number, limit: number, shapes: ObjectShapes, depth: number): number {
  const names = Object.keys(value)
  view.setUint8(at, StateTag.object)
  view.setUint32(at + 1, names.length, true)
  let end = at + 5
  for (const name of names) {
    end = writeString(name, view, bytes, end, limit)
    if (end < 0) return end
    end = writeValue((value as Record<string, unknown>)[name], view, bytes, end, limit, shapes, depth + 1)
    if (end < 0) return end
  }
  return end
}

function writeArray(
  value: readonly unknown[],
  view: DataView,
  bytes: Buffer,
  at: number,
  limit: number,
  shapes: ObjectShapes,
  depth: number,
): number {
  const length = measureList(value, limit - at - 5)
  if (length === NO_ROOM) return NO_ROOM
  // With holes, or properties beside the elements.
  if (length === MISFIT) return writeAny(value, view, bytes, at, limit, depth)
  if (length > 0 && isNumbers(value)) {
    const end = at + 5 + 8 * length
    if (end > limit) return NO_ROOM
    view.setUint8(at, Tag.numberArray)
    view.setUint32(at + 1, length, true)
    for (let index = 0; index < length; index++) view.setFloat64(at + 5 + 8 * index, value[index] as number, true)
    return end
  }
  view.setUint8(at, StateTag.array)
  view.setUint32(at + 1, length, true)
  let end = at + 5
  for (let index = 0; index < length; index++) {
    end = writeValue(value[index], view, bytes, end, limit, shapes, depth + 1)
    if (end < 0) return end
  }
  return end
}

function isNumbers(value: readonly unknown[]): value is readonly number[] {
  for (let index = 0; index < value.length; index++) if (typeof value[index] !== 'number') return false
  return true
}

/** Fails with `SLUICE_CODEC_CORRUPT`, or with a RangeError at the end of the memory. */
export function readValue(view: DataView, bytes: Buffer, cursor: Cursor, shapes: readonly (readonly string[])[], depth = 0): unknown {
  const { at } = cursor
  const tag = view.getUint8(at)
  if (tag < StateTag.shaped) return readAny(view, bytes, cursor, depth)
  if (depth >= DEPTH_MAX) corrupt(`values lie deeper than ${DEPTH_MAX}`)
  if (tag === StateTag.shaped) {
    const names = shapes[view.getUint16(at + 1, true)]
    if (names === undefined) return corrupt('an object of an unknown shape')
    cursor.at = at + 3
    const value: Record<string, unknown> = {}
    for (let index = 0; index < names.length; index++) value[names[index] as string] = readValue(view, bytes, cursor, shapes, depth + 1)
    return value
  }
  const count = view.getUint32(at + 1, true)
  cursor.at = at + 5
  if (count > bytes.length - cursor.at) corrupt(`${count} items do not fit into what is left`)
  switch (tag) {
    case StateTag.array: {
      const items: unknown[] = []
      for (let left = count; left > 0; left--) items.push(readValue(view, bytes, cursor, shapes, depth + 1))
      return items
    }
    case StateTag.map: {
      const map = new Map<unknown, unknown>()
      for (let left = count; left > 0; left--) {
        const key = readValue(view, bytes, cursor, shapes, depth + 1)
        map.set(key, readValue(view, bytes, cursor, shapes, depth + 1))
      }
      return map
    }
    case StateTag.set: {
      const set = new Set<unknown>()
      for (let left = count; left > 0; left--) set.add(readValue(view, bytes, cursor, shapes, depth + 1))
      return set
    }
    case StateTag.object: {
      const value: Record<string, unknown> = {}
      for (let left = count; left > 0; left--) {
        const name = readString(view, bytes, cursor)
        const item = readValue(view, bytes, cursor, shapes, depth + 1)
        if (name === '__proto__') Object.defineProperty(value, name, { value: item, writable: true, enumerable: true, configurable: true })
        else value[name] = item
      }
      return value
    }
    default:
      return corrupt(`unknown tag ${tag}`)
  }
}
