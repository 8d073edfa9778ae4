/**
 * Values as JSON that says all of them exactly. What JSON has no word for is an object with one key: `$int` (an integer beyond 2^53), `$double` (whole, or not
 * finite), `$bytes` (base64); an object of the user's that looks like one of these is within a `$list`. Pure.
 */
import { Buffer } from 'node:buffer'
import { notTelemetry } from '../wire/not-telemetry.js'
import { putOwn, WholeDouble } from '../wire/whole-double.js'

export function toExactText(value: object): string {
  return JSON.stringify(toPlain(value, ''))
}

/** Doubles that are whole are given as `WholeDouble`. */
export function fromExactText(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    notTelemetry('resource or scope', `not such a text as resourceText and scopeText make (${(error as Error).message})`)
  }
  return text.includes('"$') ? fromPlain(value) : value
}

function toPlain(value: unknown, key: string): unknown {
  switch (typeof value) {
    case 'bigint':
      return { $int: String(value) }
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { $double: Object.is(value, -0) ? '-0' : String(value) }
    case 'object':
      return value === null ? null : objectToPlain(value, key)
    case 'function':
    case 'symbol':
      return notTelemetry(key, `a ${typeof value}`)
    default:
      return value
  }
}

function objectToPlain(value: object, key: string): unknown {
  if (value instanceof WholeDouble) return { $double: String(value.value) }
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return value.map((item) => toPlain(item, key))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) notTelemetry(key, `an object of the class ${value.constructor?.name}`)
  const plain = {}
  for (const [name, item] of Object.entries(value)) putOwn(plain, name, toPlain(item, name))
  return isSpecial(value) ? { $list: plain } : plain
}

function fromPlain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(fromPlain)
  if (!isSpecial(value)) return mapOwn(value)
  const { $int, $double, $bytes, $list } = value as Record<string, unknown>
  if (typeof $int === 'string') return BigInt($int)
  if (typeof $bytes === 'string') return new Uint8Array(Buffer.from($bytes, 'base64'))
  if (typeof $double === 'string') {
    const number = Number($double)
    return Number.isSafeInteger(number) && !Object.is(number, -0) ? new WholeDouble(number) : number
  }
  return typeof $list === 'object' && $list !== null ? mapOwn($list) : mapOwn(value)
}

function mapOwn(value: object): object {
  const mapped = {}
  for (const [name, item] of Object.entries(value)) putOwn(mapped, name, fromPlain(item))
  return mapped
}

/** An object that could be mistaken for a value that JSON has no word for. */
function isSpecial(value: object): boolean {
  const names = Object.keys(value)
  return names.length === 1 && names[0]!.startsWith('$')
}
