/** The one source of chance of a simulation (mulberry32): a seed is a run. Never shared between what must not disturb each other: `fork` it. */
export class SeededRandom {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 to `below - 1`. */
  below(below: number): number {
    return Math.floor(this.next() * below)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T
  }

  /** Evenly over orders of magnitude. */
  logUniform(from: number, to: number): number {
    return from * (to / from) ** this.next()
  }

  /** Another stream of numbers that follows from the seed. */
  fork(): SeededRandom {
    return new SeededRandom(this.below(2 ** 32))
  }
}
