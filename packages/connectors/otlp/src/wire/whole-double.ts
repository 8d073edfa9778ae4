/**
 * Doubles that are whole. A number does not say whether it came as 3 or as 3.0; where it matters, codecs handle the latter as an object of this class, which
 * never leaves them: records name the places instead (`wholeDoubles`). Requests with such values are rare, so what is done for them may cost something.
 */
import type { HoldsAttributes } from '../records/attributes.js'

export class WholeDouble {
  constructor(readonly value: number) {}
}

/** Whether a number, sent as such, would be taken for an integer. */
export function isWhole(value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0)
}

/** Puts numbers in the place of the whole doubles in a record that was just decoded, and says in it where they were. */
export function nameWholeDoubles<T extends object>(record: T, except: readonly string[]): T & HoldsAttributes {
  const places: string[] = []
  for (const [name, value] of Object.entries(record))
    if (!except.includes(name)) (record as Record<string, unknown>)[name] = unwrap(value, `/${name}`, places)
  return places.length === 0 ? record : { ...record, wholeDoubles: places }
}

function unwrap(value: unknown, pointer: string, places: string[]): unknown {
  if (value instanceof WholeDouble) {
    places.push(pointer)
    return value.value
  }
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key]
    if (typeof item === 'object' && item !== null) putOwn(value, key, unwrap(item, `${pointer}/${escape(key)}`, places))
  }
  return value
}

/** The record with whole doubles in the places that it names; the record itself stays as it is. */
export function withWholeDoubles<T extends HoldsAttributes>(record: T): T {
  const { wholeDoubles } = record
  if (wholeDoubles === undefined || wholeDoubles.length === 0) return record
  let marked: unknown = record
  for (const pointer of wholeDoubles) marked = mark(marked, pointer.split('/').slice(1).map(unescape), 0)
  return marked as T
}

/** Copies what lies on the path. A path that leads to no number is passed over: the record was changed since. */
function mark(value: unknown, path: readonly string[], depth: number): unknown {
  const key = path[depth]
  if (key === undefined) return typeof value === 'number' && isWhole(value) ? new WholeDouble(value) : value
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return value
  const copy: object = Array.isArray(value) ? [...(value as unknown[])] : { ...value }
  putOwn(copy, key, mark((value as Record<string, unknown>)[key], path, depth + 1))
  return copy
}

/** Sets a property, also one that is called `__proto__`. */
export function putOwn(target: object, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
  else (target as Record<string, unknown>)[key] = value
}

const escape = (key: string): string => (key.includes('~') || key.includes('/') ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key)
const unescape = (key: string): string => (key.includes('~') ? key.replaceAll('~1', '/').replaceAll('~0', '~') : key)
