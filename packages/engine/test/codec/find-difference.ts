import { isBoxedPrimitive } from 'node:util/types'

/** Where two values differ, stricter than the usual deep equality: key order, holes, -0, NaN, invalid dates, prototypes, a key called constructor. */
export function findDifference(a: unknown, b: unknown, path = 'value'): string | undefined {
  if (Object.is(a, b)) return undefined
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return path
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return `${path} (prototype)`
  if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime()) ? undefined : `${path} (time)`
  if (a instanceof ArrayBuffer && b instanceof ArrayBuffer)
    return sameBytes(new DataView(a), new DataView(b)) ? undefined : `${path} (bytes)`
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return sameBytes(a, b) ? undefined : `${path} (bytes)`
  if (a instanceof RegExp && b instanceof RegExp) return `${a}` === `${b}` ? undefined : `${path} (pattern)`
  if (isBoxedPrimitive(a)) return findDifference(a.valueOf(), b.valueOf(), `${path} (boxed)`)
  if ((a instanceof Map && b instanceof Map) || (a instanceof Set && b instanceof Set))
    return findDifference([...a], [...b], `${path}.entries`)
  if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) return `${path}.length`
  const names = Object.keys(a)
  if (JSON.stringify(names) !== JSON.stringify(Object.keys(b))) return `${path} (keys)`
  for (const name of names) {
    const inner = findDifference(
      (a as Record<string, unknown>)[name],
      (b as Record<string, unknown>)[name],
      `${path}[${JSON.stringify(name)}]`,
    )
    if (inner !== undefined) return inner
  }
  return undefined
}

const sameBytes = (a: ArrayBufferView, b: ArrayBufferView): boolean =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength))
