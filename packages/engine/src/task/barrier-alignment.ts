/**
 * Which inputs of a subtask have delivered the barrier of the checkpoint that is being aligned. An input that has is refused until all have,
 * where records are aligned. Of two checkpoints the newer one counts.
 */
export class BarrierAlignment {
  /** The checkpoint, 0: none. */
  id = 0
  /** When its first barrier arrived (monotonic ms). */
  sinceMs: number = Number.NaN
  /** By input: 1 where nothing is read until the barrier has arrived on all inputs. */
  readonly refused: Uint8Array
  /** Some input is refused. */
  refuses = false
  readonly #arrived: Uint8Array

  constructor(inputs: number) {
    this.refused = new Uint8Array(inputs)
    this.#arrived = new Uint8Array(inputs)
  }

  /** A barrier has arrived on an input; one that is lower than that of the checkpoint at hand is ignored. */
  arrive(input: number, id: number, nowMs: number, refuses: boolean): void {
    if (id < this.id) return
    if (id > this.id) {
      this.release()
      this.id = id
      this.sinceMs = nowMs
    }
    this.#arrived[input] = 1
    if (!refuses) return
    this.refused[input] = 1
    this.refuses = true
  }

  hasArrived(input: number, id: number): boolean {
    return this.id === id && this.#arrived[input] === 1
  }

  /** Everything is read again. */
  release(): void {
    this.id = 0
    this.sinceMs = Number.NaN
    this.refuses = false
    this.refused.fill(0)
    this.#arrived.fill(0)
  }
}
