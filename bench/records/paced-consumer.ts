/** A consumer that is slow by waiting: it takes a core from nobody. It takes records until it is ahead of its pace, then waits for a timer. */

/** Timers are as coarse as this. */
const AHEAD_MS = 2
/** Time in which nothing came is not made up for beyond this. */
const BEHIND_MS = 20

/** A function for `forEach` with `concurrency: 1`. */
export function pacedConsumer(ratePerSecond: number, stalled: () => boolean): () => Promise<void> | undefined {
  const periodMs = 1000 / ratePerSecond
  let dueMs = Number.NaN
  return () => {
    if (stalled()) return new Promise(() => {})
    const nowMs = performance.now()
    dueMs = Number.isNaN(dueMs) ? nowMs : Math.max(dueMs + periodMs, nowMs - BEHIND_MS)
    const waitMs = dueMs - nowMs
    return waitMs < AHEAD_MS ? undefined : new Promise((resolve) => setTimeout(resolve, waitMs))
  }
}
