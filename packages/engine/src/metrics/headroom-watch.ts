/**
 * The headroom of a job over its run: what it carried at most while every edge was `OK`, against the rate at which flow control starts. That rate is measured where
 * flow control did start: what the job carried in the last interval in which an edge was not `OK`. Where it has carried more since with every edge `OK`,
 * the measurement no longer holds, and the rate is estimated again. Control plane; the caller steps it with each report.
 */
import type { Headroom } from './headroom.js'
import type { IntervalReport } from './report-interval.js'

export class HeadroomWatch {
  #peak = 0
  /** What was estimated in the interval of the peak. */
  #estimateAtPeak: Headroom | undefined
  #measured: Headroom | undefined
  #finished = 0

  /** Of this interval, with what is known of those before; undefined where it says nothing: no records came, or sources ended. */
  look({ headroom, edges, subtasks }: IntervalReport): Headroom | undefined {
    const finished = subtasks.filter((subtask) => subtask.finished).length
    const ends = finished !== this.#finished
    this.#finished = finished
    if (headroom === undefined) return undefined
    const { recordsPerSecond } = headroom
    const held = headroom.headroom === 0 || edges.some(({ level }) => level !== 'OK')
    // What is carried while sources end, or have ended, says nothing about the load.
    if (ends || recordsPerSecond === 0) return undefined
    this.#learn(headroom, held)
    return this.#of(headroom, recordsPerSecond, held)
  }

  /** Of the whole run; `total`: as estimated over all of it, which stands where no interval told more. */
  whole(total: Headroom | undefined): Headroom | undefined {
    if (total === undefined) return undefined
    if (this.#measured === undefined && this.#estimateAtPeak === undefined) return total
    // Nothing but flow control was seen.
    const known = this.#estimateAtPeak ?? total
    return { ...this.#of(known, this.#peak, this.#peak === 0), recordsPerSecond: total.recordsPerSecond }
  }

  #learn(headroom: Headroom, held: boolean): void {
    const { recordsPerSecond } = headroom
    if (held) {
      // An edge that is no source's may be under pressure while no source is: what was carried counts all the same.
      this.#measured = headroom.how === 'measured' ? headroom : { ...headroom, recordsPerSecondMax: recordsPerSecond }
      return
    }
    if (recordsPerSecond > this.#peak) {
      this.#peak = recordsPerSecond
      this.#estimateAtPeak = headroom
    }
    if (recordsPerSecond > (this.#measured?.recordsPerSecondMax ?? Number.POSITIVE_INFINITY)) this.#measured = undefined
  }

  #of(known: Headroom, load: number, held: boolean): Headroom {
    const recordsPerSecondPeak = this.#peak
    const measured = this.#measured
    if (measured === undefined) {
      const recordsPerSecondMax = Math.max(known.recordsPerSecondMax, load)
      return { ...known, how: 'estimated', headroom: held ? 0 : gap(load, recordsPerSecondMax), recordsPerSecondPeak, recordsPerSecondMax }
    }
    const { limitedBy, recordsPerSecondMax } = measured
    return {
      ...known,
      how: 'measured',
      headroom: held ? 0 : gap(load, recordsPerSecondMax),
      limitedBy,
      recordsPerSecondPeak,
      recordsPerSecondMax,
    }
  }
}

function gap(load: number, max: number): number {
  return max > 0 ? Math.max(0, 1 - load / max) : 0
}
