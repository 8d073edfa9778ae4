/** Records of a whole job, from the counters of its subtasks. Pure. */
import type { LogicalGraph, MetricsSnapshot, PhysicalPlan, PlannedTask } from '@sluice/engine'

export interface RecordCounts {
  /** Records that sources read. */
  readonly recordsIn: number
  /** Records that reached sinks. */
  readonly recordsOut: number
}

export function countRecords(graph: LogicalGraph, plan: PhysicalPlan, { subtasks }: MetricsSnapshot): RecordCounts {
  let recordsIn = 0
  let recordsOut = 0
  for (const task of plan.tasks) {
    const reads = graph.nodes[task.nodes[0] ?? -1]?.spec.kind === 'source'
    const writes = hasSink(graph, task)
    for (const id of task.subtasks) {
      const counted = subtasks[id]
      if (counted === undefined) continue
      if (reads) recordsIn += counted.recordsIn
      // A sink by itself gives nothing on: what it took is what reached it.
      if (writes) recordsOut += task.nodes.length === 1 ? counted.recordsIn : counted.recordsOut
    }
  }
  return { recordsIn, recordsOut }
}

function hasSink(graph: LogicalGraph, task: PlannedTask): boolean {
  return task.nodes.some((id) => {
    const spec = graph.nodes[id]?.spec
    return spec?.kind === 'sink' || (spec?.kind === 'async' && spec.discardsResults)
  })
}
