/** Attributes and other values as the messages `KeyValue` and `AnyValue`. */
import type { Attributes, AttributeValue } from '../records/attributes.js'
import { NESTING_MAX } from '../wire/bounds.js'
import { notTelemetry } from '../wire/not-telemetry.js'
import { isWhole, WholeDouble } from '../wire/whole-double.js'
import type { WireWriter } from '../wire/wire-writer.js'

/** Each attribute as a field; those that are undefined are left out. */
export function writeAttributes(writer: WireWriter, tag: number, attributes: Attributes, depth = 0): void {
  // Not `Object.keys`: the keys of an object that looks like the last one are not made again, and each value is found at once.
  for (const key in attributes) {
    const value = attributes[key]
    if (value === undefined) continue
    const start = writer.begin(tag, 1)
    if (key !== '') writer.key(key)
    writeValue(writer, 18, value, depth, key)
    writer.end(start, 1)
  }
}

/** A value as a field; `key`: where it stands, for the error. */
export function writeValue(writer: WireWriter, tag: number, value: AttributeValue, depth: number, key: string): void {
  const start = writer.begin(tag, 1)
  switch (typeof value) {
    case 'string':
      writer.string(10, value)
      break
    case 'number':
      if (isWhole(value)) writer.int64(24, value)
      else writer.double(33, value)
      break
    case 'boolean':
      writer.bool(16, value)
      break
    case 'bigint':
      if (BigInt.asIntN(64, value) !== value) notTelemetry(key, 'an integer of more than 64 bits')
      writer.int64(24, value)
      break
    case 'object':
      if (value !== null) writeObject(writer, value, depth, key)
      break
    default:
      notTelemetry(key, `a ${typeof value}`)
  }
  writer.end(start, 1)
}

function writeObject(writer: WireWriter, value: object, depth: number, key: string): void {
  if (value instanceof Uint8Array) writer.bytes(58, value)
  else if (value instanceof WholeDouble) writer.double(33, value.value)
  else {
    if (depth >= NESTING_MAX) notTelemetry(key, `nested deeper than ${NESTING_MAX} levels`)
    const isList = Array.isArray(value)
    if (!isList && !isPlain(value)) notTelemetry(key, `an object of the class ${value.constructor?.name}`)
    const start = writer.begin(isList ? 42 : 50, 1)
    if (isList) for (const item of value as AttributeValue[]) writeValue(writer, 10, item ?? null, depth + 1, key)
    else writeAttributes(writer, 10, value as Attributes, depth + 1)
    writer.end(start, 1)
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
