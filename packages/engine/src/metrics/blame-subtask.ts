/** Why a subtask at which the walk of the wait-for graph ends is slow, and which operator of its chain it is. Pure. */
import type { LogicalGraph, LogicalNode } from '../graph/logical-graph.js'
import type { PhysicalPlan } from '../plan/physical-plan.js'
import { blameCalls, type CallBlame, type CallBlameKind } from './blame-calls.js'
import type { Interval } from './interval.js'
import { slowestOperator } from './operator-at-work.js'

/**
 * `operator`: its own work. `limit`: the user holds the stream to it. `worker`: the subtask is ready more than it runs, because its thread runs others. The others: it
 * waits for what it calls, see `CallBlameKind`.
 */
export type BottleneckKind = 'operator' | 'limit' | 'worker' | CallBlameKind

export interface SubtaskBlame {
  readonly operator: LogicalNode | undefined
  readonly kind: BottleneckKind
  /** Where it waits for what it calls. */
  readonly calls: CallBlame | undefined
}

/** Of the busy time: from which on the operator waits more than it works. */
const AWAITING_SHARE_MIN = 0.5

export function blameSubtask(graph: LogicalGraph, plan: PhysicalPlan, interval: Interval, subtask: number): SubtaskBlame {
  const operator = slowestOperator(graph, plan, interval, subtask)
  const planned = plan.subtasks[subtask]
  const times = interval.subtasks[subtask]
  const blamed = (kind: BottleneckKind, calls?: CallBlame): SubtaskBlame => ({ operator, kind, calls })
  if (times === undefined || planned === undefined) return blamed('operator')
  if (times.queuedMs > times.busyMs) return blamed('worker')
  if (operator?.limit !== undefined) return blamed('limit')
  const waits = times.awaitingMs > 0 && times.awaitingMs >= AWAITING_SHARE_MIN * times.busyMs
  const calls = waits && operator !== undefined ? blameCalls(graph, plan, interval, planned, operator) : undefined
  return calls === undefined ? blamed('operator') : blamed(calls.kind, calls)
}
