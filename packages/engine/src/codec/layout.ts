/**
 * Where the parts of a type lie. A block is the fixed part of a type, then its variable part. Fixed: numbers, booleans, dates, one presence byte per nullable
 * field, and the fixed parts of nested objects that cannot be null, all at constant offsets. Variable, in field order: strings, self-describing values, arrays
 * (count, then one block per element) and nullable objects that are present (one block).
 */
import { type FieldType, Kind } from './field-type.js'

/** Presence byte of a nullable field. */
export const Presence = { null: 0, undefined: 1, value: 2 } as const

/** Bytes of a type inside the fixed part of the block it stands in. */
export function fixedSize(type: FieldType): number {
  const presence = type.nullable ? 1 : 0
  switch (type.kind) {
    case Kind.nullish:
    case Kind.boolean:
      return presence + 1
    case Kind.int32:
      return presence + 4
    case Kind.float64:
    case Kind.date:
    case Kind.bigint64:
      return presence + 8
    case Kind.object: {
      if (type.nullable) return presence
      let size = 0
      for (const field of type.types) size += fixedSize(field)
      return size
    }
    default:
      return presence
  }
}

/** Whether a type has a variable part. */
export function hasVariablePart(type: FieldType): boolean {
  switch (type.kind) {
    case Kind.string:
    case Kind.any:
    case Kind.array:
      return true
    case Kind.object:
      return type.nullable || type.types.some(hasVariablePart)
    default:
      return false
  }
}

/** Fixed part of an element of an array: never empty, so that a count is bounded by the bytes that are left. */
export function elementSize(type: FieldType): number {
  return Math.max(1, fixedSize(type))
}

/** The fixed part of a nullable object that is present, as a block of its own. */
export function presentSize(type: FieldType): number {
  return fixedSize({ ...type, nullable: false })
}
