/**
 * What a zod schema says of the records it gives back: the seed of the codec. It promises nothing, so whatever cannot be said
 * plainly is `any`, and a schema of another library has no shape. Pure; runs while a job is declared.
 */
import type { RecordField, RecordShape, ScalarKind } from '@sluice/engine'

/** What is read of zod's own definitions. */
interface Definition {
  readonly type?: string
  readonly shape?: Readonly<Record<string, unknown>>
  readonly catchall?: unknown
  readonly element?: unknown
  readonly innerType?: unknown
  readonly out?: unknown
  readonly format?: string
  readonly checks?: readonly unknown[]
  readonly values?: readonly unknown[]
  readonly options?: readonly unknown[]
}

const ANY: RecordShape = { kind: 'any' }
const NESTING_MAX = 8

/** The shape of the records of a schema; undefined where the schema is not a zod object. */
export function shapeOfSchema(schema: unknown): RecordShape | undefined {
  const shape = shapeOf(schema, 0)
  return shape.kind === 'object' ? shape : undefined
}

/** The shape of what is left when only `fields` are kept. */
export function selectShape(shape: object | undefined, fields: readonly string[]): RecordShape | undefined {
  const record = shape as RecordShape | undefined
  if (record?.kind !== 'object') return undefined
  const kept = fields.map((name) => record.fields.find((field) => field.name === name))
  return kept.includes(undefined) ? undefined : { kind: 'object', fields: kept as readonly RecordField[] }
}

function shapeOf(schema: unknown, depth: number): RecordShape {
  const definition = definitionOf(schema)
  if (definition === undefined || depth > NESTING_MAX) return ANY
  switch (definition.type) {
    case 'string':
    case 'enum':
    case 'template_literal':
      return definition.type === 'enum' ? ofValues(enumValues(schema)) : { kind: 'string' }
    case 'number':
      return { kind: isInteger(definition) ? 'int32' : 'float64' }
    case 'boolean':
      return { kind: 'boolean' }
    case 'bigint':
      return { kind: 'bigint' }
    case 'date':
      return { kind: 'date' }
    case 'literal':
      return ofValues(definition.values ?? [])
    case 'nullable':
      return { ...shapeOf(definition.innerType, depth), nullable: true }
    case 'optional':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return shapeOf(definition.innerType, depth)
    case 'pipe':
      return shapeOf(definition.out, depth)
    case 'array':
      return { kind: 'array', element: shapeOf(definition.element, depth + 1) }
    case 'object':
      return ofObject(definition, depth)
    default:
      return ANY
  }
}

function ofObject({ shape, catchall }: Definition, depth: number): RecordShape {
  // With a catchall there may be fields that the schema does not name; `never` is what refuses them.
  if (shape === undefined || (catchall !== undefined && definitionOf(catchall)?.type !== 'never')) return ANY
  const fields = Object.entries(shape).map(([name, field]): RecordField => {
    const optional = mayBeUndefined(field)
    return { name, value: shapeOf(field, depth + 1), ...(optional && { optional }) }
  })
  return { kind: 'object', fields }
}

function mayBeUndefined(schema: unknown): boolean {
  const definition = definitionOf(schema)
  if (definition?.type === 'optional') return true
  return (definition?.type === 'nullable' || definition?.type === 'readonly') && mayBeUndefined(definition.innerType)
}

/** One kind for all values, or `any`. */
function ofValues(values: readonly unknown[]): RecordShape {
  const kinds = new Set<ScalarKind>()
  let nullable = false
  for (const value of values) {
    if (value === null) nullable = true
    else if (typeof value === 'string') kinds.add('string')
    else if (typeof value === 'boolean') kinds.add('boolean')
    else if (typeof value === 'number') kinds.add(Object.is(value, value | 0) ? 'int32' : 'float64')
    else return ANY
  }
  const [kind = 'any'] = kinds
  return kinds.size > 1 ? ANY : { kind, ...(nullable && { nullable }) }
}

function enumValues(schema: unknown): readonly unknown[] {
  const values = (schema as { _zod?: { values?: unknown } })._zod?.values
  return values instanceof Set ? [...values] : []
}

/** Integers of zod are safe ones; most fit 32 bits, and the codec widens where one does not. */
function isInteger({ format, checks }: Definition): boolean {
  const formats = [format, ...(checks ?? []).map((check) => definitionOf(check)?.format)]
  return formats.some((found) => found === 'safeint' || found === 'int32')
}

function definitionOf(schema: unknown): Definition | undefined {
  if (typeof schema !== 'object' || schema === null || !('_zod' in schema)) return undefined
  const internals = schema._zod
  return typeof internals === 'object' && internals !== null && 'def' in internals ? (internals.def as Definition) : undefined
}
