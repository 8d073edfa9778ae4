/**
 * Watermark alignment: a source that is ahead of the slowest of its group by more than the drift takes nothing until the others have
 * caught up. Every source of the group writes where it stands to a shared word of its own and reads those of the others; there are no messages.
 */
import { type MetricLayout, SubtaskWord } from '../metrics/metric-layout.js'

/** After how long a source that waits looks again although nothing wakes it, in ms. */
export const ALIGNMENT_CHECK_MS = 50

export class Alignment {
  readonly #words: Float64Array
  readonly #own: number
  readonly #others: readonly number[]
  readonly #maxDriftMs: number

  /** `peers`: ids of the other subtasks of the group. */
  constructor(words: Float64Array, layout: MetricLayout, subtask: number, peers: readonly number[], maxDriftMs: number) {
    this.#words = words
    this.#own = layout.subtaskAt(subtask)
    this.#others = peers.map((peer) => layout.subtaskAt(peer))
    this.#maxDriftMs = maxDriftMs
  }

  /** Where this source stands; Infinity: nobody shall wait for it. */
  publish(watermark: number): void {
    this.#words[this.#own + SubtaskWord.sourceWatermark] = watermark
  }

  /** Whether this source has to wait. */
  get ahead(): boolean {
    const words = this.#words
    const limit = (words[this.#own + SubtaskWord.sourceWatermark] as number) - this.#maxDriftMs
    // Infinity is no place: this one is idle.
    if (limit === Number.POSITIVE_INFINITY) return false
    for (const at of this.#others) {
      // Words of a source that has not begun are 0, which would be the year 1970.
      const begun = words[at + SubtaskWord.stateSinceMs] !== 0
      if (limit > (begun ? (words[at + SubtaskWord.sourceWatermark] as number) : Number.NEGATIVE_INFINITY)) return true
    }
    return false
  }
}
