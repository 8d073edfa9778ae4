/** Keys to bytes, in the format of `key-format.ts`. Anything that is no plain, comparable data is refused with `SLUICE_KEY_INVALID`. */
import { Buffer } from 'node:buffer'
import { isDate } from 'node:util/types'
import { explainKey } from './explain-key.js'
import { finishHash, mixWord } from './murmur3.js'
import { COUNT_MAX, isPlain, KEY_DEPTH_MAX, KeyKind } from './key-format.js'

/** Where a writer stands that met something that cannot be a key. */
const INVALID = -1

/** One per thread: keys are encoded to the end without giving way to other code. */
let words = new Int32Array(64)
let wordBytes = Buffer.from(words.buffer)
const double = new Float64Array(1)
const doubleWords = new Int32Array(double.buffer)

/**
 * The bytes of a key; equal keys have equal bytes. They are written into `out` where it is large enough.
 * @throws SluiceError `SLUICE_KEY_INVALID`.
 */
export function encodeKey(key: unknown, out?: Uint8Array): Uint8Array {
  const length = 4 * writeWords(key)
  const bytes = out !== undefined && out.length >= length ? out.subarray(0, length) : new Uint8Array(length)
  bytes.set(wordBytes.subarray(0, length))
  return bytes
}

/** Encodes a key into the words of this thread, which the next key overwrites; answers how many there are. Fails as `encodeKey` does. */
export function encodeToWords(key: unknown): number {
  return writeWords(key)
}

/** What `encodeToWords` wrote last. */
export function encodedWords(): Int32Array {
  return words
}

/** The murmur3-32 of the bytes of a key with seed 0, without making the bytes. */
export function hashEncodedKey(key: unknown): number {
  const end = writeWords(key)
  let hash = 0
  for (let at = 0; at < end; at++) hash = mixWord(hash, words[at] as number)
  return finishHash(hash, 4 * end)
}

/** The bytes of a key, two to a character. */
export function encodeKeyAsText(key: unknown): string {
  const end = writeWords(key)
  return wordBytes.toString('utf16le', 0, 4 * end)
}

function writeWords(key: unknown): number {
  const end = writeKey(key, 0, 0)
  if (end === INVALID) throw explainKey(key)
  return end
}

function put(at: number, word: number): number {
  if (at >= words.length) {
    const larger = new Int32Array(2 * at)
    larger.set(words)
    words = larger
    wordBytes = Buffer.from(words.buffer)
  }
  words[at] = word
  return at + 1
}

/** Answers the end in words, or `INVALID`. */
function writeKey(key: unknown, at: number, depth: number): number {
  switch (typeof key) {
    case 'string':
      return writeString(key, at)
    case 'number':
      return Number.isNaN(key) ? INVALID : writeDouble(KeyKind.number, key, at)
    case 'boolean':
      return put(at, key ? KeyKind.true : KeyKind.false)
    case 'bigint':
      return writeBigint(key, at)
    case 'object':
      return key === null ? put(at, KeyKind.null) : writeObject(key, at, depth)
    default:
      return INVALID
  }
}

function writeDouble(kind: number, value: number, start: number): number {
  // Adding 0 turns -0 into 0.
  double[0] = value + 0
  const at = put(start, kind)
  return put(put(at, doubleWords[0] as number), doubleWords[1] as number)
}

function writeString(text: string, start: number): number {
  const length = text.length
  if (length > COUNT_MAX) return INVALID
  let at = put(start, KeyKind.string | (length << 8))
  for (let index = 0; index < length; index += 2) {
    const second = index + 1 < length ? text.charCodeAt(index + 1) : 0
    at = put(at, text.charCodeAt(index) | (second << 16))
  }
  return at
}

function writeBigint(value: bigint, start: number): number {
  const negative = value < 0n
  const digits = value === 0n ? '' : (negative ? -value : value).toString(16)
  const length = (digits.length + 1) >> 1
  if (length > COUNT_MAX) return INVALID
  let at = put(start, (negative ? KeyKind.negativeBigint : KeyKind.bigint) | (length << 8))
  for (let stop = digits.length; stop > 0; stop -= 8) at = put(at, Number.parseInt(digits.slice(Math.max(0, stop - 8), stop), 16) | 0)
  return at
}

function writeObject(key: object, start: number, depth: number): number {
  if (depth >= KEY_DEPTH_MAX) return INVALID
  if (Array.isArray(key)) return writeArray(key, start, depth)
  if (Object.getPrototypeOf(key) !== Object.prototype) {
    if (isDate(key)) return Number.isNaN(key.getTime()) ? INVALID : writeDouble(KeyKind.date, key.getTime(), start)
    if (!isPlain(key)) return INVALID
  }
  const names = Object.keys(key).sort()
  if (names.length > COUNT_MAX) return INVALID
  let at = put(start, KeyKind.object | (names.length << 8))
  for (const name of names) {
    at = writeString(name, at)
    if (at !== INVALID) at = writeKey((key as Record<string, unknown>)[name], at, depth + 1)
    if (at === INVALID) return INVALID
  }
  return at
}

function writeArray(key: readonly unknown[], start: number, depth: number): number {
  if (key.length > COUNT_MAX) return INVALID
  let at = put(start, KeyKind.array | (key.length << 8))
  for (let index = 0; index < key.length; index++) {
    at = writeKey(key[index], at, depth + 1)
    if (at === INVALID) return INVALID
  }
  return at
}
