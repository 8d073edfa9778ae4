/**
 * What a zod schema says of its fields: string, number, int, boolean, date, bigint, and nullable or optional of them. Read from
 * the schema's own definition. A field with more to it (a refinement, a default) has a kind too, which says how to convert
 * text, but only the schema itself can check it; of a coercion or a transform nothing is known.
 */

export type FieldKind = 'string' | 'number' | 'int' | 'boolean' | 'date' | 'bigint'

export interface KnownField {
  readonly name: string
  readonly kind: FieldKind
  readonly nullable: boolean
  /** The key may be missing. */
  readonly optional: boolean
  /** The kind is all there is to check. */
  readonly plain: boolean
}

export interface ObjectFields {
  /** The keys of the schema in its order; undefined where a record may have others that matter. */
  readonly keys: readonly string[] | undefined
  /** The fields whose kind is known, by key. */
  readonly known: ReadonlyMap<string, KnownField>
  /** Every field is plain, and no check spans fields: a record is valid exactly where each field is. */
  readonly isPlain: boolean
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
  const known = new Map<string, KnownField>()
  const keys = Object.keys(definition.shape)
  for (const [name, field] of Object.entries(definition.shape as Record<string, unknown>)) {
    const read = readField(field, { name, nullable: false, optional: false, plain: true })
    if (read !== undefined) known.set(name, read)
  }
  // A catchall keeps or refuses keys that the shape does not name.
  if (definition.catchall !== undefined) return { keys: undefined, known, isPlain: false }
  const isPlain = !hasChecks(definition) && keys.every((key) => known.get(key)?.plain === true)
  return { keys, known, isPlain }
}

/** Whether a value that is there fits the kind of a field. What zod calls a number is finite. */
export function fitsField(field: KnownField, value: unknown): boolean {
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

type Wrapping = Omit<KnownField, 'kind'>

function readField(schema: unknown, wrapping: Wrapping): KnownField | undefined {
  const definition = definitionOf(schema)
  if (definition === undefined || definition.coerce === true) return undefined
  const inner = definition.innerType
  switch (definition.type) {
    case 'string':
    case 'boolean':
    case 'date':
    case 'bigint':
      return { ...wrapping, kind: definition.type, plain: wrapping.plain && definition.check === undefined && !hasChecks(definition) }
    case 'number': {
      const isInteger = definition.format === 'safeint' || isIntegerOnly(definition)
      const isKnown = isInteger || ((definition.check === undefined || definition.format === 'float64') && !hasChecks(definition))
      return {
        ...wrapping,
        kind: isInteger ? 'int' : 'number',
        plain: wrapping.plain && isKnown && (!hasChecks(definition) || isIntegerOnly(definition)),
      }
    }
    case 'nullable':
      return readField(inner, { ...wrapping, nullable: true })
    case 'optional':
      // exactOptional shares the type but refuses a key that is there and undefined.
      return readField(inner, { ...wrapping, optional: true, plain: wrapping.plain && !isExactOptional(schema) })
    case 'default':
    case 'prefault':
      return readField(inner, { ...wrapping, optional: true, plain: false })
    case 'readonly':
    case 'catch':
      return readField(inner, { ...wrapping, plain: false })
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
