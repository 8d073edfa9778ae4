/** The encoder of one shape without generated code: the same bytes and the same refusals as `generated-encoder.ts`, field by field over the type tree. */
import type { Buffer } from 'node:buffer'
import { writeAny } from './any-writer.js'
import { type EncodeFunction, MISFIT, NO_ROOM } from './contract.js'
import { measureList } from './dense-array.js'
import { type FieldType, Kind } from './field-type.js'
import { elementSize, fixedSize, Presence, presentSize } from './layout.js'
import { writeString } from './string-codec.js'
import { hasExactlyKeys, isPlain, timeOf } from './value-checks.js'

/** `other` is asked where the value does not fit. */
export function interpretEncoder(id: number, type: FieldType, other: EncodeFunction): EncodeFunction {
  const size = 1 + fixedSize(type)
  const names = type.kind === Kind.object && !type.nullable ? type.names : undefined
  return (value, view, bytes, at, limit) => {
    if (names !== undefined && !(isPlain(value) && hasExactlyKeys(value, names))) return other(value, view, bytes, at, limit)
    const end = at + size
    if (end > limit) return NO_ROOM
    view.setUint8(at, id)
    if (writeFixed(type, value, view, at + 1) === MISFIT) return other(value, view, bytes, at, limit)
    const result = writeVariable(type, value, view, bytes, end, limit)
    return result === MISFIT ? other(value, view, bytes, at, limit) : result
  }
}

/** Answers the end of the fixed part, or `MISFIT`. */
function writeFixed(type: FieldType, value: unknown, view: DataView, start: number): number {
  let at = start
  if (type.nullable && type.kind !== Kind.nullish) {
    view.setUint8(at++, value === null ? Presence.null : value === undefined ? Presence.undefined : Presence.value)
    if (value === null || value === undefined || type.kind === Kind.object) return at - 1 + fixedSize(type)
  }
  switch (type.kind) {
    case Kind.never:
      return MISFIT
    case Kind.nullish:
      if (value !== null && value !== undefined) return MISFIT
      view.setUint8(at, value === null ? Presence.null : Presence.undefined)
      return at + 1
    case Kind.int32:
      if (typeof value !== 'number' || !Object.is(value, value | 0)) return MISFIT
      view.setInt32(at, value, true)
      return at + 4
    case Kind.float64:
      if (typeof value !== 'number') return MISFIT
      view.setFloat64(at, value, true)
      return at + 8
    case Kind.boolean:
      if (typeof value !== 'boolean') return MISFIT
      view.setUint8(at, value ? 1 : 0)
      return at + 1
    case Kind.date: {
      const time = timeOf(value)
      if (time === undefined) return MISFIT
      view.setFloat64(at, time, true)
      return at + 8
    }
    case Kind.bigint64:
      if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) return MISFIT
      view.setBigInt64(at, value, true)
      return at + 8
    case Kind.object:
      if (!isPlain(value) || !hasExactlyKeys(value, type.names)) return MISFIT
      for (let index = 0; index < type.names.length && at !== MISFIT; index++)
        at = writeFixed(type.types[index] as FieldType, value[type.names[index] as string], view, at)
      return at
    default:
      return at
  }
}

function writeVariable(type: FieldType, value: unknown, view: DataView, bytes: Buffer, at: number, limit: number): number {
  if (type.nullable && (value === null || value === undefined)) return at
  switch (type.kind) {
    case Kind.string:
      return typeof value === 'string' ? writeString(value, view, bytes, at, limit) : MISFIT
    case Kind.any:
      return writeAny(value, view, bytes, at, limit)
    case Kind.array:
      return writeElements(type.element, value, view, bytes, at, limit)
    case Kind.object: {
      let end = at
      if (type.nullable) {
        end += presentSize(type)
        if (end > limit) return NO_ROOM
        if (writeFixed({ ...type, nullable: false }, value, view, at) === MISFIT) return MISFIT
      }
      for (let index = 0; index < type.names.length && end >= 0; index++)
        end = writeVariable(
          type.types[index] as FieldType,
          (value as Record<string, unknown>)[type.names[index] as string],
          view,
          bytes,
          end,
          limit,
        )
      return end
    }
    default:
      return at
  }
}

function writeElements(type: FieldType, value: unknown, view: DataView, bytes: Buffer, at: number, limit: number): number {
  const size = elementSize(type)
  const length = measureList(value, (limit - at - 4) / size)
  if (length < 0) return length
  view.setUint32(at, length, true)
  const isFiller = fixedSize(type) === 0
  let end = at + 4
  for (const item of value as readonly unknown[]) {
    const start = end
    end += size
    if (end > limit) return NO_ROOM
    if (isFiller) view.setUint8(start, 0)
    if (writeFixed(type, item, view, start) === MISFIT) return MISFIT
    end = writeVariable(type, item, view, bytes, end, limit)
    if (end < 0) return end
  }
  return end
}
