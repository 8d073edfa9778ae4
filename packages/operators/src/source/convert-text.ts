/**
 * Text to the kind a schema names for it, for formats whose values are text (CSV) or lack dates and bigints (JSON). What
 * cannot be converted stays as it is, so that the schema refuses it and says why. Pure.
 */
import type { KnownField, ObjectFields } from './known-fields.js'

const ISO_DATE = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/
const INTEGER = /^[+-]?\d+$/
const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/

/** The value of a CSV cell. An empty cell is null where the field is nullable, and missing (undefined) where it is optional. */
export function convertCell(field: KnownField, text: string): unknown {
  if (text === '') {
    if (field.nullable) return null
    if (field.optional) return undefined
    return text
  }
  switch (field.kind) {
    case 'string':
      return text
    case 'number':
    case 'int':
      return parseNumber(text)
    case 'boolean':
      return text === 'true' || text === 'TRUE' || text === 'True' || text === '1'
        ? true
        : text === 'false' || text === 'FALSE' || text === 'False' || text === '0'
          ? false
          : text
    case 'date':
      return parseIsoDate(text)
    case 'bigint':
      return INTEGER.test(text) ? BigInt(text.startsWith('+') ? text.slice(1) : text) : text
  }
}

/** The value of a JSON property: dates are ISO text, bigints are text or integers. */
export function convertJsonValue(field: KnownField, value: unknown): unknown {
  if (field.kind === 'date') return typeof value === 'string' ? parseIsoDate(value) : value
  if (field.kind !== 'bigint') return value
  if (typeof value === 'string' && INTEGER.test(value)) return BigInt(value.startsWith('+') ? value.slice(1) : value)
  return Number.isSafeInteger(value) ? BigInt(value as number) : value
}

/** The fields of a JSON object that have to be converted. */
export type JsonConversions = readonly KnownField[]

export function jsonConversionsOf(validator: { readonly fields: ObjectFields | undefined } | undefined): JsonConversions {
  const known = validator?.fields?.known.values() ?? []
  return [...known].filter((field) => field.kind === 'date' || field.kind === 'bigint')
}

/** Converts the fields of a JSON object in place; any other value is given back as it is. */
export function convertJsonFields(value: unknown, conversions: JsonConversions): unknown {
  if (conversions.length === 0 || typeof value !== 'object' || value === null) return value
  const properties = value as Record<string, unknown>
  for (const field of conversions) {
    const property = properties[field.name]
    if (property !== undefined && property !== null) properties[field.name] = convertJsonValue(field, property)
  }
  return value
}

/** A time without an offset is UTC, so that a job gives the same result on every machine. */
function parseIsoDate(text: string): unknown {
  const match = ISO_DATE.exec(text)
  if (match === null) return text
  const instant = new Date(text.length > 10 && match[1] === undefined ? `${text.replace(' ', 'T')}Z` : text)
  return Number.isNaN(instant.getTime()) ? text : instant
}

/** An integer that a number cannot hold exactly stays text: it must not change silently. */
function parseNumber(text: string): unknown {
  if (!NUMBER.test(text)) return text
  const value = Number(text)
  return Number.isInteger(value) && !Number.isSafeInteger(value) && INTEGER.test(text.trim()) ? text : value
}
