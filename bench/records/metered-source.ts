/** A source that counts what it makes: where results come only at the end, the pace of the source is the pace of the job. */
import { CHECK_MASK, Meter, type Span } from '../harness/meter.js'

export interface MeteredBoard {
  readonly board: SharedArrayBuffer
  /** One Int32: slots of the board that are taken. */
  readonly taken: SharedArrayBuffer
  readonly span: Span
}

/** Takes a slot of the board when the first records are made, in whichever thread that is. */
export function meteredSource<T>(make: (index: number) => T, { board, taken, span }: MeteredBoard): (index: number) => T {
  const own: { meter: Meter | undefined; count: number } = { meter: undefined, count: 0 }
  return (index) => {
    if ((++own.count & CHECK_MASK) === 0) {
      own.meter ??= new Meter(board, Atomics.add(new Int32Array(taken), 0, 1), span)
      own.meter.count = own.count
      own.meter.check()
    }
    return make(index)
  }
}
