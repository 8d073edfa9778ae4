/**
 * Why a value cannot be encoded, with the path to the place. Runs when a record is refused, and before a shape is learnt from one; it walks the value the way `any-writer.ts` does, and
 * remembers where it is, so it finds cycles exactly. A step knows its parent, and the path is made of them where something is wrong: most often nothing is.
 */
import * as types from 'node:util/types'
import type { ErrorCode } from '../errors/catalogue.js'
import { SluiceError } from '../errors/sluice-error.js'
import { DEPTH_MAX } from './any-tags.js'
import { isDetached } from './any-writer.js'
import { isDenseArray } from './dense-array.js'
import { isPlainObject } from './field-type.js'

/** What a step is of its parent. */
const Place = { index: 0, field: 1, mapKey: 2, mapValue: 3, setValue: 4, cause: 5 } as const
type PlaceCode = (typeof Place)[keyof typeof Place]

interface Step {
  readonly value: unknown
  readonly depth: number
  readonly parent: Step | undefined
  readonly place: PlaceCode
  /** Index, name, or key in a Map. */
  readonly key: unknown
  /** Everything inside of it stands before it again when it has been looked at. */
  isOpen: boolean
}

/** The error for a value that `writeAny` refused, or undefined where nothing is wrong with it. */
export function explainMisfit(record: unknown): SluiceError | undefined {
  const open = new Map<object, Step>()
  const done = new Set<object>()
  const steps: Step[] = [{ value: record, depth: 0, parent: undefined, place: Place.field, key: undefined, isOpen: false }]
  let tooDeep: SluiceError | undefined
  for (let step = steps.at(-1); step !== undefined; step = steps.at(-1)) {
    const { value, depth } = step
    if (step.isOpen) {
      steps.pop()
      open.delete(value as object)
      done.add(value as object)
      continue
    }
    const refused = refusal(step)
    if (refused !== undefined) return refused
    if (typeof value !== 'object' || value === null || done.has(value)) {
      steps.pop()
      continue
    }
    const ancestor = open.get(value)
    if (ancestor !== undefined)
      return fail('SLUICE_RECORD_CYCLE', `${pathOf(step)} is ${pathOf(ancestor)} again: a record cannot refer to itself`)
    if (depth >= DEPTH_MAX) {
      // Not further down: what lies this deep may go on for megabytes.
      tooDeep ??= fail('SLUICE_RECORD_NOT_ENCODABLE', `A record is nested deeper than ${DEPTH_MAX} levels, at ${pathOf(step)}`)
      steps.pop()
      continue
    }
    const below = steps.length
    pushChildren(value, step, steps)
    if (steps.length === below) {
      steps.pop()
      continue
    }
    step.isOpen = true
    open.set(value, step)
  }
  return tooDeep
}

/** Readable at any depth. */
function pathOf(last: Step): string {
  const parts: string[] = []
  for (let step: Step | undefined = last; step?.parent !== undefined; step = step.parent) parts.push(partOf(step))
  return shorten(`record${parts.reverse().join('')}`)
}

function partOf({ place, key }: Step): string {
  switch (place) {
    case Place.index:
      return `[${String(key)}]`
    case Place.field:
      return /^[A-Za-z_$][\w$]*$/.test(key as string) ? `.${String(key)}` : `[${JSON.stringify(key)}]`
    case Place.mapKey:
      return `.keys(${String(key)})`
    case Place.mapValue:
      return `.get(${describeKey(key)})`
    case Place.setValue:
      return `.values(${String(key)})`
    case Place.cause:
      return '.cause'
  }
}

const fail = (code: ErrorCode, message: string, hint?: string): SluiceError => new SluiceError(code, message, { hint })

const shorten = (path: string): string => (path.length <= 200 ? path : `${path.slice(0, 120)}...${path.slice(-60)}`)

function refusal(step: Step): SluiceError | undefined {
  const { value } = step
  if (typeof value === 'function')
    return fail('SLUICE_RECORD_NOT_ENCODABLE', `${pathOf(step)} is a function${named(value.name)}, which cannot be sent`)
  if (typeof value === 'symbol') return fail('SLUICE_RECORD_NOT_ENCODABLE', `${pathOf(step)} is a symbol, which cannot be sent`)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  if (types.isPromise(value)) return fail('SLUICE_RECORD_PROMISE', `${pathOf(step)} is a Promise`)
  if (types.isSharedArrayBuffer(value))
    return fail('SLUICE_RECORD_NOT_ENCODABLE', `${pathOf(step)} is a SharedArrayBuffer, which cannot be sent`)
  if (ArrayBuffer.isView(value) || types.isArrayBuffer(value)) {
    const buffer = ArrayBuffer.isView(value) ? value.buffer : value
    if (types.isSharedArrayBuffer(buffer))
      return fail('SLUICE_RECORD_NOT_ENCODABLE', `${pathOf(step)} is a view of a SharedArrayBuffer, which cannot be sent`)
    if (isDetached(buffer)) return fail('SLUICE_RECORD_NOT_ENCODABLE', `${pathOf(step)} is detached: its memory was transferred elsewhere`)
    return undefined
  }
  if (types.isWeakMap(value) || types.isWeakSet(value) || value instanceof WeakRef || types.isGeneratorObject(value))
    return fail('SLUICE_RECORD_NOT_ENCODABLE', `${pathOf(step)} is a ${className(value)}, which cannot be sent`)
  if (types.isDate(value) || types.isMap(value) || types.isSet(value) || types.isRegExp(value) || types.isNativeError(value))
    return undefined
  if (types.isBoxedPrimitive(value)) {
    const primitive: unknown = value.valueOf()
    if (typeof primitive !== 'symbol' && typeof primitive !== 'object') return undefined
    return fail('SLUICE_RECORD_NOT_ENCODABLE', `${pathOf(step)} is a boxed ${typeof primitive}, which cannot be sent`)
  }
  if (isPlainObject(value)) return undefined
  const message = `${pathOf(step)} is an instance of the class ${className(value)}; records are plain data`
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

/** Only what may be refused, or holds something; the first comes to lie on top. */
function pushChildren(value: object, parent: Step, steps: Step[]): void {
  const first = steps.length
  const push = (child: unknown, place: PlaceCode, key: unknown): void => {
    if (isSuspect(child)) steps.push({ value: child, depth: parent.depth + 1, parent, place, key, isOpen: false })
  }
  if (isDenseArray(value)) for (let index = 0; index < value.length; index++) push(value[index], Place.index, index)
  else if (types.isMap(value)) {
    let index = 0
    for (const [key, item] of Map.prototype.entries.call(value)) {
      push(key, Place.mapKey, index++)
      push(item, Place.mapValue, key)
    }
  } else if (types.isSet(value)) {
    let index = 0
    for (const item of Set.prototype.values.call(value)) push(item, Place.setValue, index++)
  } else if (types.isNativeError(value)) {
    const cause = Object.getOwnPropertyDescriptor(value, 'cause')
    if (cause !== undefined && 'value' in cause) push(cause.value, Place.cause, undefined)
  } else if (Array.isArray(value) || isPlainObject(value)) {
    const isArray = Array.isArray(value)
    for (const name of Object.keys(value))
      push((value as Record<string, unknown>)[name], isArray && /^\d+$/.test(name) ? Place.index : Place.field, name)
  }
  reverse(steps, first)
}

function reverse(steps: Step[], first: number): void {
  for (let low = first, high = steps.length - 1; low < high; low++, high--) {
    const step = steps[low] as Step
    steps[low] = steps[high] as Step
    steps[high] = step
  }
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
