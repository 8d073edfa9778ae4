/**
 * Tokens as a clock: how many a rate has given since the start. Where the rate changes, what was given before stays given; so whoever remembers a
 * reading knows later what came since, whatever the rate was meanwhile.
 */

/** Less than that is missing to a whole token: it counts as whole, and is owed. Fractions do not add up exactly. */
export const TOKEN_TOLERANCE = 1e-6

export class TokenClock {
  #given = 0
  #perMs: number
  #atMs: number

  constructor(perMs: number, nowMs: number) {
    this.#perMs = perMs
    this.#atMs = nowMs
  }

  get perMs(): number {
    return this.#perMs
  }

  /** Tokens given up to now. A clock that was set back gives nothing until it goes on. */
  read(nowMs: number): number {
    const elapsedMs = nowMs - this.#atMs
    this.#atMs = nowMs
    if (elapsedMs > 0) this.#given += elapsedMs * this.#perMs
    return this.#given
  }

  /** The same, without moving the clock. */
  peek(nowMs: number): number {
    const elapsedMs = nowMs - this.#atMs
    return elapsedMs > 0 ? this.#given + elapsedMs * this.#perMs : this.#given
  }

  setRate(perMs: number, nowMs: number): void {
    this.read(nowMs)
    this.#perMs = perMs
  }

  /** From the last reading until so many have been given; Infinity: never at this rate. */
  msUntil(given: number): number {
    if (given <= this.#given) return 0
    return this.#perMs > 0 ? (given - this.#given) / this.#perMs : Number.POSITIVE_INFINITY
  }
}
