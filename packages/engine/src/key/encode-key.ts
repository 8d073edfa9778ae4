/** Keys to bytes, in the format of `key-format.ts`. Anything that is no plain, comparable data is refused with `SLUICE_KEY_INVALID`. */
import { isDate } from 'node:util/types'
import { SluiceError } from '../errors/sluice-error.js'
import { COUNT_MAX, KEY_DEPTH_MAX, KeyKind } from './key-format.js'

/** One per thread: keys are encoded to the end without giving way to other code. */
let words = new Int32Array(64)
const double = new Float64Array(1)
const doubleWords = new Int32Array(double.buffer)

/**
 * The bytes of a key; equal keys have equal bytes. They are written into `out` where it is large enough.
 * @throws SluiceError `SLUICE_KEY_INVALID`.
 */
export function encodeKey(key: unknown, out?: Uint8Array): Uint8Array {
  const length = 4 * writeKey(key, 0, 'key', 0)
  const bytes = out !== undefined && out.length >= length ? out.subarray(0, length) : new Uint8Array(length)
  bytes.set(new Uint8Array(words.buffer, 0, length))
  return bytes
}

function put(at: number, word: number): number {
  if (at >= words.length) {
    const larger = new Int32Array(2 * at)
    larger.set(words)
    words = larger
  }
  words[at] = word
  return at + 1
}

/** Answers the end in words. */
function writeKey(key: unknown, at: number, path: string, depth: number): number {
  switch (typeof key) {
    case 'string':
      return writeString(key, at, path)
    case 'number':
      if (Number.isNaN(key)) throw invalid(`${path} is NaN, which equals nothing`)
      return writeDouble(KeyKind.number, key, at)
    case 'boolean':
      return put(at, key ? KeyKind.true : KeyKind.false)
    case 'bigint':
      return writeBigint(key, at, path)
    case 'object':
      return key === null ? put(at, KeyKind.null) : writeObject(key, at, path, depth)
    default:
      throw invalid(`${path} is ${key === undefined ? 'undefined' : `a ${typeof key}`}`)
  }
}

export function invalid(message: string): SluiceError {
  return new SluiceError('SLUICE_KEY_INVALID', message)
}

function head(kind: number, count: number, path: string): number {
  if (count > COUNT_MAX) throw invalid(`${path} is too large for a key: ${count} is above ${COUNT_MAX}`)
  return kind | (count << 8)
}

function writeDouble(kind: number, value: number, start: number): number {
  double[0] = value + 0
  const at = put(start, kind)
  return put(put(at, doubleWords[0] as number), doubleWords[1] as number)
}

function writeString(text: string, start: number, path: string): number {
  const length = text.length
  let at = put(start, head(KeyKind.string, length, path))
  for (let index = 0; index < length; index += 2) {
    const second = index + 1 < length ? text.charCodeAt(index + 1) : 0
    at = put(at, text.charCodeAt(index) | (second << 16))
  }
  return at
}

function writeBigint(value: bigint, start: number, path: string): number {
  const negative = value < 0n
  const digits = value === 0n ? '' : (negative ? -value : value).toString(16)
  const length = (digits.length + 1) >> 1
  let at = put(start, head(negative ? KeyKind.negativeBigint : KeyKind.bigint, length, path))
  for (let stop = digits.length; stop > 0; stop -= 8) at = put(at, Number.parseInt(digits.slice(Math.max(0, stop - 8), stop), 16) | 0)
  return at
}

function writeObject(key: object, start: number, path: string, depth: number): number {
  if (depth >= KEY_DEPTH_MAX) throw invalid(`A key refers to itself or is nested deeper than ${KEY_DEPTH_MAX} levels`)
  if (Array.isArray(key)) {
    let at = put(start, head(KeyKind.array, key.length, path))
    for (let index = 0; index < key.length; index++) at = writeKey(key[index], at, `${path}[${index}]`, depth + 1)
    return at
  }
  if (isDate(key)) {
    const time = key.getTime()
    if (Number.isNaN(time)) throw invalid(`${path} is an invalid Date`)
    return writeDouble(KeyKind.date, time, start)
  }
  if (!isPlain(key)) throw invalid(`${path} is an instance of the class ${key.constructor?.name ?? '(anonymous)'}`)
  const names = Object.keys(key).sort()
  let at = put(start, head(KeyKind.object, names.length, path))
  for (const name of names) {
    at = writeString(name, at, path)
    at = writeKey((key as Record<string, unknown>)[name], at, `${path}.${name}`, depth + 1)
  }
  return at
}

/** Plain objects of other realms too: their prototype has no prototype and is the one that has `isPrototypeOf`. */
function isPlain(key: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(key)
  if (prototype === Object.prototype || prototype === null) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf')
}
