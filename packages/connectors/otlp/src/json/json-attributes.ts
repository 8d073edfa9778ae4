/** Attributes and other values in OTLP/JSON. */
import { Buffer } from 'node:buffer'
import type { Attributes, AttributeValue } from '../records/attributes.js'
import { NESTING_MAX } from '../wire/bounds.js'
import { malformed } from '../wire/malformed.js'
import { notTelemetry } from '../wire/not-telemetry.js'
import { isWhole, putOwn, WholeDouble } from '../wire/whole-double.js'
import { double, type Fields, flag, list, message, objectOf, own, text, wideInteger } from './json-fields.js'

/** Doubles that are whole are given as `WholeDouble`. */
export function attributesFrom(fields: Fields, name: string, depth = 0): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = {}
  for (const item of list(fields, name)) {
    const entry = objectOf(item, `an item of ${name}`)
    putOwn(attributes, text(entry, 'key'), valueFrom(message(entry, 'value'), depth))
  }
  return attributes
}

export function valueFrom(fields: Fields | undefined, depth = 0): AttributeValue {
  if (fields === undefined) return null
  if (own(fields, 'stringValue') !== undefined) return text(fields, 'stringValue')
  if (own(fields, 'intValue') !== undefined) return wideInteger(fields['intValue'], 'intValue')
  if (own(fields, 'boolValue') !== undefined) return flag(fields, 'boolValue')
  if (own(fields, 'doubleValue') !== undefined) {
    const value = double(fields['doubleValue'], 'doubleValue')
    return isWhole(value) ? (new WholeDouble(value) as unknown as number) : value
  }
  if (own(fields, 'bytesValue') !== undefined) return new Uint8Array(Buffer.from(text(fields, 'bytesValue'), 'base64'))
  if (depth >= NESTING_MAX) malformed(`values within each other more than ${NESTING_MAX} times`)
  const array = message(fields, 'arrayValue')
  if (array !== undefined) return list(array, 'values').map((item) => valueFrom(objectOf(item, 'an item of an array'), depth + 1))
  const pairs = message(fields, 'kvlistValue')
  return pairs === undefined ? null : attributesFrom(pairs, 'values', depth + 1)
}

export function attributesTo(attributes: Attributes, depth = 0): readonly object[] {
  const items: object[] = []
  for (const key of Object.keys(attributes)) {
    const value = attributes[key]
    if (value !== undefined) items.push({ key, value: valueTo(value, depth, key) })
  }
  return items
}

export function valueTo(value: AttributeValue, depth: number, key: string): object {
  switch (typeof value) {
    case 'string':
      return { stringValue: value }
    case 'number':
      return isWhole(value) ? { intValue: String(value) } : { doubleValue: doubleTo(value) }
    case 'boolean':
      return { boolValue: value }
    case 'bigint':
      if (BigInt.asIntN(64, value) !== value) notTelemetry(key, 'an integer of more than 64 bits')
      return { intValue: String(value) }
    case 'object':
      return value === null ? {} : objectTo(value, depth, key)
    default:
      return notTelemetry(key, `a ${typeof value}`)
  }
}

function objectTo(value: object, depth: number, key: string): object {
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') }
  if (value instanceof WholeDouble) return { doubleValue: value.value }
  if (depth >= NESTING_MAX) notTelemetry(key, `nested deeper than ${NESTING_MAX} levels`)
  if (Array.isArray(value)) {
    return { arrayValue: { values: (value as AttributeValue[]).map((item) => valueTo(item ?? null, depth + 1, key)) } }
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) notTelemetry(key, `an object of the class ${value.constructor?.name}`)
  return { kvlistValue: { values: attributesTo(value as Attributes, depth + 1) } }
}

/** JSON has no numbers for what is not finite, nor for the zero below zero. */
export function doubleTo(value: number): number | string {
  return Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? '-0' : String(value)
}
