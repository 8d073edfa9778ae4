/** Records of a whole job, from the counters of its subtasks. Pure. */
import type { LogicalGraph, MetricsSnapshot, PhysicalPlan } from '@sluice/engine'

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
    for (const id of task.subtasks) {
      const counted = subtasks[id]
      if (counted === undefined) continue
      if (reads) recordsIn += counted.recordsIn
      recordsOut += counted.recordsWritten
    }
  }
  return { recordsIn, recordsOut }
}
