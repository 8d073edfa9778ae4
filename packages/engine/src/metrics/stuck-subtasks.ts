/** Subtasks that have been inside user code for longer than a limit: what the job log reports as `operator.stuck`. */
import type { LogicalGraph } from '../graph/logical-graph.js'
import type { PhysicalPlan } from '../plan/physical-plan.js'
import { SubtaskState } from './metric-layout.js'
import type { MetricsSnapshot } from './read-metrics.js'

export interface StuckSubtask {
  /** The operator known to be active, else the chain it is in. */
  readonly operator: string
  readonly subtask: number
  readonly worker: number
  readonly forMs: number
}

/** A step ends after about a millisecond: one that is open for longer is held by a synchronous function. Waiting for asynchronous work is not stuck. */
export function stuckSubtasks(
  graph: LogicalGraph,
  plan: PhysicalPlan,
  snapshot: MetricsSnapshot,
  stuckAfterMs: number,
): readonly StuckSubtask[] {
  return plan.subtasks.flatMap(({ id, task: taskId, index, worker }) => {
    const metrics = snapshot.subtasks[id]
    const task = plan.tasks[taskId]
    if (metrics === undefined || task === undefined || metrics.state !== SubtaskState.busy || metrics.stateSinceMs === 0) return []
    const forMs = snapshot.atMs - metrics.stateSinceMs
    if (forMs <= stuckAfterMs) return []
    return { operator: graph.nodes[task.nodes[metrics.activeOperator] ?? -1]?.name ?? task.name, subtask: index, worker, forMs }
  })
}
