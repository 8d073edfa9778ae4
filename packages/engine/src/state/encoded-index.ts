/**
 * Finds keys that are neither numbers nor strings (tuples, objects, Dates and the like) by their encoded words: open addressing over the
 * hash, and the words of all keys in one arena. Nothing is made per lookup.
 */
import { encodedWords, encodeToWords } from '../key/encode-key.js'
import { finishHash, mixWord } from '../key/murmur3.js'

const CAPACITY_MIN = 16
const ARENA_WORDS_MIN = 64

export class EncodedIndex {
  /** Slot + 1, 0: nothing. Twice as long as there are keys at least. */
  #index: Int32Array = new Int32Array(2 * CAPACITY_MIN)
  #count = 0
  // By slot of the table.
  #hashes: Int32Array = new Int32Array(CAPACITY_MIN)
  #offsets: Int32Array = new Int32Array(CAPACITY_MIN)
  /** Each key: its length, then its words. */
  #arena: Int32Array = new Int32Array(ARENA_WORDS_MIN)
  #arenaEnd = 0
  /** Places in the arena that were given up, by length. */
  readonly #free = new Map<number, number[]>()
  /** Of the last `find`: what `add` needs. */
  #length = 0
  #hash = 0
  #at = 0

  /** The slot of a key, -1 where it has none. Fails with `SLUICE_KEY_INVALID`. */
  find(key: unknown): number {
    const length = encodeToWords(key)
    const words = encodedWords()
    let hash = 0
    for (let at = 0; at < length; at++) hash = mixWord(hash, words[at] as number)
    hash = finishHash(hash, 4 * length)
    this.#length = length
    this.#hash = hash
    const index = this.#index
    const mask = index.length - 1
    let at = hash & mask
    for (; ; at = (at + 1) & mask) {
      const slot = (index[at] as number) - 1
      if (slot < 0) break
      if (this.#hashes[slot] === hash && this.#equals(this.#offsets[slot] as number, words, length)) {
        this.#at = at
        return slot
      }
    }
    this.#at = at
    return -1
  }

  /** Gives the key of the last `find`, which had no slot, this one. */
  add(slot: number): void {
    if (slot >= this.#hashes.length) this.#growSlots(slot)
    const length = this.#length
    const offset = this.#reserve(length + 1)
    const arena = this.#arena
    const words = encodedWords()
    arena[offset] = length
    for (let at = 0; at < length; at++) arena[offset + 1 + at] = words[at] as number
    this.#hashes[slot] = this.#hash
    this.#offsets[slot] = offset
    this.#index[this.#at] = slot + 1
    if (2 * ++this.#count > this.#index.length) this.#rebuild()
  }

  /** Forgets the key of a slot. */
  remove(slot: number): void {
    const index = this.#index
    const mask = index.length - 1
    let gap = (this.#hashes[slot] as number) & mask
    while (index[gap] !== slot + 1) gap = (gap + 1) & mask
    for (let at = (gap + 1) & mask; index[at] !== 0; at = (at + 1) & mask) {
      const home = (this.#hashes[(index[at] as number) - 1] as number) & mask
      if (((at - home) & mask) < ((at - gap) & mask)) continue
      index[gap] = index[at] as number
      gap = at
    }
    index[gap] = 0
    this.#count--
    const offset = this.#offsets[slot] as number
    const length = (this.#arena[offset] as number) + 1
    const free = this.#free.get(length)
    if (free === undefined) this.#free.set(length, [offset])
    else free.push(offset)
  }

  clear(): void {
    this.#index.fill(0)
    this.#count = 0
    this.#arenaEnd = 0
    this.#free.clear()
  }

  get bytes(): number {
    return this.#index.byteLength + this.#hashes.byteLength + this.#offsets.byteLength + this.#arena.byteLength
  }

  #equals(offset: number, words: Int32Array, length: number): boolean {
    const arena = this.#arena
    if (arena[offset] !== length) return false
    for (let at = 0; at < length; at++) if (arena[offset + 1 + at] !== words[at]) return false
    return true
  }

  #reserve(length: number): number {
    const offset = this.#free.get(length)?.pop()
    if (offset !== undefined) return offset
    const end = this.#arenaEnd + length
    if (end > this.#arena.length) {
      const larger = new Int32Array(Math.max(2 * this.#arena.length, end))
      larger.set(this.#arena)
      this.#arena = larger
    }
    this.#arenaEnd = end
    return end - length
  }

  #growSlots(slot: number): void {
    let capacity = this.#hashes.length
    while (capacity <= slot) capacity *= 2
    const hashes = new Int32Array(capacity)
    hashes.set(this.#hashes)
    this.#hashes = hashes
    const offsets = new Int32Array(capacity)
    offsets.set(this.#offsets)
    this.#offsets = offsets
  }

  #rebuild(): void {
    const old = this.#index
    const index = new Int32Array(2 * old.length)
    const mask = index.length - 1
    for (const entry of old) {
      if (entry === 0) continue
      let at = (this.#hashes[entry - 1] as number) & mask
      while (index[at] !== 0) at = (at + 1) & mask
      index[at] = entry
    }
    this.#index = index
  }
}
