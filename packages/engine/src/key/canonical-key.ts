/** Keys as what a Map takes: equal keys become the same primitive, different keys different ones. */
import { encodeKeyAsText } from './encode-key.js'
import { explainKey } from './explain-key.js'

/**
 * Primitives are their own canonical key (-0 is 0); Dates, tuples and objects become a string that begins with U+0000, and so do strings that begin with it
 * themselves, which keeps the two apart.
 * @throws SluiceError `SLUICE_KEY_INVALID`.
 */
export function canonicalKey(key: unknown): string | number | bigint | boolean | null {
  switch (typeof key) {
    case 'string':
      return key.charCodeAt(0) === 0 ? `\0s${key}` : key
    case 'number':
      if (Number.isNaN(key)) throw explainKey(key)
      return key + 0
    case 'bigint':
    case 'boolean':
      return key
    default:
      if (key === null) return null
      return `\0k${encodeKeyAsText(key)}`
  }
}
