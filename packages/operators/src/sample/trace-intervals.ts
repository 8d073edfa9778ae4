/**
 * From when to when each trace lasts, by the slot of its row: added up as records come. When a trace is decided its records lie far apart in memory, and to read each of
 * them again costs more than all else that is decided. No state of its own: behind a restore it follows from the records.
 */
const CAPACITY_MIN = 16

export class TraceIntervals {
  readonly #intervalOf: (record: unknown) => readonly [start: number, end: number]
  #starts: Float64Array = new Float64Array(CAPACITY_MIN)
  #ends: Float64Array = new Float64Array(CAPACITY_MIN)

  constructor(intervalOf: (record: unknown) => readonly [start: number, end: number]) {
    this.#intervalOf = intervalOf
  }

  begin(slot: number): void {
    if (slot >= this.#starts.length) this.#grow(slot + 1)
    this.#starts[slot] = Number.POSITIVE_INFINITY
    this.#ends[slot] = Number.NEGATIVE_INFINITY
  }

  add(slot: number, record: unknown): void {
    const [start, end] = this.#intervalOf(record)
    if (start < (this.#starts[slot] as number)) this.#starts[slot] = start
    if (end > (this.#ends[slot] as number)) this.#ends[slot] = end
  }

  lengthOf(slot: number): number {
    return (this.#ends[slot] as number) - (this.#starts[slot] as number)
  }

  #grow(slots: number): void {
    let capacity = this.#starts.length
    while (capacity < slots) capacity *= 2
    const starts = new Float64Array(capacity)
    starts.set(this.#starts)
    this.#starts = starts
    const ends = new Float64Array(capacity)
    ends.set(this.#ends)
    this.#ends = ends
  }
}
