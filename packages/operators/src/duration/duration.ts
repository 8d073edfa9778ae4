/** Durations as the API takes them: a number of milliseconds, or text with units that a template literal type checks in the editor. Pure. */
import { SluiceError } from '@sluice/engine'

/**
 * A duration: a number of milliseconds, or text with the units `d`, `h`, `m`, `s`, `ms`, the largest first: `'250ms'`, `'10s'`,
 * `'1.5s'`, `'1h30m'`, `'1d'`. Anything else is a type error.
 *
 * @example
 * const hour: Duration = '1h'
 * const alsoAnHour: Duration = 3_600_000
 */
export type Duration =
  | number
  | `${number}ms`
  | `${number}s`
  | `${number}m`
  | `${number}h`
  | `${number}d`
  | `${number}s${number}ms`
  | `${number}m${number}s`
  | `${number}h${number}m`
  | `${number}d${number}h`
  | `${number}h${number}m${number}s`
  | `${number}d${number}h${number}m`

const PART = String.raw`(\d+(?:\.\d+)?)`
const TEXT = new RegExp(`^(?:${PART}d)?(?:${PART}h)?(?:${PART}m)?(?:${PART}s)?(?:${PART}ms)?$`)
const UNITS_MS = [86_400_000, 3_600_000, 60_000, 1_000, 1] as const

/**
 * A duration in milliseconds. It takes any text, so that durations may come from parameters of a job.
 *
 * @param what what the duration is for, as part of the message: `outOfOrderness of withTimestamps`
 * @throws SluiceError `SLUICE_DURATION_INVALID` for text that is no duration and for numbers that are negative or not finite
 * @example
 * parseDuration('1h30m', 'timeout') // 5_400_000
 */
export function parseDuration(value: number | string, what: string): number {
  if (typeof value === 'number') {
    if (Number.isFinite(value) && value >= 0) return value
    throw invalid(value, what)
  }
  const parts = typeof value === 'string' && value !== '' ? TEXT.exec(value) : null
  if (parts === null) throw invalid(value, what)
  let durationMs = 0
  for (const [index, unitMs] of UNITS_MS.entries()) durationMs += Number(parts[index + 1] ?? 0) * unitMs
  return durationMs
}

function invalid(value: unknown, what: string): SluiceError {
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return new SluiceError('SLUICE_DURATION_INVALID', `${what} is ${shown}, which is not a duration`)
}
