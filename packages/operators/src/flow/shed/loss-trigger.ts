/** Whether records may be lost now, and why. Pure. */
import type { Triggers } from './shed-settings.js'

/** Why a record was dropped: the bound or the trigger, by the name of its option. */
export type DropReason = 'full' | 'fullFor' | 'age' | 'watermarkLag' | 'memory' | 'time' | 'sample' | 'latest'

export interface Pressure {
  readonly nowMs: number
  /** Since when records have been waiting without a break. */
  readonly waitingSinceMs: number
  /** -Infinity: nothing is known of event time. */
  readonly watermark: number
  /** NaN where it cannot be told. */
  readonly residentBytes: number
}

/** How long nothing is looked at that has no time of its own. */
const LOOK_AGAIN_MS = 100

/** Triggers that make the queue count as full at its present length. */
export function countsAsFull(reason: DropReason | undefined): boolean {
  return reason === 'watermarkLag' || reason === 'memory'
}

export function lossReason(triggers: Triggers, { nowMs, waitingSinceMs, watermark, residentBytes }: Pressure): DropReason | undefined {
  if (residentBytes > triggers.memoryBytes) return 'memory'
  // Without event time, and at its end, nothing lags.
  if (Number.isFinite(watermark) && nowMs - watermark > triggers.watermarkLagMs) return 'watermarkLag'
  if (nowMs - waitingSinceMs >= triggers.fullForMs) return 'fullFor'
  return undefined
}

/** When another answer is possible, where nothing else happens. */
export function nextLookMs(triggers: Triggers, { nowMs, waitingSinceMs, watermark }: Pressure): number {
  let at = waitingSinceMs + triggers.fullForMs
  if (Number.isFinite(watermark)) at = Math.min(at, watermark + triggers.watermarkLagMs + 1)
  if (triggers.memoryBytes < Number.POSITIVE_INFINITY) at = Math.min(at, nowMs + LOOK_AGAIN_MS)
  return Math.max(at, nowMs + 1)
}
