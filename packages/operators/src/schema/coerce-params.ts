/** Text from a command line or an environment as the values that a JSON Schema asks for. Pure. */
import type { JsonSchema } from './json-schema.js'

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
  ['1', true],
  ['0', false],
])
/** As a person writes numbers; hexadecimal and the like stay text. */
const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i

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
  const root = jsonSchema as JsonSchema
  const { properties = {}, additionalProperties } = root
  const others = typeof additionalProperties === 'object' && additionalProperties !== null ? (additionalProperties as JsonSchema) : {}
  const entries = Object.entries(texts).map(([name, value]): [string, unknown] => [
    name,
    coerce(value, Object.hasOwn(properties, name) ? (properties[name] ?? others) : others, root),
  ])
  return Object.fromEntries(entries)
}

function coerce(value: unknown, schema: JsonSchema, root: JsonSchema): unknown {
  const choices = choicesOf(schema, root)
  if (Array.isArray(value)) {
    const items = choices.find(({ type }) => type === 'array')?.items
    return items === undefined ? value : value.map((item) => coerce(item, items, root))
  }
  if (typeof value !== 'string') return value
  for (const choice of choices) {
    const read = readAs(value, choice, root)
    if (read !== undefined) return read
  }
  return value
}

/** The single types that a schema allows, those first that take the fewest texts. */
function choicesOf(schema: JsonSchema, root: JsonSchema, depth = 0): readonly JsonSchema[] {
  const { type, anyOf, oneOf, allOf, $ref } = schema
  if ($ref !== undefined) {
    const target = root.$defs?.[$ref.replace('#/$defs/', '')]
    return target === undefined || depth >= REFERENCES_MAX ? [] : choicesOf(target, root, depth + 1)
  }
  const nested = anyOf ?? oneOf ?? allOf
  const choices =
    nested !== undefined
      ? nested.flatMap((choice) => choicesOf(choice, root, depth + 1))
      : typeof type === 'object'
        ? type.map((single): JsonSchema => ({ ...schema, type: single }))
        : [schema]
  return choices.toSorted((left, right) => rankOf(left) - rankOf(right))
}

/** References that lead to references. */
const REFERENCES_MAX = 16
const RANKS: readonly unknown[] = ['null', 'integer', 'number', 'boolean', 'array', 'object', 'string']

function rankOf({ type }: JsonSchema): number {
  const rank = RANKS.indexOf(type)
  return rank < 0 ? RANKS.length : rank
}

/** What the text is as one type; undefined where it is none of that type. */
function readAs(text: string, schema: JsonSchema, root: JsonSchema): unknown {
  if (schema.const !== undefined || schema.enum !== undefined) {
    return (schema.enum ?? [schema.const]).find((value) => String(value) === text)
  }
  switch (schema.type) {
    case 'string':
      return text
    case 'number':
    case 'integer':
      return NUMBER.test(text) && Number.isFinite(Number(text)) ? Number(text) : undefined
    case 'boolean':
      return BOOLEANS.get(text.toLowerCase())
    case 'null':
      return text === 'null' ? null : undefined
    case 'array':
      return readJson(text, Array.isArray) ?? (schema.items === undefined || text === '' ? undefined : [coerce(text, schema.items, root)])
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
