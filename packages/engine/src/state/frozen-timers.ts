/** The timers of a queue as they were at a moment: copies of its arrays, written bit by bit. Their keys are those of the rows, which are frozen too. */

/** Takes timers at once; must not fail. */
export interface TimerSink {
  timer(slot: number, group: number, time: number, namespace: number, sequence: number): void
}

const BATCH_MAX = 64

export class FrozenTimers {
  readonly #sink: TimerSink
  readonly #sequences: number
  readonly #times: Float64Array
  readonly #ids: Int32Array
  readonly #slots: Int32Array
  readonly #ranks: Float64Array
  readonly #namespaces: Float64Array | undefined
  #next = 0

  /** Times and ids by position in the heap; the rest by id. A rank is the key group times `sequences`, and the number of the registration. */
  constructor(
    sink: TimerSink,
    sequences: number,
    times: Float64Array,
    ids: Int32Array,
    slots: Int32Array,
    ranks: Float64Array,
    namespaces: Float64Array | undefined,
  ) {
    this.#sink = sink
    this.#sequences = sequences
    this.#times = times
    this.#ids = ids
    this.#slots = slots
    this.#ranks = ranks
    this.#namespaces = namespaces
  }

  get size(): number {
    return this.#ids.length
  }

  /** Writes some timers; false where none is left. */
  step(): boolean {
    const end = Math.min(this.#ids.length, this.#next + BATCH_MAX)
    for (let position = this.#next; position < end; position++) {
      const id = this.#ids[position] as number
      const rank = this.#ranks[id] as number
      const group = Math.floor(rank / this.#sequences)
      const namespace = this.#namespaces === undefined ? 0 : (this.#namespaces[id] as number)
      this.#sink.timer(this.#slots[id] as number, group, this.#times[position] as number, namespace, rank - group * this.#sequences)
    }
    this.#next = end
    return end < this.#ids.length
  }
}
