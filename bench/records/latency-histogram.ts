/** Latencies in shared memory: a line of counts per second of the run, in buckets that grow by a twelfth of an octave. One writer. */
const BUCKETS = 400
const PER_OCTAVE = 12
const MS_MIN = 0.001

export function createHistogram(seconds: number): SharedArrayBuffer {
  return new SharedArrayBuffer(seconds * BUCKETS * Int32Array.BYTES_PER_ELEMENT)
}

export function noteLatency(words: Int32Array, second: number, latencyMs: number): void {
  const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.round(Math.log2(latencyMs / MS_MIN) * PER_OCTAVE)))
  const at = second * BUCKETS + bucket
  if (at < words.length) words[at] = (words[at] as number) + 1
}

/** In ms, of the seconds from `from` to before `to`; NaN: no record came. */
export function percentile(words: Int32Array, from: number, to: number, share: number): number {
  const counts = new Float64Array(BUCKETS)
  let total = 0
  for (let at = from * BUCKETS; at < Math.min(words.length, to * BUCKETS); at++) {
    const count = words[at] as number
    counts[at % BUCKETS] = (counts[at % BUCKETS] as number) + count
    total += count
  }
  let seen = 0
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    seen += counts[bucket] as number
    if (total > 0 && seen >= total * share) return MS_MIN * 2 ** (bucket / PER_OCTAVE)
  }
  return Number.NaN
}
