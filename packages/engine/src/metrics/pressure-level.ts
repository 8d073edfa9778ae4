/** How much of the time producers wait for credit, in three words. */
export type PressureLevel = 'OK' | 'LOW' | 'HIGH'

/** Up to this share of the time blocked is `OK`: bursts block a little in every healthy job. */
export const OK_SHARE_MAX = 0.1
/** Up to this share is `LOW`, above it `HIGH`. */
const LOW_SHARE_MAX = 0.5

/** The level for a share of time blocked, 0 to 1. */
export function levelOf(blockedShare: number): PressureLevel {
  if (blockedShare <= OK_SHARE_MAX) return 'OK'
  return blockedShare <= LOW_SHARE_MAX ? 'LOW' : 'HIGH'
}
