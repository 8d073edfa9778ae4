/** Sizes of records without encoding every one: one of several is measured, the others count as much as the mean of those. Each that is measured counts as what it is. */

/** So many are measured before any is estimated. */
const MEASURED_FIRST = 32
/** What one measured record changes the mean by. */
const WEIGHT = 1 / 16

export class RecordSizes {
  readonly #sizeOf: (record: unknown) => number
  readonly #every: number
  #mean = 0
  #seen = 0

  /** @param every one of so many records is measured; 1: all of them */
  constructor(sizeOf: (record: unknown) => number, every: number) {
    this.#sizeOf = sizeOf
    this.#every = every
  }

  of(record: unknown): number {
    const seen = this.#seen++
    if (seen >= MEASURED_FIRST && seen % this.#every !== 0) return Math.round(this.#mean)
    const bytes = this.#sizeOf(record)
    this.#mean += (bytes - this.#mean) * Math.max(WEIGHT, 1 / (seen + 1))
    return bytes
  }
}
