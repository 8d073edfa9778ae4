/**
 * The generator of java.util.Random: 48 bits of state, held in two limbs of 24, whose products stay exact in doubles (a BigInt would be far
 * slower). One instance is seeded anew for every event.
 */
const MULTIPLIER_HIGH = 0x5de
const MULTIPLIER_LOW = 0xece66d
const INCREMENT = 0xb
const LIMB = 0x1000000
const LIMB_MASK = 0xffffff

export class JavaRandom {
  #high = 0
  #low = 0

  /** @param seed an integer from 0 to 2^48 - 1 */
  seed(seed: number): this {
    this.#high = (Math.floor(seed / LIMB) & LIMB_MASK) ^ MULTIPLIER_HIGH
    this.#low = (seed % LIMB) ^ MULTIPLIER_LOW
    return this
  }

  #step(): void {
    const low = this.#low * MULTIPLIER_LOW + INCREMENT
    const carry = Math.floor(low / LIMB)
    this.#high = (this.#high * MULTIPLIER_LOW + this.#low * MULTIPLIER_HIGH + carry) % LIMB
    this.#low = low % LIMB
  }

  /** 0 to bound - 1. */
  int(bound: number): number {
    if ((bound & (bound - 1)) === 0) return Math.floor((bound * this.#next31()) / 0x80000000)
    for (;;) {
      const drawn = this.#next31()
      const result = drawn % bound
      if (drawn - result + bound - 1 < 0x80000000) return result
    }
  }

  /** All 32 bits, signed. */
  int32(): number {
    this.#step()
    return (this.#high << 8) | (this.#low >>> 16) | 0
  }

  /** From 0 to 1, exclusive, with 53 bits. */
  double(): number {
    this.#step()
    const upper = this.#high * 4 + (this.#low >>> 22)
    this.#step()
    const lower = this.#high * 8 + (this.#low >>> 21)
    return (upper * 0x8000000 + lower) / 2 ** 53
  }

  #next31(): number {
    this.#step()
    return this.#high * 128 + (this.#low >>> 17)
  }
}

const GAMMA = 0x9e3779b97f4a7c15n
const MIX_1 = 0xbf58476d1ce4e5b9n
const MIX_2 = 0x94d049bb133111ebn

/**
 * The 48 low bits of SplitMix64 of an id: consecutive seeds of java.util.Random give first draws that are alike for thousands of events.
 */
export function mixedSeed(id: number): number {
  let mixed = BigInt.asUintN(64, BigInt(id) + GAMMA)
  mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 30n)) * MIX_1)
  mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * MIX_2)
  return Number(BigInt.asUintN(48, mixed ^ (mixed >> 31n)))
}
