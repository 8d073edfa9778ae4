/** A clock that all threads of a process share: `performance.now()` counts from the start of its own thread. Microseconds' worth of agreement. */
const SAMPLES = 16

export function sharedClock(): () => number {
  let offset = Number.POSITIVE_INFINITY
  for (let sample = 0; sample < SAMPLES; sample++) {
    const local = performance.now()
    offset = Math.min(offset, Number(process.hrtime.bigint()) / 1e6 - local)
  }
  return () => performance.now() + offset
}
