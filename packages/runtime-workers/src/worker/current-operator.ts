/** Which operator of this thread is running now, as its own metrics words say; for log lines of code that has no context. */
import { layoutMetrics, type LogEntry, type LogicalGraph, type PhysicalPlan, SubtaskState, SubtaskWord } from '@sluice/engine'

export type Place = Pick<LogEntry, 'operator' | 'subtask'>

interface Candidate {
  readonly wordsAt: number
  readonly names: readonly string[]
  readonly index: number
}

/** undefined between steps, and where code runs that belongs to no step (a timer callback of user code). */
export function currentOperator(
  graph: LogicalGraph,
  plan: PhysicalPlan,
  metrics: SharedArrayBuffer,
  worker: number,
): () => Place | undefined {
  const words = new Float64Array(metrics)
  const layout = layoutMetrics(plan)
  const candidates = plan.subtasks
    .filter((subtask) => subtask.worker === worker)
    .map(({ id, task, index }): Candidate => {
      const nodes = plan.tasks[task]?.nodes ?? []
      return { wordsAt: layout.subtaskAt(id), index, names: nodes.map((node) => graph.nodes[node]?.name ?? '') }
    })
  return () => {
    const busy = candidates.find(({ wordsAt }) => words[wordsAt + SubtaskWord.state] === SubtaskState.busy)
    if (busy === undefined) return undefined
    const active = words[busy.wordsAt + SubtaskWord.activeOperator] ?? -1
    // Where several functions were fused into one and none is known to be active, the chain is named.
    return { operator: busy.names[active] ?? busy.names.join(' -> '), subtask: busy.index }
  }
}
