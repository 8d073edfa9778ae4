/**
 * Why a value cannot be encoded, with the path to the place. Runs once, when a record is refused; it walks the value the way `any-writer.ts` does, and
 * remembers where it is, so it finds cycles exactly.
 */
import * as types from 'node:util/types'
import type { ErrorCode } from '../errors/catalogue.js'
import { SluiceError } from '../errors/sluice-error.js'
import { DEPTH_MAX } from './any-tags.js'
import { isDetached } from './any-writer.js'
import { isPlainObject } from './field-type.js'

interface Step {
  readonly value: unknown
  readonly path: string
  readonly depth: number
  /** Set on the step that leaves an object again. */
  readonly leave?: object
}

/** The error for a value that `writeAny` refused, or undefined where nothing is wrong with it. */
export function explainMisfit(record: unknown): SluiceError | undefined {
  const open = new Map<object, string>()
  const done = new Set<object>()
  const steps: Step[] = [{ value: record, path: 'record', depth: 0 }]
  let tooDeep: SluiceError | undefined
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    if (step.leave !== undefined) {
      open.delete(step.leave)
      done.add(step.leave)
      continue
    }
    const { value, path, depth } = step
    const refused = refusal(value, path)
    if (refused !== undefined) return refused
    if (typeof value !== 'object' || value === null) continue
    const ancestor = open.get(value)
    if (ancestor !== undefined) return fail('SLUICE_RECORD_CYCLE', `${path} is ${ancestor} again: a record cannot refer to itself`)
    if (done.has(value)) continue
    if (depth >= DEPTH_MAX) {
      // Not further down: paths grow with the depth, and what lies this deep may go on for megabytes.
      tooDeep ??= fail('SLUICE_RECORD_NOT_ENCODABLE', `A record is nested deeper than ${DEPTH_MAX} levels, at ${shorten(path)}`)
      continue
    }
    open.set(value, shorten(path))
    steps.push({ value, path, depth, leave: value })
    for (const child of childrenOf(value, path).reverse()) steps.push({ ...child, depth: depth + 1 })
  }
  return tooDeep
}

const fail = (code: ErrorCode, message: string, hint?: string): SluiceError => new SluiceError(code, message, { hint })

const shorten = (path: string): string => (path.length <= 200 ? path : `${path.slice(0, 120)}...${path.slice(-60)}`)

function refusal(value: unknown, fullPath: string): SluiceError | undefined {
  const path = shorten(fullPath)
  if (typeof value === 'function')
    return fail('SLUICE_RECORD_NOT_ENCODABLE', `${path} is a function${named(value.name)}, which cannot be sent`)
  if (typeof value === 'symbol') return fail('SLUICE_RECORD_NOT_ENCODABLE', `${path} is a symbol, which cannot be sent`)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  if (types.isPromise(value)) return fail('SLUICE_RECORD_PROMISE', `${path} is a Promise`)
  if (types.isSharedArrayBuffer(value)) return fail('SLUICE_RECORD_NOT_ENCODABLE', `${path} is a SharedArrayBuffer, which cannot be sent`)
  if (ArrayBuffer.isView(value) || types.isArrayBuffer(value)) {
    const buffer = ArrayBuffer.isView(value) ? value.buffer : value
    if (types.isSharedArrayBuffer(buffer))
      return fail('SLUICE_RECORD_NOT_ENCODABLE', `${path} is a view of a SharedArrayBuffer, which cannot be sent`)
    if (isDetached(buffer)) return fail('SLUICE_RECORD_NOT_ENCODABLE', `${path} is detached: its memory was transferred elsewhere`)
    return undefined
  }
  if (types.isWeakMap(value) || types.isWeakSet(value) || value instanceof WeakRef || types.isGeneratorObject(value))
    return fail('SLUICE_RECORD_NOT_ENCODABLE', `${path} is a ${className(value)}, which cannot be sent`)
  if (types.isDate(value) || types.isMap(value) || types.isSet(value) || types.isRegExp(value) || types.isNativeError(value))
    return undefined
  if (types.isBoxedPrimitive(value)) {
    const primitive: unknown = value.valueOf()
    if (typeof primitive !== 'symbol' && typeof primitive !== 'object') return undefined
    return fail('SLUICE_RECORD_NOT_ENCODABLE', `${path} is a boxed ${typeof primitive}, which cannot be sent`)
  }
  if (isPlainObject(value)) return undefined
  const message = `${path} is an instance of the class ${className(value)}; records are plain data`
  return fail('SLUICE_RECORD_CLASS_INSTANCE', message)
}

const named = (name: string): string => (name === '' ? '' : ` (${name})`)

function className(value: object): string {
  const constructor: unknown = (value as { constructor?: unknown }).constructor
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : '(anonymous)'
}

function isSuspect(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'function' || typeof value === 'symbol'
}

function childrenOf(value: object, path: string): { value: unknown; path: string }[] {
  if (types.isMap(value)) {
    const children: { value: unknown; path: string }[] = []
    for (const [key, item] of Map.prototype.entries.call(value)) {
      children.push({ value: key, path: `${path}.keys(${children.length / 2})` })
      children.push({ value: item, path: `${path}.get(${describeKey(key)})` })
    }
    return children
  }
  if (types.isSet(value))
    return Array.from(Set.prototype.values.call(value), (item: unknown, index) => ({ value: item, path: `${path}.values(${index})` }))
  if (types.isNativeError(value)) {
    const cause = Object.getOwnPropertyDescriptor(value, 'cause')
    return cause !== undefined && 'value' in cause ? [{ value: cause.value, path: `${path}.cause` }] : []
  }
  if (!Array.isArray(value) && !isPlainObject(value)) return []
  const isArray = Array.isArray(value)
  // Only what may be refused, or holds something: a long list of numbers is not written down item by item.
  const mayMatter = Object.keys(value).filter((name) => isSuspect((value as Record<string, unknown>)[name]))
  return mayMatter.map((name) => ({
    value: (value as Record<string, unknown>)[name],
    path:
      isArray && /^\d+$/.test(name)
        ? `${path}[${name}]`
        : /^[A-Za-z_$][\w$]*$/.test(name)
          ? `${path}.${name}`
          : `${path}[${JSON.stringify(name)}]`,
  }))
}

function describeKey(key: unknown): string {
  switch (typeof key) {
    case 'string':
      return JSON.stringify(key)
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(key)
    default:
      return key === null ? 'null' : typeof key
  }
}
