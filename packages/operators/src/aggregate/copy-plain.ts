/** A copy of plain data that shares nothing with it that could change. What is rare is left to structuredClone. */

export function copyPlain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copyPlain)
  if (Object.getPrototypeOf(value) !== Object.prototype) return structuredClone(value)
  const copy: Record<string, unknown> = {}
  for (const name in value) {
    // A name that means something to objects would set it rather than a field.
    if (name === '__proto__') return structuredClone(value)
    copy[name] = copyPlain((value as Record<string, unknown>)[name])
  }
  return copy
}
