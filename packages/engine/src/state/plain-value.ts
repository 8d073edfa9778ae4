/** Whether a value can be state: what the codec can encode. Asked whenever a value is set, so that it is found where it is written and not at the checkpoint. */
import { DEPTH_MAX } from '../codec/any-tags.js'
import { explainMisfit } from '../codec/explain-misfit.js'
import { SluiceError } from '../errors/sluice-error.js'

/** Fails with `SLUICE_STATE_VALUE` where a value cannot be kept; primitives and plain objects are let through without a detour. */
export function checkStateValue(value: unknown, state: string, operator: string): void {
  if (isPlainData(value, 0)) return
  const misfit = explainMisfit(value)
  if (misfit === undefined) return
  const why = misfit.message
    .replace(/^record\b/, 'the value')
    .replace('; records are plain data', '')
    .replaceAll(/\b([Aa]) record\b/g, '$1 value')
    .replaceAll('be sent', 'be kept')
  throw new SluiceError('SLUICE_STATE_VALUE', `state ${state} of ${operator} cannot keep what it was given: ${why}`, { operator })
}

/** False also for what is rare, and allowed all the same. */
function isPlainData(value: unknown, depth: number): boolean {
  if (typeof value !== 'object') return typeof value !== 'function' && typeof value !== 'symbol'
  if (value === null) return true
  if (depth === DEPTH_MAX) return false
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) if (!isPlainData(value[index], depth + 1)) return false
    return Object.getPrototypeOf(value) === Array.prototype
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype) return false
  for (const name in value) if (!isPlainData((value as Record<string, unknown>)[name], depth + 1)) return false
  return true
}
