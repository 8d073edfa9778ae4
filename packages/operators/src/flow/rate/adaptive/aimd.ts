/**
 * Additive increase, multiplicative decrease: a little more in every period in which all is well, a good deal less when it is not. After a decrease the next one
 * waits for a round trip, since what is measured until then was sent before. The rate swings between `decrease` times what the dependency bears and
 * a little above it. Pure.
 *
 * D.-M. Chiu, R. Jain: Analysis of the increase and decrease algorithms for congestion avoidance in computer networks (1989); V. Jacobson: Congestion avoidance and control (1988).
 */
import { exceeds, LIMITED_SHARE_MIN, type Observation, type Target } from './observation.js'

export interface AimdSettings {
  readonly min: number
  readonly max: number
  /** Added in a period. */
  readonly increase: number
  /** Factor, 0 to 1. */
  readonly decrease: number
  readonly target: Target
}

export interface AimdState {
  readonly rate: number
  /** How long no further decrease follows, in ms. */
  readonly restMs: number
}

/** A round trip counts as this long at most: what never ends must not keep the rate up. */
const ROUND_TRIP_MS_MAX = 1000

export function decideAimd(
  { rate, restMs }: AimdState,
  seen: Observation,
  { min, max, increase, decrease, target }: AimdSettings,
): AimdState {
  const leftMs = Math.max(0, restMs - seen.elapsedMs)
  if (exceeds(seen, target)) {
    if (leftMs > 0) return { rate, restMs: leftMs }
    const roundTripMs = (Number.isNaN(seen.latencyMs) ? 0 : seen.latencyMs) + seen.queueMs
    return { rate: Math.max(min, rate * decrease), restMs: Math.min(ROUND_TRIP_MS_MAX, roundTripMs) }
  }
  if (seen.limited < LIMITED_SHARE_MIN) return { rate, restMs: leftMs }
  return { rate: Math.min(max, rate + increase), restMs: leftMs }
}
