/** What a job that was stopped still waits for, from its counters: whether that is calls that are not made for now and nothing else, and how much there is of it. Pure. */
import type { CallCounts } from './call-words.js'
import type { PhysicalPlan } from '../plan/physical-plan.js'
import type { MetricsSnapshot } from './read-metrics.js'

/** Where the records are that have not flowed out. */
export interface UnfinishedRecords {
  /** Calls of asynchronous operators; where records are gathered, of a batch of them. */
  readonly calls: number
  /** That operators hold back. */
  readonly heldRecords: number
  /** On edges. */
  readonly betweenOperators: number
}

export function unfinishedRecords(
  { channels: planned }: Pick<PhysicalPlan, 'channels'>,
  { subtasks, channels }: MetricsSnapshot,
): UnfinishedRecords {
  const sent = subtasks.map(() => 0)
  for (const { id, toSubtask } of planned) sent[toSubtask] = (sent[toSubtask] ?? 0) + (channels[id]?.records ?? 0)
  return {
    calls: subtasks.reduce((sum, { asyncInFlight }) => sum + asyncInFlight, 0),
    heldRecords: subtasks.reduce((sum, { heldRecords }) => sum + heldRecords, 0),
    // Records that a restored checkpoint had between operators are taken without having been sent.
    betweenOperators: subtasks.reduce((sum, { recordsIn }, subtask) => sum + Math.max(0, (sent[subtask] ?? 0) - recordsIn), 0),
  }
}

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
