/** Whether this process may make functions from text (`--disallow-code-generation-from-strings` forbids it), found out once. */
let allowed: boolean | undefined

export function canGenerateCode(): boolean {
  if (allowed === undefined) {
    try {
      allowed = new Function('return true')() === true
    } catch {
      allowed = false
    }
  }
  return allowed
}

/** Whether `object.__proto__` is the accessor of the language; `--disable-proto` takes it away. */
export function hasProtoAccessor(): boolean {
  const accessor = Object.getOwnPropertyDescriptor(Object.prototype, '__proto__')
  try {
    return accessor?.get?.call({}) === Object.prototype
  } catch {
    return false
  }
}
