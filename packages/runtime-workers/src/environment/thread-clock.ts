/**
 * Time of a real thread. `performance.now()` counts from the start of its own thread, so each thread adds a constant that
 * leads back to the monotonic clock of the whole system: stamps of different threads compare, and nothing is handed over.
 */
import type { Clock } from '@sluice/engine'

const NANOSECONDS_PER_MS = 1e6
const SAMPLES = 8

export class ThreadClock implements Clock {
  readonly #offsetMs: number

  constructor() {
    this.#offsetMs = measureOffsetMs()
  }

  nowMs(): number {
    return Date.now()
  }

  monotonicMs(): number {
    return performance.now() + this.#offsetMs
  }
}

/** The smallest of several readings: one that was not interrupted between its two clocks. */
function measureOffsetMs(): number {
  let offset = Number.POSITIVE_INFINITY
  for (let sample = 0; sample < SAMPLES; sample++) {
    const local = performance.now()
    const system = Number(process.hrtime.bigint()) / NANOSECONDS_PER_MS
    offset = Math.min(offset, system - local)
  }
  return offset
}
