/** What each subtask did in an interval. */
import type { PhysicalPlan } from '../plan/physical-plan.js'
import { type Interval, perSecond } from './interval.js'
import { SubtaskState, type SubtaskStateCode } from './metric-layout.js'

export type SubtaskStateName = keyof typeof SubtaskState

export interface SubtaskReport {
  /** Name of its task: the operators of its chain. */
  readonly task: string
  readonly subtask: number
  /** -1: the calling thread. */
  readonly worker: number
  readonly state: SubtaskStateName
  /** The four add up to about 1000. */
  readonly busyMsPerSecond: number
  readonly queuedMsPerSecond: number
  readonly backpressuredMsPerSecond: number
  readonly idleMsPerSecond: number
  /** Of the idle time: how long a source waited for others of its alignment group. */
  readonly alignedMsPerSecond: number
  /** Of the idle time: how long an input was refused because the barrier of a checkpoint had not arrived on all of them. */
  readonly refusingMsPerSecond: number
  /** Of the busy time: how long snapshots were taken and written. */
  readonly checkpointMsPerSecond: number
  readonly recordsInPerSecond: number
  readonly recordsOutPerSecond: number
  /** Totals since the start. */
  readonly recordsIn: number
  readonly recordsOut: number
  readonly dropped: number
  readonly deadLetters: number
  readonly lateRecords: number
  /** Ms since the epoch; -Infinity before the first. */
  readonly watermark: number
  readonly stateBytes: number
  readonly asyncInFlight: number
  /** Records that its operator holds back now, and their bytes as far as it counts them. */
  readonly heldRecords: number
  readonly heldBytes: number
  readonly finished: boolean
}

const stateNames: ReadonlyMap<SubtaskStateCode, SubtaskStateName> = new Map(
  (Object.keys(SubtaskState) as SubtaskStateName[]).map((name) => [SubtaskState[name], name]),
)

export function subtaskReports(plan: PhysicalPlan, { elapsedMs, subtasks, current }: Interval): readonly SubtaskReport[] {
  return plan.subtasks.flatMap(({ id, task, index, worker }) => {
    const times = subtasks[id]
    const metrics = current.subtasks[id]
    if (times === undefined || metrics === undefined) return []
    return {
      task: plan.tasks[task]?.name ?? '',
      subtask: index,
      worker,
      state: stateNames.get(metrics.state) ?? 'idle',
      busyMsPerSecond: perSecond(times.busyMs, elapsedMs),
      queuedMsPerSecond: perSecond(times.queuedMs, elapsedMs),
      backpressuredMsPerSecond: perSecond(times.backpressuredMs, elapsedMs),
      idleMsPerSecond: perSecond(times.idleMs, elapsedMs),
      alignedMsPerSecond: perSecond(times.alignedMs, elapsedMs),
      refusingMsPerSecond: perSecond(times.refusingMs, elapsedMs),
      checkpointMsPerSecond: perSecond(times.checkpointMs, elapsedMs),
      recordsInPerSecond: perSecond(times.recordsIn, elapsedMs),
      recordsOutPerSecond: perSecond(times.recordsOut, elapsedMs),
      recordsIn: metrics.recordsIn,
      recordsOut: metrics.recordsOut,
      dropped: metrics.dropped,
      deadLetters: metrics.deadLetters,
      lateRecords: metrics.lateRecords,
      watermark: metrics.watermark,
      stateBytes: metrics.stateBytes,
      asyncInFlight: metrics.asyncInFlight,
      heldRecords: metrics.heldRecords,
      heldBytes: metrics.heldBytes,
      finished: metrics.finished,
    }
  })
}
