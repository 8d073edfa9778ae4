/** The gap between the load a job carries and the load at which flow control starts. */
import type { LogicalGraph } from '../graph/logical-graph.js'
import { HOST_WORKER, type PhysicalPlan } from '../plan/physical-plan.js'
import { heldBackMs } from './wait-for-walk.js'
import { type Interval, perSecond, shareOfTime } from './interval.js'
import { slowestOperator } from './operator-at-work.js'
import { OK_SHARE_MAX } from './pressure-level.js'

export interface Headroom {
  /** 1 - the largest busy share of any subtask or thread; 0 where a source is held back already. */
  readonly headroom: number
  /** What is used most: "write (subtask 1)", "worker 0". */
  readonly limitedBy: string
  /** What the sources give now, all together. */
  readonly recordsPerSecond: number
  /** The rate at which the first edge would leave `OK`, if the work per record stays what it is. */
  readonly recordsPerSecondMax: number
}

/** undefined where nothing ran in the interval. */
export function headroomOf(graph: LogicalGraph, plan: PhysicalPlan, interval: Interval): Headroom | undefined {
  const { elapsedMs, subtasks } = interval
  let used = 0
  let limitedBy = ''
  let sourceRecords = 0
  let heldBack = false
  const threadBusyMs = new Map<number, number>()
  for (const { id, task, index, worker } of plan.subtasks) {
    const times = subtasks[id]
    const head = graph.nodes[plan.tasks[task]?.nodes[0] ?? -1]
    if (times === undefined) continue
    if (head?.spec.kind === 'source') sourceRecords += times.recordsIn
    heldBack ||= shareOfTime(heldBackMs(plan, interval, id), elapsedMs) > OK_SHARE_MAX
    // Asynchronous work at its limit is busy without using its thread.
    if (head?.spec.kind !== 'async') threadBusyMs.set(worker, (threadBusyMs.get(worker) ?? 0) + times.busyMs)
    const share = shareOfTime(times.busyMs, elapsedMs)
    if (share <= used) continue
    used = share
    limitedBy = `${slowestOperator(graph, plan, interval, id)?.name ?? ''} (subtask ${index})`
  }
  for (const [worker, ms] of threadBusyMs) {
    const share = shareOfTime(ms, elapsedMs)
    if (share <= used) continue
    used = share
    limitedBy = worker === HOST_WORKER ? 'the calling thread' : `worker ${worker}`
  }
  if (used === 0) return undefined
  const recordsPerSecond = perSecond(sourceRecords, elapsedMs)
  if (heldBack) return { headroom: 0, limitedBy, recordsPerSecond, recordsPerSecondMax: recordsPerSecond }
  return { headroom: 1 - used, limitedBy, recordsPerSecond, recordsPerSecondMax: recordsPerSecond / used }
}
