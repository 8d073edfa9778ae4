/**
 * 64 bits of a key, for sketches that count different values: with 32 bits the hundred million would come out one percent short. The high
 * and the low word are the murmur3-32 of `encodeKey(key)` with two seeds. Sketches are state: frozen by test vectors.
 */
import { encodeKey } from './encode-key.js'
import { explainKey } from './explain-key.js'
import { COUNT_MAX, KeyKind } from './key-format.js'
import { finishHash, mixWord, murmur3 } from './murmur3.js'

/** Other than the seed that decides the key group: a subtask sees only some of those hashes. */
const SEED_HIGH = 0x2545f491
const SEED_LOW = 0x6c62272e

const double = new Float64Array(1)
const doubleWords = new Int32Array(double.buffer)

/**
 * Writes the high and the low word of the hash of a key into `out`.
 * @throws SluiceError `SLUICE_KEY_INVALID`.
 */
export function hashKey64(key: unknown, out: Int32Array): void {
  if (typeof key === 'number') {
    if (key !== key) throw explainKey(key)
    // Adding 0 turns -0 into 0.
    double[0] = key + 0
    const first = doubleWords[0] as number
    const second = doubleWords[1] as number
    out[0] = finishHash(mixWord(mixWord(mixWord(SEED_HIGH, KeyKind.number), first), second), 12)
    out[1] = finishHash(mixWord(mixWord(mixWord(SEED_LOW, KeyKind.number), first), second), 12)
  } else if (typeof key === 'string' && key.length <= COUNT_MAX) hashString(key, out)
  else {
    const bytes = encodeKey(key)
    out[0] = murmur3(bytes, SEED_HIGH)
    out[1] = murmur3(bytes, SEED_LOW)
  }
}

function hashString(text: string, out: Int32Array): void {
  const { length } = text
  const head = KeyKind.string | (length << 8)
  let high = mixWord(SEED_HIGH, head)
  let low = mixWord(SEED_LOW, head)
  for (let index = 0; index < length; index += 2) {
    const word = text.charCodeAt(index) | (index + 1 < length ? text.charCodeAt(index + 1) << 16 : 0)
    high = mixWord(high, word)
    low = mixWord(low, word)
  }
  const byteLength = 4 + ((2 * length + 3) & ~3)
  out[0] = finishHash(high, byteLength)
  out[1] = finishHash(low, byteLength)
}
