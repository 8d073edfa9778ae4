/** MurmurHash3 x86_32 by Austin Appleby (public domain): the hash that decides which key group a key belongs to, and so where its state lives. */

const C1 = 0xcc9e2d51
const C2 = 0x1b873593

/** Mixes one word of four bytes into the hash. */
export function mixWord(hash: number, word: number): number {
  let k = Math.imul(word, C1)
  k = (k << 15) | (k >>> 17)
  const mixed = hash ^ Math.imul(k, C2)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

/** Ends the hash of `byteLength` bytes. */
export function finishHash(hash: number, byteLength: number): number {
  let h = hash ^ byteLength
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** The hash of `bytes` as a signed 32-bit integer. */
export function murmur3(bytes: Uint8Array, seed: number): number {
  const length = bytes.length
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  const blocksEnd = length & ~3
  let hash = seed | 0
  for (let at = 0; at < blocksEnd; at += 4) hash = mixWord(hash, view.getInt32(at, true))
  let tail = 0
  for (let at = length - 1; at >= blocksEnd; at--) tail = (tail << 8) | view.getUint8(at)
  if (blocksEnd < length) {
    const k = Math.imul(tail, C1)
    hash ^= Math.imul((k << 15) | (k >>> 17), C2)
  }
  return finishHash(hash, length)
}
