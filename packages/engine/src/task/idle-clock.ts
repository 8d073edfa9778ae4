/**
 * How long a `timestamps` operator has been without a record although its input was asked for one. The subtask looks in every step,
 * when it has taken what was there; time counts where one look after the other finds nothing. So the clock stands still while the subtask
 * is backpressured, aligned, busy or has records left, and a process that was paused counts for one look at most.
 */

/** What a look found. `filtered`: records came, and none of them got as far as the operator. */
export const Silence = { none: 0, filtered: 1, empty: 2 } as const
export type SilenceCode = (typeof Silence)[keyof typeof Silence]

/** So many looks at least make an input idle; the event loop turns between two of them, so that what has arrived is seen. */
const LOOKS_MIN = 4
/** A step over records that are filtered out takes about a millisecond; what takes much longer is work in one call. */
const FILTERED_MS_MAX = 100
/** Sums of times are this exact: what is due at a time is due although the sum falls just short of it. */
const DUE_TOLERANCE_MS = 1e-6

export class IdleClock {
  idle = false
  readonly #afterMs: number
  #silentMs = 0
  /** The last look and what it found; NaN: the clock stands still. */
  #lookedMs: number = Number.NaN
  #found: SilenceCode = Silence.none

  /** @param afterMs Infinity: never idle. */
  constructor(afterMs: number) {
    this.#afterMs = afterMs
  }

  /** A record came: from here on the next one is awaited. */
  reset(): void {
    this.idle = false
    this.#silentMs = 0
    this.#lookedMs = Number.NaN
  }

  /** A look at the end of a step that began at `startMs`; true where the input has become idle with it. */
  look(startMs: number, nowMs: number, found: SilenceCode): boolean {
    if (this.idle || this.#afterMs === Number.POSITIVE_INFINITY) return false
    const sinceMs = this.#lookedMs
    const before = this.#found
    this.#lookedMs = found === Silence.none ? Number.NaN : nowMs
    this.#found = found
    if (found === Silence.none || Number.isNaN(sinceMs)) return false
    this.#silentMs += this.#counted(startMs - sinceMs, before) + this.#counted(nowMs - startMs, found)
    this.idle = this.#silentMs >= this.#afterMs - DUE_TOLERANCE_MS
    return this.idle
  }

  /** When the next look is due (monotonic ms); Infinity: the clock stands still. */
  get deadlineMs(): number {
    if (this.idle || Number.isNaN(this.#lookedMs)) return Number.POSITIVE_INFINITY
    return this.#lookedMs + Math.min(this.#afterMs - this.#silentMs, this.#afterMs / LOOKS_MIN)
  }

  #counted(elapsedMs: number, found: SilenceCode): number {
    const mostMs = this.#afterMs / LOOKS_MIN
    return Math.max(0, Math.min(elapsedMs, found === Silence.filtered ? Math.min(FILTERED_MS_MAX, mostMs) : mostMs))
  }
}
