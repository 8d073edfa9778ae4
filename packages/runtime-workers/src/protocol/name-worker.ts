/** A worker in terms of the job: its number and the operators that it runs. */
import type { LogicalGraph, PhysicalPlan } from '@sluice/engine'

export function nameWorker(graph: LogicalGraph, plan: PhysicalPlan, worker: number): string {
  const nodes = plan.subtasks.filter((subtask) => subtask.worker === worker).flatMap((subtask) => plan.tasks[subtask.task]?.nodes ?? [])
  const names = [...new Set(nodes)].map((node) => graph.nodes[node]?.name ?? '')
  return `worker ${worker} (${names.join(', ')})`
}
