/**
 * Event time as it was before the end of the input. What goes out at the end has a time ahead of that, and after a restore the watermark may
 * be that of the end already; so it is state of every operator that gives something then. For specs whose state goes to all (`union`).
 */
import type { RestoredOperator } from '@sluice/engine'

/** State of a subtask. */
export interface BeforeEnd {
  /** The last but that of the end. */
  readonly watermark: number
}

export function watermarkBeforeEnd({ watermark, states }: RestoredOperator): number {
  if (watermark < Number.POSITIVE_INFINITY) return watermark
  return Math.max(Number.NEGATIVE_INFINITY, ...(states as readonly BeforeEnd[]).map((state) => state.watermark))
}
