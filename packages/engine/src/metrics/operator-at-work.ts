/**
 * Which operator of a chain its time goes to. Functions are timed in samples; asynchronous work at its limit takes no time on
 * the thread, so it is told by the table that is full.
 */
import type { LogicalGraph, LogicalNode } from '../graph/logical-graph.js'
import type { PhysicalPlan } from '../plan/physical-plan.js'
import { callsAllowed } from './blame-calls.js'
import type { Interval } from './interval.js'
import { SubtaskState } from './metric-layout.js'

/** The slowest operator of a subtask's chain in the interval: what it waits for, else by samples, else what is active, else the head. */
export function slowestOperator(graph: LogicalGraph, plan: PhysicalPlan, interval: Interval, subtask: number): LogicalNode | undefined {
  const nodes = (plan.tasks[plan.subtasks[subtask]?.task ?? -1]?.nodes ?? []).map((id) => graph.nodes[id])
  return (
    awaitedOperator(graph, plan, interval, subtask) ??
    nodes[positionOfLargest(interval.sampledMs[subtask] ?? [])] ??
    nodes[interval.current.subtasks[subtask]?.activeOperator ?? -1] ??
    nodes[0]
  )
}

/** -1 where all are 0. */
function positionOfLargest(amounts: readonly number[]): number {
  let position = -1
  for (const [at, amount] of amounts.entries()) if (amount > (amounts[position] ?? 0)) position = at
  return position
}

/** For most of its work time: from which on a chain is said to wait. */
const AWAITING_SHARE_MIN = 0.5

/** The asynchronous operator that has, or had most of the time, as much in flight as it may, or the sink whose write has not settled. */
function awaitedOperator(graph: LogicalGraph, plan: PhysicalPlan, interval: Interval, subtask: number): LogicalNode | undefined {
  const planned = plan.subtasks[subtask]
  const task = plan.tasks[planned?.task ?? -1]
  const metrics = interval.current.subtasks[subtask]
  const times = interval.subtasks[subtask]
  if (planned === undefined || task === undefined || metrics === undefined || times === undefined) return undefined
  const now = metrics.state === SubtaskState.waiting
  const waits = now || (times.awaitingMs > 0 && times.awaitingMs >= AWAITING_SHARE_MIN * times.busyMs)
  const nodes = task.nodes.map((id) => graph.nodes[id])
  const async = nodes.find((node) => node?.spec.kind === 'async')
  if (async?.spec.kind === 'async' && (waits || metrics.asyncInFlight >= callsAllowed(async.spec, task, planned))) return async
  if (!waits) return undefined
  return (now ? nodes[metrics.activeOperator] : undefined) ?? nodes.find((node) => node?.spec.kind === 'sink')
}
