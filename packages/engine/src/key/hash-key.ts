/**
 * From a key to its hash, its key group and the subtask that owns it. Numbers and strings are hashed without making bytes; the hash is that of the bytes in
 * every case.
 */
import { hashEncodedKey } from './encode-key.js'
import { explainKey } from './explain-key.js'
import { COUNT_MAX, KeyKind } from './key-format.js'
import { finishHash, mixWord } from './murmur3.js'

const double = new Float64Array(1)
const doubleWords = new Int32Array(double.buffer)

/**
 * The murmur3-32 of `encodeKey(key)` with seed 0, as a signed 32-bit integer (so that it is never boxed).
 * @throws SluiceError `SLUICE_KEY_INVALID`.
 */
export function hashKey(key: unknown): number {
  if (typeof key === 'number') {
    // Adding 0 turns -0 into 0.
    if (Number.isNaN(key)) throw explainKey(key)
    double[0] = key + 0
    return finishHash(mixWord(mixWord(mixWord(0, KeyKind.number), doubleWords[0] as number), doubleWords[1] as number), 12)
  }
  if (typeof key === 'string') return hashString(key)
  return hashEncodedKey(key)
}

function hashString(text: string): number {
  const length = text.length
  if (length > COUNT_MAX) return hashEncodedKey(text)
  let hash = mixWord(0, KeyKind.string | (length << 8))
  const pairsEnd = length & ~1
  for (let index = 0; index < pairsEnd; index += 2) hash = mixWord(hash, text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16))
  if (pairsEnd < length) hash = mixWord(hash, text.charCodeAt(pairsEnd))
  return finishHash(hash, 4 + ((2 * length + 3) & ~3))
}

/** The key group of a hash: the unsigned hash modulo the number of groups. */
export function keyGroupOf(hash: number, groups: number): number {
  return (hash >>> 0) % groups
}

/** The subtask that owns a key group. */
export function subtaskOf(group: number, parallelism: number, groups: number): number {
  return Math.floor((group * parallelism) / groups)
}
