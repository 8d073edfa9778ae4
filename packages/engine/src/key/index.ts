/** Keys: their encoding, hash, group and owner. */
export { canonicalKey } from './canonical-key.js'
export { encodeKey } from './encode-key.js'
export { hashKey, keyGroupOf, subtaskOf } from './hash-key.js'
export { hashKey64 } from './hash-key-64.js'
