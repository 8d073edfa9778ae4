/**
 * Params from the environment: `SLUICE_PARAM_INPUT`, `SLUICE_PARAM_DELAY_MS` for `delayMs`. A variable that names no param of the job is
 * left alone, since an environment is often shared by several jobs. Pure.
 */
import type { RawParams } from '@sluice/runtime-workers'

const PREFIX = 'SLUICE_PARAM_'

export function readEnvParams(env: Readonly<Record<string, string | undefined>>, known: readonly string[]): RawParams {
  const params: Record<string, string> = {}
  const byFolded = new Map(known.map((name) => [fold(name), name]))
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX) || value === undefined) continue
    const typed = variable.slice(PREFIX.length)
    const name = known.includes(typed) ? typed : byFolded.get(fold(typed))
    if (name !== undefined) params[name] = value
  }
  return params
}

/** The variable that is suggested for a param: `delayMs` -> `SLUICE_PARAM_DELAY_MS`. */
export function envVariableOf(name: string): string {
  return (
    PREFIX +
    name
      .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
      .replace(/[^A-Za-z0-9]+/g, '_')
      .toUpperCase()
  )
}

function fold(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, '').toLowerCase()
}
