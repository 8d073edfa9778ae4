/**
 * Open-loop latency: how long after it was due a record reaches the sink, whether or not the source kept up.
 *
 * Record i of a source with a rate is due i / rate after the start of the source. The start is not told by the engine; it is the least of
 * (made at - i / rate) over all records, because a source makes no record before it is due and some record at once. So time lost in the
 * source (a late timer) counts, and so does every record that had to wait behind a slow one.
 */
import { sharedClock } from '../harness/shared-clock.js'

export interface DueRecord {
  readonly index: number
  readonly madeAtMs: number
}

export interface LatencyBoard {
  /** Float64: when each record arrived; then when each was made. */
  readonly times: SharedArrayBuffer
  readonly count: number
}

const BYTES = Float64Array.BYTES_PER_ELEMENT

export function createLatencyBoard(count: number): LatencyBoard {
  return { times: new SharedArrayBuffer(2 * count * BYTES), count }
}

export function dueRecords(): (index: number) => DueRecord {
  const clock = sharedClock()
  return (index) => ({ index, madeAtMs: clock() })
}

export function noteArrival({ times, count }: LatencyBoard): (record: DueRecord) => void {
  const clock = sharedClock()
  const words = new Float64Array(times)
  return ({ index, madeAtMs }) => {
    words[index] = clock()
    words[count + index] = madeAtMs
  }
}

export interface Latencies {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  /** From made to arrived, without what the source was late: 50 % and 99 %. */
  readonly handOverP50: number
  readonly handOverP99: number
}

/** In us; the first `warm` records are left out. */
export function latencies({ times, count }: LatencyBoard, ratePerSecond: number, warm: number): Latencies {
  const words = new Float64Array(times)
  const periodMs = 1000 / ratePerSecond
  let startMs = Number.POSITIVE_INFINITY
  for (let index = 0; index < count; index++) startMs = Math.min(startMs, (words[count + index] as number) - index * periodMs)
  const fromDue = new Float64Array(count - warm)
  const fromMade = new Float64Array(count - warm)
  for (let index = warm; index < count; index++) {
    const arrivedMs = words[index] as number
    if (arrivedMs === 0) throw new Error(`record ${index} did not arrive`)
    fromDue[index - warm] = (arrivedMs - startMs - index * periodMs) * 1000
    fromMade[index - warm] = (arrivedMs - (words[count + index] as number)) * 1000
  }
  fromDue.sort()
  fromMade.sort()
  const at = (values: Float64Array, share: number): number =>
    values[Math.min(values.length - 1, Math.floor(values.length * share))] as number
  return {
    p50: at(fromDue, 0.5),
    p99: at(fromDue, 0.99),
    p999: at(fromDue, 0.999),
    handOverP50: at(fromMade, 0.5),
    handOverP99: at(fromMade, 0.99),
  }
}
