/** Who waits for what in an attempt that stands still. Pure. */
import { type LogicalGraph, type MetricsSnapshot, type PhysicalPlan, SubtaskState } from '@sluice/engine'

const STATES = Object.fromEntries(Object.entries(SubtaskState).map(([name, code]) => [code, name]))

export function explainStall(graph: LogicalGraph, plan: PhysicalPlan, { subtasks, channels }: MetricsSnapshot): string {
  const lines = plan.subtasks.flatMap(({ id, task, index, worker }) => {
    const metrics = subtasks[id]
    if (metrics === undefined || metrics.finished) return []
    const name = plan.tasks[task]?.nodes.map((node) => graph.nodes[node]?.name).join(' -> ')
    const blocked = channels[metrics.blockedChannel] === undefined ? undefined : plan.channels[metrics.blockedChannel]
    const waits = blocked === undefined ? '' : `, without credit on ${plan.edges[blocked.edge]?.name} to subtask ${blocked.toSubtask}`
    const async = metrics.asyncInFlight > 0 ? `, ${metrics.asyncInFlight} asynchronous calls in flight` : ''
    return [
      `  ${name} (${index}) on ${worker < 0 ? 'the host' : `worker ${worker}`}: ${STATES[metrics.state]}${waits}${async}; ` +
        `${metrics.recordsIn} records in, ${metrics.recordsOut} out, watermark ${metrics.watermark}`,
    ]
  })
  return [
    'subtasks that have not finished:',
    ...lines,
    'A call that waits for the real world (files, network) is never answered in a simulation.',
  ].join('\n')
}
