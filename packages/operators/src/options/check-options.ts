/** Checks that everything with options shares: a wrong value is a coded error that names the option. Pure. */
import { nearest, SluiceError } from '@sluice/engine'

/** An option that is an integer of at least `min`. */
export function checkInteger(option: string, value: unknown, min: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= min) return
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `${option} is ${describe(value)}, and takes an integer of at least ${min}.`)
}

/** An option that is one of a few words. */
export function checkChoice<const C extends string | boolean>(option: string, value: unknown, choices: readonly C[]): asserts value is C {
  if ((choices as readonly unknown[]).includes(value)) return
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `${option} is ${describe(value)}, and takes ${choices.map(describe).join(' or ')}.`)
}

/** An object of options that has no others: where types are not looked at, a misspelt option would be none. */
export function checkOptions(what: string, options: unknown, known: readonly string[]): asserts options is object {
  const takes = `It takes ${known.join(', ')}.`
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `${what} takes an object of options, and was given ${describe(options)}.`, {
      hint: takes,
    })
  }
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || known.includes(option)) continue
    const meant = nearest(option, known)
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `${what} has no option ${option}.`, {
      hint: meant === undefined ? takes : `Did you mean ${meant}? ${takes}`,
    })
  }
}

/** A schema, where there is one: whatever speaks Standard Schema, such as zod. */
export function checkSchema(caller: string, schema: unknown): void {
  if (schema === undefined || ((typeof schema === 'object' || typeof schema === 'function') && schema !== null && '~standard' in schema))
    return
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `${caller}: schema is ${describe(schema)}, and takes one such as z.object({ ... }).`)
}

/** What happens to records that fail. */
export function checkErrorPolicy(caller: string, policy: unknown): void {
  if (policy !== undefined) checkChoice(`${caller}: onError`, policy, ['fail', 'drop', 'deadLetter'])
}

/** A path: text that is not empty. */
export function checkPath(caller: string, path: unknown): asserts path is string {
  if (typeof path === 'string' && path !== '') return
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `${caller} takes a path, and was given ${describe(path)}.`)
}

/** A function. */
export function checkFunction(caller: string, fn: unknown): void {
  if (typeof fn === 'function') return
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `${caller} takes a function, and was given ${describe(fn)}.`)
}

function describe(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
}
