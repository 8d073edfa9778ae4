/** Declares jobs for tests and finds its way in their graphs. */
import type { LogicalEdge, LogicalGraph, LogicalNode, Operator } from '@sluice/engine'
import { defineJob, type JobBuilder } from '../../src/index.js'
import type { FakeOperatorContext } from './fake-operator-context.js'

/** The graph of a declaration without parameters. */
export function declare(declaration: (job: JobBuilder) => void, collect = false): LogicalGraph {
  return defineJob({ name: 'test' }, declaration).declare({}, { collect })
}

export function nodeOf(graph: LogicalGraph, name: string): LogicalNode {
  const node = graph.nodes.find((candidate) => candidate.name === name)
  if (node === undefined) throw new Error(`no node ${name} among ${graph.nodes.map((candidate) => candidate.name).join(', ')}`)
  return node
}

/** Edges as `from.port -> to`, with what matters of them. */
export function edgesOf(graph: LogicalGraph): readonly string[] {
  return graph.edges.map((edge) => {
    const from = graph.nodes[edge.from.node]
    return `${from?.name}.${from?.ports[edge.from.port]} -> ${graph.nodes[edge.to.node]?.name}${edge.partitioning === undefined ? '' : ` ${edge.partitioning}`}`
  })
}

export function edgeInto(graph: LogicalGraph, name: string): LogicalEdge {
  const { id } = nodeOf(graph, name)
  const edge = graph.edges.find((candidate) => candidate.to.node === id)
  if (edge === undefined) throw new Error(`no edge into ${name}`)
  return edge
}

/** The operator of a general node over a fake context. */
export function operatorOf(graph: LogicalGraph, name: string, context: FakeOperatorContext): Operator {
  const { spec } = nodeOf(graph, name)
  if (spec.kind !== 'general') throw new Error(`${name} is a ${spec.kind}`)
  return context.drive(spec.create(context))
}
