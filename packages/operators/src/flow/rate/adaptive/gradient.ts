/**
 * A rate that follows the gradient of latency: while a record takes about as long as it did at best, the rate grows; where it takes longer, records have begun to
 * queue somewhere, and the rate shrinks by as much. No target is needed. It settles where latency is about `tolerance / 0.9` times the least,
 * which counts as 5 ms where it is less. Pure.
 *
 * After TCP Vegas (L. Brakmo, L. Peterson: TCP Vegas: end to end congestion avoidance on a global internet, 1995), and the gradient limit of Netflix's
 * concurrency-limits (https://github.com/Netflix/concurrency-limits), which limits records in work where this limits a rate.
 */
import { exceeds, LIMITED_SHARE_MIN, type Observation, type Target } from './observation.js'

export interface GradientSettings {
  readonly min: number
  readonly max: number
  /** How many times the least latency still counts as well, at least 1. */
  readonly tolerance: number
  readonly target: Target
}

export interface GradientState {
  readonly rate: number
  /** Least latency of this span of periods and of the one before: older ones are forgotten. */
  readonly leastMs: number
  readonly leastBeforeMs: number
  readonly periods: number
}

/** Less than that is counted as that: timers and the turns of a thread are no finer, and a gradient of them would be noise. */
const LEAST_MS_MIN = 5
/** Periods after which a span ends. */
const SPAN_PERIODS = 300
/** The rate is at most halved by one decision, before it is smoothed. */
const GRADIENT_MIN = 0.5
/** What is tried beyond what is known to be well: of the rate, and of the largest rate. */
const HEADROOM = 0.1
const HEADROOM_OF_MAX = 0.02
const SMOOTHING = 0.5

export function startGradient(rate: number): GradientState {
  return { rate, leastMs: Number.POSITIVE_INFINITY, leastBeforeMs: Number.POSITIVE_INFINITY, periods: 0 }
}

export function decideGradient(state: GradientState, seen: Observation, { min, max, tolerance, target }: GradientSettings): GradientState {
  const tripMs = seen.latencyMs + seen.queueMs
  const known = rememberLeast(state, tripMs)
  const leastMs = Math.max(LEAST_MS_MIN, Math.min(known.leastMs, known.leastBeforeMs))
  const steep = exceeds(seen, target) ? GRADIENT_MIN : (tolerance * leastMs) / tripMs
  if (Number.isNaN(steep)) return known
  const gradient = Math.min(1, Math.max(GRADIENT_MIN, steep))
  if (gradient === 1 && seen.limited < LIMITED_SHARE_MIN) return known
  const { rate } = state
  const headroom = exceeds(seen, target) ? 0 : rate * HEADROOM
  // Where records queue nothing but the rate itself is tried again: otherwise the queue would stay.
  const wanted = rate * gradient + (gradient === 1 ? Math.max(headroom, max * HEADROOM_OF_MAX) : headroom)
  return { ...known, rate: Math.min(max, Math.max(min, rate + SMOOTHING * (wanted - rate))) }
}

function rememberLeast(state: GradientState, tripMs: number): GradientState {
  const periods = state.periods + 1
  if (!(tripMs > 0)) return { ...state, periods }
  if (periods >= SPAN_PERIODS) return { rate: state.rate, leastMs: tripMs, leastBeforeMs: state.leastMs, periods: 0 }
  return { ...state, leastMs: Math.min(state.leastMs, tripMs), periods }
}
