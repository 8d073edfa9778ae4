/**
 * Checks that generated and interpreting encoders share. They are exact: a key more, less or elsewhere, or a value of another kind, is a misfit.
 */
import { isDate } from 'node:util/types'

/** Answers the time value, or undefined for what is not a Date. */
export function timeOf(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Date.prototype || !isDate(value)) return undefined
  return Date.prototype.getTime.call(value)
}

/** Whether the prototype is Object.prototype or null. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Whether the own enumerable keys are exactly these, in this order. Inherited ones (a polluted Object.prototype) do not pass either. */
export function hasExactlyKeys(value: object, names: readonly string[]): boolean {
  let index = 0
  for (const name in value) if (name !== names[index++]) return false
  return index === names.length
}
