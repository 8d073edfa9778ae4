/** Text from a command line or an environment as the values that a JSON Schema asks for. Pure. */
import type { JsonSchema } from './json-schema.js'

const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, false: false }

/**
 * Parameters given as text, with each text turned into a number, boolean, null, array or object where the schema of its parameter
 * asks for one and the text is one. Whatever does not fit stays text, so that the job's own schema says what is wrong. Values that
 * are not text stay as they are; the texts of an array are items.
 *
 * @example
 * coerceParams({ records: '10', on: 'false' }, { properties: { records: { type: 'number' }, on: { type: 'boolean' } } })
 * // { records: 10, on: false }
 */
export function coerceParams(texts: Readonly<Record<string, unknown>>, jsonSchema: object): Record<string, unknown> {
  const { properties = {}, additionalProperties } = jsonSchema as JsonSchema
  const others = typeof additionalProperties === 'object' && additionalProperties !== null ? (additionalProperties as JsonSchema) : {}
  const entries = Object.entries(texts).map(([name, value]): [string, unknown] => [
    name,
    coerce(value, Object.hasOwn(properties, name) ? (properties[name] ?? others) : others),
  ])
  return Object.fromEntries(entries)
}

function coerce(value: unknown, schema: JsonSchema): unknown {
  const choices = choicesOf(schema)
  if (Array.isArray(value)) {
    const items = choices.find(({ type }) => type === 'array')?.items
    return items === undefined ? value : value.map((item) => coerce(item, items))
  }
  if (typeof value !== 'string') return value
  for (const choice of choices) {
    const read = readAs(value, choice)
    if (read !== undefined) return read
  }
  return value
}

/** The single types that a schema allows, those first that take the fewest texts. */
function choicesOf(schema: JsonSchema): readonly JsonSchema[] {
  const { type, anyOf, oneOf, allOf } = schema
  const nested = anyOf ?? oneOf ?? allOf
  const choices =
    nested !== undefined
      ? nested.flatMap(choicesOf)
      : typeof type === 'object'
        ? type.map((single): JsonSchema => ({ ...schema, type: single }))
        : [schema]
  return choices.toSorted((left, right) => rankOf(left) - rankOf(right))
}

const RANKS: readonly unknown[] = ['null', 'boolean', 'integer', 'number', 'array', 'object', 'string']

function rankOf({ type }: JsonSchema): number {
  const rank = RANKS.indexOf(type)
  return rank < 0 ? RANKS.length : rank
}

/** What the text is as one type; undefined where it is none of that type. */
function readAs(text: string, schema: JsonSchema): unknown {
  if (schema.const !== undefined || schema.enum !== undefined) {
    return (schema.enum ?? [schema.const]).find((value) => String(value) === text)
  }
  switch (schema.type) {
    case 'string':
      return text
    case 'number':
    case 'integer':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined
    case 'boolean':
      return BOOLEANS[text.toLowerCase()]
    case 'null':
      return text === 'null' ? null : undefined
    case 'array':
      return readJson(text, Array.isArray) ?? (schema.items === undefined || text === '' ? undefined : [coerce(text, schema.items)])
    case 'object':
      return readJson(text, (value) => typeof value === 'object' && value !== null && !Array.isArray(value))
    default:
      return undefined
  }
}

function readJson(text: string, fits: (value: unknown) => boolean): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return fits(value) ? value : undefined
  } catch {
    return undefined
  }
}
