/**
 * Whether an array is nothing but its elements: no holes, no properties beside them. Keys tell that exactly, but to list those of a long array makes a text of each index, and takes longer than
 * to encode it. So long arrays are read for holes, and what prints values is asked for properties: without elements it prints a long array in constant time, and exactly one text says that there is
 * nothing else. Any other text decides nothing, and the keys are listed.
 */
// oxlint-disable-next-line no-restricted-imports -- pure, and the one function of the platform that finds properties of an array without listing its elements
import { inspect } from 'node:util'
import { MISFIT, NO_ROOM } from './contract.js'

/** Up to so many elements listing the keys costs less. */
const KEYS_MAX = 128
const NOTHING_BUT_PROPERTIES = {
  maxArrayLength: 0,
  depth: 0,
  customInspect: false,
  showHidden: false,
  colors: false,
  breakLength: Infinity,
  sorted: false,
}

/**
 * Answers the length of an array that is nothing but its elements, `NO_ROOM` where there is room for fewer of them, and `MISFIT` for other arrays. It reads no more elements than there is room for,
 * so that attempts in memory that doubles take no longer, all together, than the one that succeeds.
 */
export function measureElements(value: readonly unknown[], room: number): number {
  const { length } = value
  if (length <= KEYS_MAX) return length > room ? NO_ROOM : hasElementsOnly(value) ? length : MISFIT
  if (hasHole(value, Math.min(length, room))) return MISFIT
  if (length > room) return NO_ROOM
  return hasNoProperties(value) ? length : MISFIT
}

/** The same for an array that generated code may handle: one of a class of its own is none. */
export function measureList(value: unknown, room: number): number {
  return Array.isArray(value) && Object.getPrototypeOf(value) === Array.prototype ? measureElements(value, room) : MISFIT
}

export function isDenseArray(value: unknown): value is readonly unknown[] {
  return measureList(value, Number.POSITIVE_INFINITY) !== MISFIT
}

function hasElementsOnly(value: readonly unknown[]): boolean {
  const names = Object.keys(value)
  // As many keys as elements, and the last key is the last index: were there a hole, another property would stand last.
  return names.length === value.length && (names.length === 0 || names[names.length - 1] === String(names.length - 1))
}

function hasHole(value: readonly unknown[], end: number): boolean {
  for (let index = 0; index < end; index++) if (value[index] === undefined && !Object.hasOwn(value, index)) return true
  return false
}

/** Of a long array without holes. */
function hasNoProperties(value: readonly unknown[]): boolean {
  return inspect(value, NOTHING_BUT_PROPERTIES) === `[ ... ${value.length} more items ]` || Object.keys(value).length === value.length
}
