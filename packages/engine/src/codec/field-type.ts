/**
 * The type of a value inside a shape, and the order between types: `widen` answers the narrowest type that takes what either takes. Types only ever widen, and
 * a type has few steps above it, so a field that drifts settles. Generator, interpreter and definitions all walk this tree.
 */
import { isDate } from 'node:util/types'
import { isDenseArray } from './dense-array.js'
import type { RecordShape } from './record-shape.js'

/** Kind bytes as they stand in a definition. */
export const Kind = {
  /** No value seen yet: the element of an empty array. */
  never: 0,
  /** Only null and undefined seen yet. */
  nullish: 1,
  int32: 2,
  float64: 3,
  boolean: 4,
  string: 5,
  date: 6,
  bigint64: 7,
  /** Any value, self-describing. */
  any: 8,
  object: 9,
  array: 10,
} as const
export type ScalarFieldKind = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8

export interface ScalarType {
  readonly kind: ScalarFieldKind
  readonly nullable: boolean
}
export interface ObjectType {
  readonly kind: typeof Kind.object
  readonly nullable: boolean
  /** Own keys in their order. */
  readonly names: readonly string[]
  readonly types: readonly FieldType[]
}
export interface ArrayType {
  readonly kind: typeof Kind.array
  readonly nullable: boolean
  readonly element: FieldType
}
export type FieldType = ScalarType | ObjectType | ArrayType

/** Fields of one shape, nested ones counted. */
export const FIELDS_MAX = 256
/** Objects and arrays within each other; what lies deeper is `any`. */
export const NESTING_MAX = 8

const scalar = (kind: ScalarFieldKind): ScalarType => ({ kind, nullable: false })
const NEVER = scalar(Kind.never)
const NULLISH = scalar(Kind.nullish)
const INT32 = scalar(Kind.int32)
const FLOAT64 = scalar(Kind.float64)
const BOOLEAN = scalar(Kind.boolean)
const STRING = scalar(Kind.string)
const DATE = scalar(Kind.date)
const BIGINT64 = scalar(Kind.bigint64)
const ANY: ScalarType = scalar(Kind.any)

const seedKinds = { int32: INT32, float64: FLOAT64, boolean: BOOLEAN, string: STRING, date: DATE, bigint: BIGINT64, any: ANY } as const

/** The number of fields of a type; at least 1. */
export function countFields(type: FieldType): number {
  if (type.kind === Kind.array) return 1 + countFields(type.element)
  if (type.kind !== Kind.object) return 1
  let count = 1
  for (const field of type.types) count += countFields(field)
  return count
}

/** A plain object by its prototype; another realm's plain objects count too. */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf')
}

/**
 * Objects looked at in one value, because what refers to itself in many places has no end otherwise. The rest of a list is taken to be like what was seen of it, which the encoder finds out; everywhere
 * else it counts as `any`.
 */
const OBJECTS_MAX = 20_000

/** The narrowest type of one value. */
export function typeOf(value: unknown, depth = 0, budget: { left: number } = { left: OBJECTS_MAX }): FieldType {
  switch (typeof value) {
    case 'number':
      return Object.is(value, value | 0) ? INT32 : FLOAT64
    case 'string':
      return STRING
    case 'boolean':
      return BOOLEAN
    case 'undefined':
      return NULLISH
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? BIGINT64 : ANY
    case 'object':
      return value === null ? NULLISH : typeOfObject(value, depth, budget)
    default:
      return ANY
  }
}

function typeOfObject(value: object, depth: number, budget: { left: number }): FieldType {
  if (--budget.left < 0) return ANY
  if (Array.isArray(value)) {
    if (depth >= NESTING_MAX || !isDenseArray(value)) return ANY
    let element: FieldType = NEVER
    for (const item of value) {
      const type = typeOf(item, depth + 1, budget)
      if (budget.left < 0 && element.kind !== Kind.never) break
      element = widen(element, type)
      if (element.kind === Kind.any) break
    }
    return { kind: Kind.array, nullable: false, element }
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Date.prototype) return isDate(value) ? DATE : ANY
  if ((prototype !== Object.prototype && prototype !== null) || depth >= NESTING_MAX) return ANY
  const names = Object.keys(value)
  if (names.length > FIELDS_MAX) return ANY
  const types: FieldType[] = []
  for (const name of names) types.push(typeOf((value as Record<string, unknown>)[name], depth + 1, budget))
  return { kind: Kind.object, nullable: false, names, types }
}

/** The type that a seed describes. */
export function typeOfShape(shape: RecordShape, depth = 0): FieldType {
  const nullable = shape.nullable === true
  if (shape.kind === 'object') {
    if (depth >= NESTING_MAX || shape.fields.length > FIELDS_MAX) return ANY
    // Integer-like keys come first in every object, whatever the order in the schema.
    const order = Object.keys(Object.fromEntries(shape.fields.map((field) => [field.name, true])))
    const fields = new Map(shape.fields.map((field) => [field.name, field]))
    const types = order.map((name): FieldType => {
      const field = fields.get(name)
      if (field === undefined) return ANY
      const type = typeOfShape(field.value, depth + 1)
      return field.optional === true ? asNullable(type) : type
    })
    return { kind: Kind.object, nullable, names: order, types }
  }
  if (shape.kind === 'array')
    return depth >= NESTING_MAX ? ANY : { kind: Kind.array, nullable, element: typeOfShape(shape.element, depth + 1) }
  const type = seedKinds[shape.kind]
  return nullable ? asNullable(type) : type
}

function asNullable(type: FieldType): FieldType {
  return type.nullable || type.kind === Kind.any || type.kind === Kind.nullish
    ? type
    : type.kind === Kind.never
      ? NULLISH
      : { ...type, nullable: true }
}

/** The narrowest type that takes all that `a` takes and all that `b` takes. Answers `a` itself where `a` takes all of `b`. */
export function widen(a: FieldType, b: FieldType): FieldType {
  if (a.kind === Kind.never || a === b) return b
  if (b.kind === Kind.never || a.kind === Kind.any) return a
  if (b.kind === Kind.any) return b
  if (a.kind === Kind.nullish) return asNullable(b)
  if (b.kind === Kind.nullish) return asNullable(a)
  const base = widenBase(a, b)
  return base.nullable || !(a.nullable || b.nullable) ? base : asNullable(base)
}

function widenBase(a: FieldType, b: FieldType): FieldType {
  if (a.kind === Kind.object && b.kind === Kind.object) return widenObjects(a, b)
  if (a.kind === Kind.array && b.kind === Kind.array) {
    const element = widen(a.element, b.element)
    return element === a.element ? a : { ...a, element }
  }
  if (a.kind === b.kind) return a
  if (a.kind === Kind.int32 && b.kind === Kind.float64) return b
  if (a.kind === Kind.float64 && b.kind === Kind.int32) return a
  return ANY
}

function widenObjects(a: ObjectType, b: ObjectType): FieldType {
  if (!sameNames(a.names, b.names)) return ANY
  let types: FieldType[] | undefined
  for (const [index, type] of a.types.entries()) {
    const wider = widen(type, b.types[index] ?? ANY)
    if (wider === type) continue
    types ??= [...a.types]
    types[index] = wider
  }
  return types === undefined ? a : { ...a, types }
}

export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index])
}
