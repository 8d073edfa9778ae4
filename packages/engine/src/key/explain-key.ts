/** Why a value cannot be a key, with the place; runs once, when a key is refused. */
import { isDate } from 'node:util/types'
import { SluiceError } from '../errors/sluice-error.js'
import { COUNT_MAX, isPlain, KEY_DEPTH_MAX } from './key-format.js'

export function explainKey(key: unknown): SluiceError {
  return new SluiceError('SLUICE_KEY_INVALID', describe(key, 'key', 0) ?? 'key cannot be encoded')
}

function describe(key: unknown, path: string, depth: number): string | undefined {
  switch (typeof key) {
    case 'undefined':
      return `${path} is undefined`
    case 'function':
    case 'symbol':
      return `${path} is a ${typeof key}`
    case 'number':
      return Number.isNaN(key) ? `${path} is NaN, which equals nothing` : undefined
    case 'string':
      return tooMany(key.length, path)
    case 'bigint':
      return tooMany(key.toString(16).length / 2, path)
    case 'object':
      return key === null ? undefined : describeObject(key, path, depth)
    default:
      return undefined
  }
}

function describeObject(key: object, path: string, depth: number): string | undefined {
  if (depth >= KEY_DEPTH_MAX) return `A key refers to itself or is nested deeper than ${KEY_DEPTH_MAX} levels`
  if (isDate(key)) return Number.isNaN(key.getTime()) ? `${path} is an invalid Date` : undefined
  if (!Array.isArray(key) && !isPlain(key)) return `${path} is an instance of the class ${key.constructor?.name ?? '(anonymous)'}`
  const names = Array.isArray(key) ? Array.from(key.keys(), String) : Object.keys(key)
  const many = tooMany(names.length, path)
  if (many !== undefined) return many
  for (const name of names) {
    const inner = describe((key as Record<string, unknown>)[name], Array.isArray(key) ? `${path}[${name}]` : `${path}.${name}`, depth + 1)
    if (inner !== undefined) return inner
  }
  return undefined
}

function tooMany(count: number, path: string): string | undefined {
  return count > COUNT_MAX ? `${path} is too large for a key: ${Math.ceil(count)} is above ${COUNT_MAX}` : undefined
}
