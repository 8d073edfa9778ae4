/**
 * Keys of one or two 32-bit integers to slots 0, 1, 2, ...: open addressing in typed arrays, as somebody would write who counts by integer
 * keys and knows nothing else of them. What belongs to a slot lies in arrays of the loop.
 */
const CAPACITY_START = 1024
const GOLDEN = 0x9e3779b1
const MIX = 0x85ebca6b

export class IntTable {
  size = 0
  #keys = new Int32Array(CAPACITY_START)
  /** Slot + 1; 0 where there is none. */
  #slots = new Int32Array(CAPACITY_START)
  #shift = 32 - Math.log2(CAPACITY_START)

  /** The slot of a key; a new one, the current `size`, where it has none. */
  slotOf(key: number): number {
    const slots = this.#slots
    const keys = this.#keys
    const mask = slots.length - 1
    let at = Math.imul(key, GOLDEN) >>> this.#shift
    for (;;) {
      const slot = slots[at] as number
      if (slot === 0) break
      if (keys[at] === key) return slot - 1
      at = (at + 1) & mask
    }
    keys[at] = key
    slots[at] = ++this.size
    if (2 * this.size > slots.length) this.#grow()
    return this.size - 1
  }

  /** The slot of a key, -1 where it has none. */
  find(key: number): number {
    const slots = this.#slots
    const mask = slots.length - 1
    for (let at = Math.imul(key, GOLDEN) >>> this.#shift; slots[at] !== 0; at = (at + 1) & mask) {
      if (this.#keys[at] === key) return (slots[at] as number) - 1
    }
    return -1
  }

  /** Keys by slot. */
  keys(): Int32Array {
    const bySlot = new Int32Array(this.size)
    for (let at = 0; at < this.#slots.length; at++) {
      const slot = this.#slots[at] as number
      if (slot !== 0) bySlot[slot - 1] = this.#keys[at] as number
    }
    return bySlot
  }

  #grow(): void {
    const keys = this.#keys
    const slots = this.#slots
    const mask = 2 * slots.length - 1
    this.#shift--
    this.#keys = new Int32Array(mask + 1)
    this.#slots = new Int32Array(mask + 1)
    for (let old = 0; old < slots.length; old++) {
      const slot = slots[old] as number
      if (slot === 0) continue
      const key = keys[old] as number
      let at = Math.imul(key, GOLDEN) >>> this.#shift
      while (this.#slots[at] !== 0) at = (at + 1) & mask
      this.#keys[at] = key
      this.#slots[at] = slot
    }
  }
}

/** The same for keys of two integers. */
export class PairTable {
  size = 0
  #keys = new Int32Array(2 * CAPACITY_START)
  #slots = new Int32Array(CAPACITY_START)

  slotOf(left: number, right: number): number {
    const slots = this.#slots
    const keys = this.#keys
    const mask = slots.length - 1
    let at = hashPair(left, right) & mask
    for (;;) {
      const slot = slots[at] as number
      if (slot === 0) break
      if (keys[2 * at] === left && keys[2 * at + 1] === right) return slot - 1
      at = (at + 1) & mask
    }
    keys[2 * at] = left
    keys[2 * at + 1] = right
    slots[at] = ++this.size
    if (2 * this.size > slots.length) this.#grow()
    return this.size - 1
  }

  #grow(): void {
    const keys = this.#keys
    const slots = this.#slots
    const mask = 2 * slots.length - 1
    this.#keys = new Int32Array(2 * (mask + 1))
    this.#slots = new Int32Array(mask + 1)
    for (let old = 0; old < slots.length; old++) {
      const slot = slots[old] as number
      if (slot === 0) continue
      const left = keys[2 * old] as number
      const right = keys[2 * old + 1] as number
      let at = hashPair(left, right) & mask
      while (this.#slots[at] !== 0) at = (at + 1) & mask
      this.#keys[2 * at] = left
      this.#keys[2 * at + 1] = right
      this.#slots[at] = slot
    }
  }
}

function hashPair(left: number, right: number): number {
  let hash = Math.imul(left, GOLDEN) ^ Math.imul(right, MIX)
  hash ^= hash >>> 15
  hash = Math.imul(hash, GOLDEN)
  return hash ^ (hash >>> 13)
}
