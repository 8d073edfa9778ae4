/** Checks of options that sources and sinks share: a wrong value is a coded error that names the option. Pure. */
import { SluiceError } from '@sluice/engine'

/** An option that is an integer of at least `min`. */
export function checkInteger(option: string, value: unknown, min: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= min) return
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `${option} is ${describe(value)}, and takes an integer of at least ${min}.`)
}

/** An option that is one of a few words. */
export function checkChoice<const C extends string>(option: string, value: unknown, choices: readonly C[]): asserts value is C {
  if ((choices as readonly unknown[]).includes(value)) return
  throw new SluiceError(
    'SLUICE_OPTIONS_INVALID',
    `${option} is ${describe(value)}, and takes ${choices.map((choice) => `'${choice}'`).join(' or ')}.`,
  )
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
