/** What guarded calls of one operator in one subtask did between two snapshots. Pure. */
import type { CallCounts } from './call-words.js'

/** In the interval; where they stand at its end is in the snapshot. Ms of records: records times how long each was in that condition. */
export interface CallInterval {
  readonly calls: number
  readonly attempts: number
  readonly failures: number
  readonly refused: number
  readonly underWayMs: number
  readonly delayedMs: number
  readonly budgetMs: number
  readonly retryAfterMs: number
  readonly heldMs: number
  readonly queuedMs: number
  /** Of the time itself: how long the circuit breaker was open or half-open, and results waited behind a record that is tried again. */
  readonly openMs: number
  readonly halfOpenMs: number
  readonly stalledMs: number
  /** Attempts that ended. */
  readonly ended: number
}

export function callInterval(previous: CallCounts | undefined, current: CallCounts): CallInterval {
  const grown = (of: (counts: CallCounts) => number): number => Math.max(0, of(current) - (previous === undefined ? 0 : of(previous)))
  return {
    calls: grown(({ calls }) => calls),
    attempts: grown(({ attempts }) => attempts),
    failures: grown(({ failures }) => failures),
    refused: grown(({ refused }) => refused),
    underWayMs: grown(({ underWay }) => underWay.ms),
    delayedMs: grown(({ delayed }) => delayed.ms),
    budgetMs: grown(({ budget }) => budget.ms),
    retryAfterMs: grown(({ retryAfter }) => retryAfter.ms),
    heldMs: grown(({ held }) => held.ms),
    queuedMs: grown(({ queued }) => queued.ms),
    openMs: grown(({ openMs }) => openMs),
    halfOpenMs: grown(({ halfOpenMs }) => halfOpenMs),
    stalledMs: grown(({ stalledMs }) => stalledMs),
    ended: grown(({ attempts, underWay }) => attempts - underWay.now),
  }
}
