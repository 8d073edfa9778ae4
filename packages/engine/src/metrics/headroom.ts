/** The gap between the load a job carries and the load at which flow control starts. */
import type { LogicalGraph } from '../graph/logical-graph.js'
import { HOST_WORKER, type PhysicalPlan } from '../plan/physical-plan.js'
import { shareOf } from '../plan/share-of.js'
import type { DroppedRecords } from './dropped-records.js'
import { heldBackMs } from './wait-for-walk.js'
import { type Interval, perSecond, shareOfTime } from './interval.js'
import { slowestOperator } from './operator-at-work.js'
import { OK_SHARE_MAX } from './pressure-level.js'

export interface Headroom {
  /** 1 - load over `recordsPerSecondMax`, 0 to 1; 0 while flow control holds a source back. Of an interval the load is `recordsPerSecond`, of a whole run `recordsPerSecondPeak`. */
  readonly headroom: number
  /**
   * Where `recordsPerSecondMax` comes from. `measured`: flow control held this run back, and that is what it carried then. `estimated`: it has not, or more was
   * carried since; what is used most would be full at that rate, if the work per record stays what it is.
   */
  readonly how: 'measured' | 'estimated'
  /** What is used most: "write (subtask 1)", "worker 0". */
  readonly limitedBy: string
  /** What the sources give now, all together. */
  readonly recordsPerSecond: number
  /** The most that they gave in a report interval of this run in which every edge was `OK`; 0: there was none. */
  readonly recordsPerSecondPeak: number
  /** The rate at which the first edge leaves `OK`. */
  readonly recordsPerSecondMax: number
}

/** From one interval alone; undefined where nothing ran in it. */
export function headroomOf(
  graph: LogicalGraph,
  plan: PhysicalPlan,
  interval: Interval,
  dropped: readonly DroppedRecords[] = [],
): Headroom | undefined {
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
    // Asynchronous work at its limit is busy without using its thread, and so is who waits for a limit of the user.
    if (head?.spec.kind !== 'async' && head?.limit === undefined) threadBusyMs.set(worker, (threadBusyMs.get(worker) ?? 0) + times.busyMs)
    // Of asynchronous work below its limit the mean in flight is what tells how near it is.
    const share = Math.max(shareOfTime(times.busyMs, elapsedMs), inFlightShare(graph, plan, id, times.inFlightMs, elapsedMs))
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
  const recordsPerSecondPeak = heldBack ? 0 : recordsPerSecond
  const how = heldBack ? 'measured' : 'estimated'
  const found = { how, limitedBy, recordsPerSecond, recordsPerSecondPeak } as const
  // What was shed instead of held back was not carried.
  const lossy = new Set(graph.nodes.filter((node) => node.lossy !== undefined).map(({ name }) => name))
  const shed = dropped.reduce((sum, { operator, perSecond: lost }) => sum + (lossy.has(operator) ? lost : 0), 0)
  if (heldBack) return { headroom: 0, ...found, recordsPerSecondMax: Math.max(0, recordsPerSecond - shed) }
  return { headroom: 1 - used, ...found, recordsPerSecondMax: recordsPerSecond / used }
}

/** Mean of the calls in flight, as a share of as many as there may be. */
function inFlightShare(graph: LogicalGraph, plan: PhysicalPlan, subtask: number, inFlightMs: number, elapsedMs: number): number {
  if (inFlightMs === 0) return 0
  const { task = -1, index = 0 } = plan.subtasks[subtask] ?? {}
  const parallelism = plan.tasks[task]?.parallelism ?? 1
  let limit = 0
  for (const id of plan.tasks[task]?.nodes ?? []) {
    const spec = graph.nodes[id]?.spec
    if (spec?.kind === 'async') limit += spec.concurrency === undefined ? 1 : Math.max(1, shareOf(spec.concurrency, parallelism, index))
  }
  return limit === 0 ? 0 : shareOfTime(inFlightMs / limit, elapsedMs)
}
