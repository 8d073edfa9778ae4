/** The sink of throughput figures: sums what a kind measures of each record and counts it. */
import { CHECK_MASK, type Meter } from '../harness/meter.js'

export interface Totals {
  sum: number
}

/** A number that is no small integer from the start keeps its field a double. */
const SUM_START = 0.5

export function summingSink<T>(measure: (record: T) => number, meter: Meter): (record: T) => void {
  const totals: Totals = { sum: SUM_START }
  return (record) => {
    totals.sum += measure(record)
    if ((++meter.count & CHECK_MASK) === 0) {
      meter.check()
      if (Number.isNaN(totals.sum)) throw new Error('a record was lost on the way: its sum is not a number')
    }
  }
}
