/** Records that operators lost on purpose, by reason, and their dead letters, by code: what the log says as `records.dropped` and `records.deadLettered`. Pure. */
import type { LogicalGraph } from '../graph/logical-graph.js'
import type { PhysicalPlan } from '../plan/physical-plan.js'
import { perSecond } from './interval.js'
import type { MetricsSnapshot } from './read-metrics.js'

/** What one operator lost for one reason, or its dead letters with one code, over all of its subtasks. */
export interface DroppedRecords {
  readonly operator: string
  readonly reason: string
  /** The edge in front of the operator, as `from -> to`; of several all, with commas between. undefined: it is a source. */
  readonly edge: string | undefined
  /** In the interval. */
  readonly count: number
  /** Since the start. */
  readonly total: number
  readonly perSecond: number
}

/** Every operator and reason with a loss so far: operators in the order of the graph, reasons by how many. `what`: losses, or dead letters by code. */
export function droppedRecords(
  graph: LogicalGraph,
  plan: PhysicalPlan,
  previous: MetricsSnapshot,
  current: MetricsSnapshot,
  what: Counted = 'dropped',
): readonly DroppedRecords[] {
  const before = countsByNode(plan, previous, what)
  const elapsedMs = Math.max(0, current.atMs - previous.atMs)
  return [...countsByNode(plan, current, what)]
    .sort(([left], [right]) => left - right)
    .flatMap(([node, reasons]) =>
      [...reasons]
        .sort(([, left], [, right]) => right - left)
        .map(([reason, total]) => {
          const count = Math.max(0, total - (before.get(node)?.get(reason) ?? 0))
          return {
            operator: graph.nodes[node]?.name ?? '',
            reason,
            edge: edgesInFront(graph, node),
            count,
            total,
            perSecond: perSecond(count, elapsedMs),
          }
        }),
    )
}

type Counted = 'dropped' | 'deadLetters'

function countsByNode(plan: PhysicalPlan, { operators }: MetricsSnapshot, what: Counted): Map<number, Map<string, number>> {
  const byNode = new Map<number, Map<string, number>>()
  for (const { id, task } of plan.subtasks) {
    for (const [position, node] of (plan.tasks[task]?.nodes ?? []).entries()) {
      for (const { reason, count } of operators[id]?.[position]?.[what] ?? []) {
        const reasons = byNode.get(node) ?? new Map<string, number>()
        byNode.set(node, reasons.set(reason, (reasons.get(reason) ?? 0) + count))
      }
    }
  }
  return byNode
}

function edgesInFront(graph: LogicalGraph, node: number): string | undefined {
  const names = graph.edges
    .filter(({ to }) => to.node === node)
    .map(({ from, to }) => `${graph.nodes[from.node]?.name} -> ${graph.nodes[to.node]?.name}`)
  return names.length === 0 ? undefined : [...new Set(names)].join(', ')
}
