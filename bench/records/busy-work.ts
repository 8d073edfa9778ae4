/** Work of a given length: rounds of arithmetic, counted before the run, so that a record needs no look at the clock. */
const TRIAL_ROUNDS = 200_000
const TRIALS = 40

/** Mixes an integer so many times. */
export function work(rounds: number, seed: number): number {
  let mixed = seed | 0
  for (let round = 0; round < rounds; round++) {
    mixed ^= mixed << 13
    mixed ^= mixed >>> 17
    mixed ^= mixed << 5
  }
  return mixed
}

/** Rounds in a microsecond of this machine when nothing disturbs it: the best of several trials. */
export function roundsPerMicrosecond(): number {
  let bestMs = Number.POSITIVE_INFINITY
  let seed = 1
  for (let trial = 0; trial < TRIALS; trial++) {
    const startMs = performance.now()
    seed = work(TRIAL_ROUNDS, seed)
    bestMs = Math.min(bestMs, performance.now() - startMs)
  }
  // The seed is used, so that the work is.
  if (seed === 0) throw new Error('xorshift never comes to 0')
  return TRIAL_ROUNDS / (bestMs * 1000)
}
