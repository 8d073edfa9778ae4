/** How long to wait before something that failed is tried again. Pure. */

export interface Backoff {
  readonly initialMs: number
  readonly maxMs: number
}

/** Doubles with every failure up to a largest delay; half of it is random, so that many jobs on one storage do not come back at once. */
export function backoffMs(failures: number, { initialMs, maxMs }: Backoff, random: () => number): number {
  const delayMs = Math.min(maxMs, initialMs * 2 ** Math.min(failures - 1, 52))
  return delayMs * (0.5 + random() / 2)
}
