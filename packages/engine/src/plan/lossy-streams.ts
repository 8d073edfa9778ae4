/** Records that are dropped on purpose, and sinks that promise to write every record exactly once: one has to know of the other. Pure. */
import { SluiceError } from '../errors/sluice-error.js'
import { isSink, type LogicalGraph, type LogicalNode } from '../graph/logical-graph.js'
import type { PlanSettings } from './physical-plan.js'

/**
 * Fails with `SLUICE_LOSSY_STREAM` where something that loses records stands in front of a sink that is exactly-once in this run, and does not say that
 * the loss is meant.
 */
export function checkLossyStreams(graph: LogicalGraph, { checkpoint }: PlanSettings): void {
  // Without checkpoints, or with such as repeat records, no sink is.
  if (checkpoint === undefined || checkpoint.mode === 'at-least-once') return
  for (const node of graph.nodes) {
    if (node.lossy === undefined || node.lossy.accepted) continue
    const path = pathToExactSink(graph, node)
    if (path === undefined) continue
    const sink = path.at(-1) as LogicalNode
    throw new SluiceError(
      'SLUICE_LOSSY_STREAM',
      `${node.name} ${node.lossy.because}, and ${sink.name} writes each record exactly once: ${path.map(({ name }) => name).join(' -> ')}`,
      { job: graph.job, operator: node.name, declaredAt: node.declaredAt },
    )
  }
}

/** A shortest one. */
function pathToExactSink(graph: LogicalGraph, start: LogicalNode): readonly LogicalNode[] | undefined {
  const cameFrom = new Map<number, number | undefined>([[start.id, undefined]])
  // The map grows while it is walked.
  for (const id of cameFrom.keys()) {
    const node = graph.nodes[id]
    if (node !== undefined && isSink(node) && node.delivery === 'exactly-once') {
      const path: LogicalNode[] = []
      for (let at: number | undefined = id; at !== undefined; at = cameFrom.get(at)) path.unshift(graph.nodes[at] as LogicalNode)
      return path
    }
    for (const { from, to } of graph.edges) if (from.node === id && !cameFrom.has(to.node)) cameFrom.set(to.node, id)
  }
  return undefined
}
