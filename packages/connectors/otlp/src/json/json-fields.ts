/**
 * Fields of OTLP/JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): names in lowerCamelCase, ids as hexadecimal digits, integers of 64 bits
 * as decimal text or numbers, enums as numbers. What is missing or null has its default; fields that are not known are passed by; what has another type is
 * `MalformedTelemetry`.
 */
import { malformed } from '../wire/malformed.js'

export type Fields = Readonly<Record<string, unknown>>

export function objectOf(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  return malformed(`${what} is no object`)
}

/** A message within another; undefined where there is none. */
export function message(fields: Fields, name: string): Fields | undefined {
  const value = own(fields, name)
  return value === undefined ? undefined : objectOf(value, name)
}

/** A repeated field. */
export function list(fields: Fields, name: string): readonly unknown[] {
  const value = own(fields, name)
  if (value === undefined) return []
  return Array.isArray(value) ? value : malformed(`${name} is no array`)
}

export function text(fields: Fields, name: string): string {
  const value = own(fields, name)
  if (value === undefined) return ''
  return typeof value === 'string' ? value : malformed(`${name} is no text`)
}

/** Hexadecimal digits, in lower case. */
export function id(fields: Fields, name: string): string {
  const value = text(fields, name)
  if (value.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(value)) malformed(`${name} is not made of pairs of hexadecimal digits`)
  return value.toLowerCase()
}

export function flag(fields: Fields, name: string): boolean {
  const value = own(fields, name)
  if (value === undefined) return false
  return typeof value === 'boolean' ? value : malformed(`${name} is neither true nor false`)
}

/** An integer of 32 bits, or the number of an enum. */
export function integer(fields: Fields, name: string): number {
  const value = own(fields, name)
  if (value === undefined) return 0
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  return Number.isInteger(number) && (number as number) >= -0x8000_0000 && (number as number) <= 0xffff_ffff
    ? (number as number)
    : malformed(`${name} is no integer of 32 bits`)
}

/** An integer of 64 bits: a bigint where a number cannot hold it. */
export function wideInteger(value: unknown, name: string): number | bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  const digits = typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value
  if (typeof digits === 'string' && !/^-?\d{1,20}$/.test(digits)) return malformed(`${name} is no integer`)
  if (typeof digits !== 'string' && typeof digits !== 'bigint') return malformed(`${name} is no integer`)
  const wide = BigInt(digits)
  if (BigInt.asIntN(64, wide) !== wide) malformed(`${name} has more than 64 bits`)
  const number = Number(wide)
  return Number.isSafeInteger(number) ? number : wide
}

/** What is counted. */
export function count(value: unknown, name: string): number {
  const number = value === undefined ? 0 : wideInteger(value, name)
  return typeof number === 'number' && number >= 0 ? number : malformed(`${name} is no count up to 2^53-1`)
}

export function double(value: unknown, name: string): number {
  if (typeof value === 'number') return value
  if (typeof value === 'string') {
    const number = Number(value)
    if (value.trim() !== '' && (!Number.isNaN(number) || value === 'NaN')) return number
  }
  return malformed(`${name} is no number`)
}

export function optionalDouble(fields: Fields, name: string): number | null {
  const value = own(fields, name)
  return value === undefined ? null : double(value, name)
}

/** A time in nanoseconds. */
export interface Time {
  readonly ms: number
  readonly nanos: number
}

const ZERO: Time = { ms: 0, nanos: 0 }

export function time(fields: Fields, name: string): Time {
  const value = own(fields, name)
  if (value === undefined) return ZERO
  const digits = typeof value === 'number' && Number.isInteger(value) && value >= 0 ? String(BigInt(value)) : value
  if (typeof digits !== 'string' || !/^\d{1,20}$/.test(digits)) return malformed(`${name} is no time in nanoseconds`)
  if (digits.length > 18 && BigInt(digits) >= 1n << 64n) malformed(`${name} has more than 64 bits`)
  return { ms: Number(digits.slice(0, -6)), nanos: Number(digits.slice(-6)) }
}

/** A property of its own that is neither null nor undefined. */
export function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? (fields[name] ?? undefined) : undefined
}
