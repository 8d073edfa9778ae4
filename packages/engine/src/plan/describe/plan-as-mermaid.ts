/** The plan as a Mermaid flowchart: a box per task, the operators of its chain inside, the partitioning on the edges between. */
import type { LogicalGraph, LogicalNode } from '../../graph/logical-graph.js'
import type { PhysicalPlan } from '../physical-plan.js'
import { roleOf } from './operator-facts.js'

export function planAsMermaid(graph: LogicalGraph, plan: PhysicalPlan): string {
  const lines = ['flowchart LR']
  for (const task of plan.tasks) {
    lines.push(`  subgraph t${task.id}["${task.id + 1} x${task.parallelism}"]`)
    for (const id of task.nodes) {
      const node = graph.nodes[id]
      if (node !== undefined) lines.push(`    ${shapeOf(node)}`)
    }
    lines.push('  end')
  }
  const partitioning = new Map(plan.edges.map((edge) => [edge.logical, edge.partitioning]))
  for (const edge of graph.edges) {
    const label = partitioning.get(edge.id)
    lines.push(`  n${edge.from.node} ${label === undefined ? '---' : `-->|${label}|`} n${edge.to.node}`)
  }
  return lines.join('\n')
}

function shapeOf(node: LogicalNode): string {
  const text = `"${node.name.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}"`
  const role = roleOf(node)
  if (role === 'source') return `n${node.id}([${text}])`
  return role === 'sink' ? `n${node.id}[[${text}]]` : `n${node.id}[${text}]`
}
