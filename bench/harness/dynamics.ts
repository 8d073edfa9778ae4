/** What a trace of two counters says about how a source follows its consumer. Pure. */

/** Counts of records by time; ascending. */
export interface Trace {
  readonly timesMs: readonly number[]
  /** Records that the source made. */
  readonly made: readonly number[]
  /** Records that the consumer took. */
  readonly taken: readonly number[]
}

/** First sample at or behind a time. */
function sampleAt({ timesMs }: Trace, atMs: number): number {
  let low = 0
  let high = timesMs.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((timesMs[middle] as number) < atMs) low = middle + 1
    else high = middle
  }
  return low
}

/** Records per second between two times. */
export function meanRate(trace: Trace, counts: readonly number[], fromMs: number, toMs: number): number {
  const from = sampleAt(trace, fromMs)
  const to = sampleAt(trace, toMs)
  const elapsedMs = (trace.timesMs[to] as number) - (trace.timesMs[from] as number)
  return elapsedMs > 0 ? (((counts[to] as number) - (counts[from] as number)) * 1000) / elapsedMs : 0
}

export interface FollowOptions {
  /** How far apart the rates may be: 0.05. */
  readonly share: number
  /** Records by which the counts may differ besides: what moves at once. */
  readonly slack: number
  /** How long the source must keep the pace. */
  readonly horizonMs: number
}

/**
 * How long after `atMs` the source goes at the pace of its consumer: from then on, over every stretch up to the horizon, it made as many records as the
 * consumer took, give or take a share of them and the slack. NaN: not before `untilMs`.
 */
export function followsAfterMs(trace: Trace, atMs: number, untilMs: number, { share, slack, horizonMs }: FollowOptions): number {
  const { timesMs, made, taken } = trace
  const end = sampleAt(trace, untilMs)
  const follows = (from: number): boolean => {
    const limit = sampleAt(trace, (timesMs[from] as number) + horizonMs)
    for (let to = from + 1; to <= limit; to++) {
      const consumed = (taken[to] as number) - (taken[from] as number)
      const difference = (made[to] as number) - (made[from] as number) - consumed
      if (Math.abs(difference) > share * consumed + slack) return false
    }
    return true
  }
  for (let from = sampleAt(trace, atMs); from < end && (timesMs[from] as number) + horizonMs <= untilMs; from++) {
    if (follows(from)) return (timesMs[from] as number) - atMs
  }
  return Number.NaN
}

/** How long after `atMs` the source begins a stretch of `stretchMs` at this rate or a higher one. NaN: not before `untilMs`. */
export function reachesAfterMs(trace: Trace, atMs: number, untilMs: number, rate: number, stretchMs: number): number {
  for (let from = sampleAt(trace, atMs); (trace.timesMs[from] as number) + stretchMs <= untilMs; from++) {
    const fromMs = trace.timesMs[from] as number
    if (meanRate(trace, trace.made, fromMs, fromMs + stretchMs) >= rate) return fromMs - atMs
  }
  return Number.NaN
}

/** The highest rate over any stretch of `stretchMs`. */
export function peakRate(trace: Trace, fromMs: number, toMs: number, stretchMs: number): number {
  let peak = 0
  for (let from = sampleAt(trace, fromMs); (trace.timesMs[from] as number) + stretchMs <= toMs; from++) {
    const startMs = trace.timesMs[from] as number
    peak = Math.max(peak, meanRate(trace, trace.made, startMs, startMs + stretchMs))
  }
  return peak
}

/** The longest time in which the source made nothing. */
export function longestPauseMs({ timesMs, made }: Trace, fromMs: number, toMs: number): number {
  let pauseMs = 0
  let since = -1
  timesMs.forEach((timeMs, sample) => {
    if (timeMs < fromMs || timeMs > toMs) return
    if (since < 0 || made[sample] !== made[since]) since = sample
    pauseMs = Math.max(pauseMs, timeMs - (timesMs[since] as number))
  })
  return pauseMs
}

/** Rates over stretches that follow each other, for a chart: one per `stretchMs`. */
export function ratesOver(trace: Trace, counts: readonly number[], stretchMs: number): { atMs: number; rate: number }[] {
  const rates: { atMs: number; rate: number }[] = []
  const lastMs = trace.timesMs.at(-1) ?? 0
  for (let fromMs = trace.timesMs[0] ?? 0; fromMs + stretchMs <= lastMs; fromMs += stretchMs)
    rates.push({ atMs: fromMs + stretchMs / 2, rate: meanRate(trace, counts, fromMs, fromMs + stretchMs) })
  return rates
}
