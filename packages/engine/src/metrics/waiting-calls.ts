/** What a job that was stopped still waits for, from its counters. Pure. */
import type { CallCounts } from './call-words.js'
import type { MetricsSnapshot } from './read-metrics.js'

/**
 * Whether between two readings no record moved, and all calls waited: for another attempt, a breaker, a place. Calls that are being made are waited for, guarded or not: they may succeed.
 */
export function onlyCallsWait(before: MetricsSnapshot, now: MetricsSnapshot): boolean {
  return allCallsWait(before) && allCallsWait(now) && recordsMoved(before) === recordsMoved(now)
}

function allCallsWait({ subtasks, operators }: MetricsSnapshot): boolean {
  const waiting = operators.reduce((sum, chain) => chain.reduce((more, { calls }) => more + waitingOf(calls), sum), 0)
  return waiting > 0 && waiting >= subtasks.reduce((sum, { asyncInFlight }) => sum + asyncInFlight, 0)
}

function waitingOf(calls: CallCounts | undefined): number {
  if (calls === undefined) return 0
  const { delayed, budget, retryAfter, held, queued } = calls
  return delayed.now + budget.now + retryAfter.now + held.now + queued.now
}

function recordsMoved({ subtasks }: MetricsSnapshot): number {
  return subtasks.reduce((sum, { recordsIn, recordsOut }) => sum + recordsIn + recordsOut, 0)
}
