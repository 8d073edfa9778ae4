/** What a manifest says of the job that it was taken of: enough to tell later what fits another version of the job. Pure. */
import type { LogicalGraph } from '../../graph/logical-graph.js'
import { canonicalJson } from '../../graph/summarise-graph.js'
import type { PhysicalPlan } from '../../plan/physical-plan.js'
import type { ManifestEdge, ManifestOperator } from './manifest.js'

const HIDDEN = '***'

/** Params as they may be written down: plain JSON, sorted, secret ones hidden. */
export function describeParams(params: unknown, secrets: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof params !== 'object' || params === null) return {}
  const shown = Object.entries(params).map(([name, value]) => [name, secrets.includes(name) ? HIDDEN : value] as const)
  return JSON.parse(canonicalJson(Object.fromEntries(shown))) as Record<string, unknown>
}

export function describeOperators(graph: LogicalGraph, plan: PhysicalPlan): readonly ManifestOperator[] {
  const parallelism = new Map(plan.tasks.flatMap((task) => task.nodes.map((node) => [node, task.parallelism] as const)))
  return graph.nodes.map((node) => ({
    name: node.name,
    kind: node.spec.kind,
    options: canonicalJson(node.options ?? {}),
    inputs: graph.edges
      .filter((edge) => edge.to.node === node.id)
      .sort((a, b) => a.to.input - b.to.input)
      .map((edge) => graph.nodes[edge.from.node]?.name ?? ''),
    parallelism: parallelism.get(node.id) ?? 1,
  }))
}

export function describeEdges(graph: LogicalGraph, plan: PhysicalPlan): readonly ManifestEdge[] {
  const planned = new Map(plan.edges.map((edge) => [edge.logical, edge.partitioning]))
  return graph.edges.map((edge) => {
    const from = graph.nodes[edge.from.node]
    return {
      name: `${from?.name}.${from?.ports[edge.from.port]} -> ${graph.nodes[edge.to.node]?.name}[${edge.to.input}]`,
      partitioning: planned.get(edge.id) ?? edge.partitioning ?? 'forward',
    }
  })
}
