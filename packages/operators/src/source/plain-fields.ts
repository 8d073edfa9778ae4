/**
 * What a zod schema says of its fields, as far as it can be said plainly: string, number, int, boolean, date, bigint, and
 * nullable or optional of them. Read from the schema's own definition; anything with a refinement, coercion, default or
 * transform is not plain and is left to the schema itself.
 */

export type PlainKind = 'string' | 'number' | 'int' | 'boolean' | 'date' | 'bigint'

export interface PlainField {
  readonly name: string
  readonly kind: PlainKind
  readonly nullable: boolean
  /** The key may be missing. */
  readonly optional: boolean
}

export interface ObjectFields {
  /** The keys of the schema in its order. */
  readonly keys: readonly string[]
  /** The fields that are plain, by key. */
  readonly plain: ReadonlyMap<string, PlainField>
  /** Unknown keys are stripped and no check spans fields: a record is valid exactly where each field is. */
  readonly fieldwise: boolean
}

interface ZodDefinition {
  readonly type?: unknown
  readonly shape?: unknown
  readonly catchall?: unknown
  readonly checks?: readonly unknown[] | undefined
  readonly check?: unknown
  readonly format?: unknown
  readonly coerce?: unknown
  readonly innerType?: unknown
}

/** The fields of a zod object schema; undefined for every other schema. */
export function readObjectFields(schema: unknown): ObjectFields | undefined {
  const definition = definitionOf(schema)
  if (definition?.type !== 'object' || typeof definition.shape !== 'object' || definition.shape === null) return undefined
  // With a catchall the output holds keys that the shape does not name.
  if (definition.catchall !== undefined) return undefined
  const plain = new Map<string, PlainField>()
  const keys = Object.keys(definition.shape)
  for (const [name, field] of Object.entries(definition.shape as Record<string, unknown>)) {
    const read = readField(name, field, false, false)
    if (read !== undefined) plain.set(name, read)
  }
  return { keys, plain, fieldwise: !hasChecks(definition) }
}

/** Whether a value that is there fits the kind of a field. What zod calls a number is finite. */
export function fitsField(field: PlainField, value: unknown): boolean {
  switch (field.kind) {
    case 'string':
      if (typeof value === 'string') return true
      break
    case 'number':
      if (typeof value === 'number' && value - value === 0) return true
      break
    case 'int':
      if (Number.isSafeInteger(value)) return true
      break
    case 'boolean':
      if (typeof value === 'boolean') return true
      break
    case 'date':
      if (value instanceof Date && !Number.isNaN(value.getTime())) return true
      break
    case 'bigint':
      if (typeof value === 'bigint') return true
      break
  }
  return value === null && field.nullable
}

function readField(name: string, schema: unknown, nullable: boolean, optional: boolean): PlainField | undefined {
  const definition = definitionOf(schema)
  if (definition === undefined || definition.coerce === true) return undefined
  if (hasChecks(definition)) return isIntegerOnly(definition) ? { name, kind: 'int', nullable, optional } : undefined
  switch (definition.type) {
    case 'string':
    case 'boolean':
    case 'date':
    case 'bigint':
      return definition.check === undefined ? { name, kind: definition.type, nullable, optional } : undefined
    case 'number':
      if (definition.check === undefined || definition.format === 'float64') return { name, kind: 'number', nullable, optional }
      return definition.format === 'safeint' ? { name, kind: 'int', nullable, optional } : undefined
    case 'nullable':
      return readField(name, definition.innerType, true, optional)
    case 'optional':
      // exactOptional shares the type but refuses a key that is there and undefined.
      return isExactOptional(schema) ? undefined : readField(name, definition.innerType, nullable, true)
    default:
      return undefined
  }
}

function definitionOf(schema: unknown): ZodDefinition | undefined {
  if (typeof schema !== 'object' || schema === null || !('_zod' in schema)) return undefined
  const internals = schema._zod
  if (typeof internals !== 'object' || internals === null || !('def' in internals)) return undefined
  return internals.def as ZodDefinition
}

/** `z.number().int()` carries its format as a check; it is the one check that leaves a field plain. */
function isIntegerOnly(definition: ZodDefinition): boolean {
  if (definition.type !== 'number' || definition.check !== undefined || definition.checks?.length !== 1) return false
  return definitionOf(definition.checks[0])?.format === 'safeint'
}

function hasChecks(definition: ZodDefinition): boolean {
  return definition.checks !== undefined && definition.checks.length > 0
}

function isExactOptional(schema: unknown): boolean {
  const { traits } = (schema as { _zod: { traits?: unknown } })._zod
  return traits instanceof Set && traits.has('$ZodExactOptional')
}
