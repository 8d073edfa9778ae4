/** What a zod schema says of the parameters that a job takes, for the command line. */
import type { StandardSchemaV1 } from '@standard-schema/spec'

/** The parts of a JSON Schema that are read here. */
export interface JsonSchema {
  readonly type?: string | readonly string[] | undefined
  readonly properties?: Readonly<Record<string, JsonSchema>> | undefined
  readonly required?: readonly string[] | undefined
  readonly additionalProperties?: unknown
  readonly anyOf?: readonly JsonSchema[] | undefined
  readonly oneOf?: readonly JsonSchema[] | undefined
  readonly allOf?: readonly JsonSchema[] | undefined
  readonly items?: JsonSchema | undefined
  readonly enum?: readonly unknown[] | undefined
  readonly const?: unknown
  readonly $ref?: string | undefined
  readonly $defs?: Readonly<Record<string, JsonSchema>> | undefined
  readonly default?: unknown
  readonly description?: string | undefined
  /** From `.meta({ secret: true })`. */
  readonly secret?: unknown
}

interface ZodSchema {
  toJSONSchema(options: { readonly io: 'input'; readonly unrepresentable: 'any' }): JsonSchema
}

/** JSON Schema of what a zod schema takes, made by the user's own zod; undefined for schemas of other libraries. */
export function jsonSchemaOf(schema: StandardSchemaV1 | undefined): JsonSchema | undefined {
  if (schema?.['~standard'].vendor !== 'zod') return undefined
  const { toJSONSchema } = schema as unknown as Partial<ZodSchema>
  return typeof toJSONSchema === 'function' ? toJSONSchema.call(schema, { io: 'input', unrepresentable: 'any' }) : undefined
}

/** Names of the properties that were marked with `.meta({ secret: true })`. */
export function secretsOf(schema: JsonSchema | undefined): readonly string[] {
  return Object.entries(schema?.properties ?? {})
    .filter(([, property]) => property.secret === true)
    .map(([name]) => name)
}
