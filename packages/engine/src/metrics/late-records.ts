/** Records that came too late for an operator: every window that they belong to was gone. Pure. */
import type { LogicalGraph } from '../graph/logical-graph.js'
import type { PhysicalPlan } from '../plan/physical-plan.js'
import type { MetricsSnapshot } from './read-metrics.js'

export interface LateRecords {
  readonly operator: string
  /** Since the start, over all subtasks. */
  readonly lateRecords: number
  /** In the interval. */
  readonly added: number
}

/** Operators that counted any, in the order of the graph. */
export function lateRecords(
  graph: LogicalGraph,
  plan: PhysicalPlan,
  previous: MetricsSnapshot,
  current: MetricsSnapshot,
): readonly LateRecords[] {
  const before = lateByNode(plan, previous)
  return [...lateByNode(plan, current)]
    .sort(([left], [right]) => left - right)
    .map(([node, count]) => {
      return { operator: graph.nodes[node]?.name ?? '', lateRecords: count, added: Math.max(0, count - (before.get(node) ?? 0)) }
    })
}

function lateByNode(plan: PhysicalPlan, { operators }: MetricsSnapshot): Map<number, number> {
  const counts = new Map<number, number>()
  for (const { id, task } of plan.subtasks) {
    for (const [position, node] of (plan.tasks[task]?.nodes ?? []).entries()) {
      const late = operators[id]?.[position]?.lateRecords ?? 0
      if (late > 0) counts.set(node, (counts.get(node) ?? 0) + late)
    }
  }
  return counts
}
