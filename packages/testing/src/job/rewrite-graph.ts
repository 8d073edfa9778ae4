/** Puts other sources and sinks into a declared graph. Pure: names, edges and everything else stay as they are. */
import type { LogicalGraph, LogicalNode, SinkSpec, SourceSpec } from '@sluice/engine'

export interface Replacements {
  readonly source: (node: LogicalNode) => SourceSpec | undefined
  readonly sink: (node: LogicalNode) => SinkSpec | undefined
}

export function rewriteGraph(graph: LogicalGraph, { source, sink }: Replacements): LogicalGraph {
  return { ...graph, nodes: graph.nodes.map((node) => rewriteNode(node, source, sink)) }
}

function rewriteNode(node: LogicalNode, source: Replacements['source'], sink: Replacements['sink']): LogicalNode {
  if (node.spec.kind === 'source') {
    const spec = source(node)
    if (spec === undefined) return node
    const parallelismMax = { value: 1, because: 'the simulation gives its records in order' }
    return { ...node, spec, parallelismMax, pinnedToHost: undefined, colocation: undefined, delivery: 'exactly-once' }
  }
  if (node.spec.kind !== 'sink') return node
  const spec = sink(node)
  return spec === undefined ? node : { ...node, spec, delivery: 'exactly-once' }
}
