/** The plan in the language of Graphviz: a cluster per task, the partitioning on the edges between. */
import type { LogicalGraph } from '../../graph/logical-graph.js'
import type { PhysicalPlan } from '../physical-plan.js'
import { roleOf } from './operator-facts.js'

const shapes: Readonly<Record<string, string>> = { source: 'ellipse', sink: 'box3d' }

export function planAsDot(graph: LogicalGraph, plan: PhysicalPlan): string {
  const lines = [`digraph ${quoted(plan.job)} {`, '  rankdir=LR', '  node [shape=box]']
  for (const task of plan.tasks) {
    lines.push(`  subgraph cluster_${task.id} {`, `    label=${quoted(`${task.id + 1} x${task.parallelism}`)}`)
    for (const id of task.nodes) {
      const node = graph.nodes[id]
      if (node === undefined) continue
      const shape = shapes[roleOf(node)]
      lines.push(`    n${id} [label=${quoted(node.name)}${shape === undefined ? '' : `, shape=${shape}`}]`)
    }
    lines.push('  }')
  }
  const partitioning = new Map(plan.edges.map((edge) => [edge.logical, edge.partitioning]))
  for (const edge of graph.edges) {
    const label = partitioning.get(edge.id)
    lines.push(`  n${edge.from.node} -> n${edge.to.node}${label === undefined ? ' [arrowhead=none]' : ` [label=${label}]`}`)
  }
  lines.push('}')
  return lines.join('\n')
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}
