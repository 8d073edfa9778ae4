/** What a zod schema says of the parameters that a job takes, for the command line. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { z } from 'zod'

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

/** JSON Schema of what a zod schema takes; undefined for schemas of other libraries. */
export function jsonSchemaOf(schema: StandardSchemaV1 | undefined): JsonSchema | undefined {
  if (schema?.['~standard'].vendor !== 'zod' || !('_zod' in schema)) return undefined
  return z.toJSONSchema(schema as unknown as z.ZodType, { io: 'input', unrepresentable: 'any' }) as unknown as JsonSchema
}

/** Names of the properties that were marked with `.meta({ secret: true })`. */
export function secretsOf(schema: JsonSchema | undefined): readonly string[] {
  return Object.entries(schema?.properties ?? {})
    .filter(([, property]) => property.secret === true)
    .map(([name]) => name)
}
